//! Every test that touches the store runs on both databases.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt;
use tempfile::TempDir;
use url::Url;

use super::postgres;

/// Makes two tests of each named function, `sqlite::name` and `postgres::name`. The function takes
/// a fresh [`Store`].
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    $crate::support::stores::on_sqlite(super::$name).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test]
                async fn $name() {
                    $crate::support::stores::on_postgres(super::$name).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_stores;

/// A folder, and a database in it or on the PostgreSQL cluster. It outlives the servers on it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    folder: TempDir,
    database_url: String,
}

impl Store {
    /// The store itself, for a test that is about it alone.
    pub async fn open(&self) -> sohbet::store::Store {
        let url = self.database_url();
        let config = sohbet::store::Config {
            url: match url.starts_with("sqlite") {
                true => format!("{url}?mode=rwc"),
                false => url.to_owned(),
            },
            schema: None,
            readers: 2,
            migrate: true,
        };
        sohbet::store::Store::open(&config).await.unwrap()
    }

    /// An SQLite file that does not exist yet.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        let database_url = format!("sqlite://{}", file.display());
        Self::new(folder, database_url)
    }

    /// An existing PostgreSQL database.
    pub fn postgres(url: &Url) -> Self {
        Self::new(tempfile::tempdir().unwrap(), url.to_string())
    }

    /// Working directory of the servers, in which no `.env` lies unless a test puts it there.
    pub fn folder(&self) -> &Path {
        self.inner.folder.path()
    }

    /// `DATABASE_URL` of the servers.
    pub fn database_url(&self) -> &str {
        &self.inner.database_url
    }

    fn new(folder: TempDir, database_url: String) -> Self {
        let inner = Inner {
            folder,
            database_url,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

/// Runs a test on SQLite.
pub async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Store) -> F) {
    test(Store::sqlite()).await;
}

/// Runs a test on PostgreSQL and removes its database, also when the test failed.
pub async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Store) -> F) {
    let url = postgres::create_database().await;
    let test = AssertUnwindSafe(test(Store::postgres(&url)));
    let outcome = test.catch_unwind().await;
    postgres::drop_database(&url).await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}
