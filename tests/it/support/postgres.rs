//! A private PostgreSQL cluster for the whole test binary, and a fresh database for each test.
//!
//! `TEST_DATABASE_URL` names a cluster to use instead. Some tests are about durability, so the
//! private one syncs its commits.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use url::Url;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");

/// Address of a new, empty database.
pub async fn create_database() -> Url {
    let name = format!("sohbet_{}", uuid::Uuid::now_v7().simple());
    run_on_cluster(&format!("CREATE DATABASE {name}")).await;
    let mut url = cluster();
    url.set_path(&name);
    url
}

/// Removes a database that [`create_database`] made.
pub async fn drop_database(url: &Url) {
    let name = url.path().trim_start_matches('/');
    run_on_cluster(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

/// One connection to a database.
pub async fn connect(url: &Url) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url.as_str());
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

/// Runs a statement that concerns the whole cluster.
pub async fn run_on_cluster(sql: &str) {
    let db = connect(&cluster()).await;
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

fn cluster() -> Url {
    static URL: OnceLock<Url> = OnceLock::new();
    let url = URL.get_or_init(|| match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => url.parse().unwrap(),
        Err(_) => start_cluster().parse().unwrap(),
    });
    url.clone()
}

/// The script stops the cluster when its input ends, which is when this process does.
fn start_cluster() -> String {
    static CLUSTER: OnceLock<Child> = OnceLock::new();
    let child = Command::new(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.expect("tests/support/postgres.sh can be run");
    let mut url = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    output.read_line(&mut url).unwrap();
    assert!(
        url.starts_with("postgres://"),
        "the cluster did not start, see above"
    );
    CLUSTER.get_or_init(|| child);
    url.trim_end().to_owned()
}
