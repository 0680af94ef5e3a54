//! Properties whose cases need a server or a database.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

/// Checks that something holds for so many cases, and looks for the smallest one for which it does not.
pub async fn hold<S, F>(n_cases: u32, cases: S, check: F)
where
    S: Strategy + Send + 'static,
    S::Value: Debug,
    F: AsyncFn(S::Value) + Send + 'static,
{
    let runtime = Handle::current();
    let checked = tokio::task::spawn_blocking(move || {
        let config = Config {
            max_shrink_iters: 200,
            failure_persistence: None,
            ..Config::with_cases(n_cases)
        };
        let checked = TestRunner::new(config).run(&cases, |case| {
            runtime.block_on(check(case));
            Ok(())
        });
        checked.map_err(|failure| failure.to_string())
    });
    if let Err(failure) = checked.await.unwrap() {
        panic!("{failure}");
    }
}
