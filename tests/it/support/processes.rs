//! Signals and limits of processes.

use std::sync::Once;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::process::Child;

/// Sends a signal to a child that is still running.
pub fn signal(child: &Child, signal: Signal) {
    let id = child.id().expect("the process has ended before");
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    kill_process(id.unwrap(), signal).unwrap();
}

/// Allows this process, and the children it starts from now on, as many open files as may be.
pub fn raise_file_limit() {
    static RAISED: Once = Once::new();
    RAISED.call_once(|| {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised).unwrap();
    });
}
