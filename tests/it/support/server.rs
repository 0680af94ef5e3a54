//! A real `sohbet serve` as a child process.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::client::Client;
use super::http::Call;
use super::stores::Store;
use super::{PATIENCE, processes, within};

/// How long a stop may take (the promise is ten seconds).
pub const STOP_LIMIT: Duration = Duration::from_secs(10);
const LISTENING: &str = "Socket.IO server running on port ";
/// How much of the log a failed test shows.
const SHOWN_LINES: usize = 60;

/// A running server.
pub struct Server {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    store: Store,
    settings: Vec<(String, String)>,
    child: Child,
    output: Output,
}

/// What a server that did not come up left behind.
#[derive(Debug)]
pub struct Failure {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it wrote.
    pub text: String,
}

impl Server {
    /// A server with default settings.
    pub async fn start(store: &Store) -> Self {
        Self::start_with(store, &[]).await
    }

    /// A server with further environment variables.
    pub async fn start_with(store: &Store, settings: &[(&str, &str)]) -> Self {
        match Self::try_start(store, settings, &[]).await {
            Ok(server) => server,
            Err(failure) => panic!("the server did not start: {failure:?}"),
        }
    }

    /// A server with further flags, or what it said when it ended instead.
    pub async fn try_start(
        store: &Store,
        settings: &[(&str, &str)],
        flags: &[&str],
    ) -> Result<Self, Failure> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings: Vec<_> = settings.iter().map(owned).collect();
        let (child, output, port) = launch(store, &settings, flags).await?;
        Ok(Self {
            port,
            store: store.clone(),
            settings,
            child,
            output,
        })
    }

    /// Starts again on the same store, without the flags. The port is another one: the old one may have become
    /// somebody's outgoing port meanwhile.
    pub async fn restart(&mut self) {
        let (child, output, port) = match launch(&self.store, &self.settings, &[]).await {
            Ok(launched) => launched,
            Err(failure) => panic!("the server did not start again: {failure:?}"),
        };
        (self.child, self.output, self.port) = (child, output, port);
    }

    /// `kill -9`: what a crash looks like.
    pub async fn crash(&mut self) {
        processes::signal(&self.child, Signal::KILL);
        self.child.wait().await.unwrap();
    }

    /// Asks for a stop. [`Self::stopped`] waits for it.
    pub fn ask_to_stop(&self, signal: Signal) {
        processes::signal(&self.child, signal);
    }

    /// Waits for the end that was asked for.
    pub async fn stopped(&mut self) -> ExitStatus {
        let status = within(STOP_LIMIT, "the end of the server", self.child.wait()).await;
        status.unwrap()
    }

    /// Stops in order.
    pub async fn stop(&mut self) {
        self.ask_to_stop(Signal::TERM);
        let status = self.stopped().await;
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    /// Everything that was written to stdout and stderr so far.
    pub fn log(&self) -> String {
        self.output.text()
    }

    /// The most memory that the server has had at a time so far, in kilobytes.
    pub fn peak_memory_kb(&self) -> u64 {
        let id = self.child.id().expect("the process has ended before");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        line.unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }

    /// A connected client that has not said who it is.
    pub async fn connect(&self) -> Client {
        Client::connect(self.port, None).await
    }

    /// A connected client that listens for a user.
    pub async fn user(&self, id: u64) -> Client {
        let mut client = self.connect().await;
        client.join_user(id).await;
        client
    }

    /// Ids of all users who are online, as a client that just came sees them.
    pub async fn online_users(&self, caller: u64) -> Vec<u64> {
        let mut client = self.connect().await;
        let answer = client.call("join_user_room", json!(caller)).await;
        serde_json::from_value(answer["onlineUsers"].clone()).unwrap()
    }

    /// A page of a conversation's messages.
    pub async fn messages(&self, query: &str) -> Vec<Value> {
        let answer = Call::get(&format!("/api/messages?{query}"))
            .send(self.port)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let Value::Array(messages) = answer.json()["messages"].take() else {
            panic!("no list of messages: {}", answer.text());
        };
        messages
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("last output of the server:\n{}", shown.join("\n"));
        }
    }
}

/// A `sohbet` command with a clean environment and the store of a test.
pub fn command(store: &Store) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sohbet"));
    command
        .current_dir(store.folder())
        .env_clear()
        .env("DATABASE_URL", store.database_url())
        .env("HOST", "127.0.0.1")
        .env("RUST_BACKTRACE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What a process has written so far.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<String>>);

impl Output {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// Takes lines until the stream ends.
    async fn take(self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut text = self.0.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    }
}

async fn launch(
    store: &Store,
    settings: &[(String, String)],
    flags: &[&str],
) -> Result<(Child, Output, u16), Failure> {
    processes::raise_file_limit();
    let mut command = command(store);
    for (name, value) in settings {
        command.env(name, value);
    }
    let mut child = command
        .args(["serve", "--port", "0"])
        .args(flags)
        .spawn()
        .unwrap();
    let output = Output::default();
    let stderr = child.stderr.take().expect("it is piped");
    let complaints = tokio::spawn(output.clone().take(stderr));
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut first = String::new();
    within(
        PATIENCE,
        "the start of the server",
        stdout.read_line(&mut first),
    )
    .await
    .unwrap();
    let Some(port) = first.strip_prefix(LISTENING) else {
        let status = within(PATIENCE, "the end of the server", child.wait()).await;
        complaints.await.unwrap();
        return Err(Failure {
            code: status.unwrap().code(),
            text: first + &output.text(),
        });
    };
    let port = port.trim().parse().unwrap();
    output.0.lock().unwrap().push_str(&first);
    tokio::spawn(output.clone().take(stdout));
    Ok((child, output, port))
}
