//! What the architecture is: floors, fences, and how long a file may be.

/// Longest source file, in lines. A file over it splits along verbs.
pub const MAX_LINES: usize = 400;

/// Which modules a module may import. Imports point down, never sideways.
pub const FLOORS: [(&str, &[&str]); 19] = [
    ("addresses", &[]),
    ("error", &[]),
    ("headers", &[]),
    ("link", &[]),
    ("worker", &[]),
    ("planted", &[]),
    ("random", &["error"]),
    ("telemetry", &[]),
    ("store", &["error", "link", "planted"]),
    ("auth", &["error", "random"]),
    (
        "chat",
        &[
            "store",
            "auth",
            "addresses",
            "error",
            "random",
            "worker",
            "planted",
        ],
    ),
    ("wire", &["chat", "error"]),
    (
        "delivery",
        &["wire", "chat", "error", "link", "planted", "worker"],
    ),
    (
        "socket",
        &[
            "wire",
            "chat",
            "auth",
            "addresses",
            "error",
            "headers",
            "random",
        ],
    ),
    (
        "plain",
        &["wire", "chat", "auth", "addresses", "error", "headers"],
    ),
    (
        "http",
        &["wire", "chat", "auth", "addresses", "error", "headers"],
    ),
    (
        "config",
        &[
            "addresses",
            "store",
            "auth",
            "chat",
            "delivery",
            "socket",
            "http",
            "telemetry",
        ],
    ),
    (
        "app",
        &[
            "addresses",
            "store",
            "auth",
            "chat",
            "delivery",
            "socket",
            "plain",
            "http",
            "config",
            "telemetry",
            "worker",
            "error",
            "link",
        ],
    ),
    ("cli", &["app", "config", "auth", "telemetry"]),
];

/// Crates that only some modules may name.
pub const FENCES: [(&str, &[&str]); 10] = [
    ("redis", &["delivery"]),
    ("sea_orm", &["store"]),
    ("object_store", &["store"]),
    ("rustix", &["store"]),
    ("axum", &["http", "app"]),
    ("socketioxide", &["socket", "delivery", "app"]),
    ("tokio_tungstenite", &["plain", "headers"]),
    ("dotenvy", &["config"]),
    ("sohbet_bench", &["cli"]),
    ("std::env", &["config", "planted"]),
];

/// What `config` may take of a module: its section, and what a section is made of.
pub const CONFIG_MAY_USE: [&str; 18] = [
    "BlobConfig",
    "Bucket",
    "Config",
    "Dialect",
    "FieldNames",
    "FileHost",
    "Format",
    "LimitRules",
    "Rate",
    "PublicKeys",
    "SessionConfig",
    "TokenRules",
    "UploadRules",
    "check_filter",
    "is_redis_url",
    "parse_network",
    "with_debug",
    "self",
];

/// Module names that say nothing.
pub const BANNED_NAMES: [&str; 5] = ["utils", "util", "common", "helpers", "misc"];
