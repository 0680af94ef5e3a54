//! Databases of their own for the tests, on both backends.

use std::path::Path;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};

const N_CONNECTIONS: u32 = 2;

/// Opens the SQLite file `name` in `directory`.
pub async fn sqlite(directory: &Path, name: &str) -> DatabaseConnection {
    let file = directory.join(name);
    connect(&format!("sqlite://{}?mode=rwc", file.display()), 1).await
}

/// Runs `test` on the URL of an empty PostgreSQL database called after `name`, and drops it.
pub async fn with_postgres(name: &str, test: impl AsyncFnOnce(String)) {
    let server = std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL names no PostgreSQL server: `make test` starts one and sets it");
    let database = format!("sohbet_migration_{name}_{}", std::process::id());
    let admin = connect(&server, 1).await;
    admin
        .execute_unprepared(&format!("CREATE DATABASE {database}"))
        .await
        .unwrap();
    test(with_database(&server, &database)).await;
    admin
        .execute_unprepared(&format!("DROP DATABASE {database} WITH (FORCE)"))
        .await
        .unwrap();
}

/// Opens a PostgreSQL database that allows a lock and work at once.
pub async fn postgres(url: &str) -> DatabaseConnection {
    connect(url, N_CONNECTIONS).await
}

/// The tables of `db`, by name.
pub async fn table_names(db: &DatabaseConnection) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1",
    };
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get("", "name").unwrap())
        .collect()
}

async fn connect(url: &str, n_connections: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(n_connections).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

fn with_database(server: &str, database: &str) -> String {
    let (address, settings) = server.split_once('?').unwrap_or((server, ""));
    let (address, _) = address.rsplit_once('/').unwrap();
    format!("{address}/{database}?{settings}")
}
