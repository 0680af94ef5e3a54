//! Where messages are kept, and how nodes that share them talk.

use super::{Flag, Setting, switch, value};

/// Where messages are kept.
pub static DATABASE: [&Setting; 4] = [&DATABASE_URL, &SQLITE_READERS, &NO_MIGRATE, &REDIS_URL];
/// File or server.
pub static DATABASE_URL: Setting = Setting {
    is_secret: true,
    ..value(
        "database-url",
        "URL",
        &["DATABASE_URL"],
        "data/sohbet.db",
        "postgres://user:password@host/name, or a SQLite file: chat.db, file:./chat.db, sqlite://chat.db",
    )
};
/// On PostgreSQL this is the size of the pool.
pub static SQLITE_READERS: Setting = value(
    "sqlite-readers",
    "COUNT",
    &["SQLITE_READERS"],
    "4",
    "Connections that read from SQLite; on PostgreSQL the size of the pool",
);
/// Off means the schema is brought up to date at start.
pub static NO_MIGRATE: Setting = switch(
    "no-migrate",
    &["NO_MIGRATE"],
    "Do not bring the database schema up to date at start",
);
/// Its address may hold a password.
pub static REDIS_URL: Setting = Setting {
    flag: Flag::None,
    is_secret: true,
    ..value(
        "redis-url",
        "URL",
        &["REDIS_URL"],
        "",
        "Redis or Valkey between several nodes on one PostgreSQL; without it they talk over PostgreSQL",
    )
};
