//! The server without its sockets: a test says what a client asks for and decides when delivery runs.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use sohbet::Config;
use sohbet::auth::{Auth, Identity, Trust};
use sohbet::chat::{Chat, Dialect, Files, Outbox, Session, SocketRequest};
use sohbet::delivery::Delivery;
use sohbet::store::{Blobs, Store, Writer};
use sohbet::wire::{self, Opening};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::stores;

/// An answer takes no longer.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How the end of a connection is noted among what its client heard.
pub const CLOSED: &str = "(closed)";

/// Everything between the wire and the store; delivery runs only when a test wants it, or at the end.
pub struct Parts {
    pub store: Arc<Store>,
    pub chat: Arc<Chat>,
    delivery: Mutex<Option<Delivery>>,
    delivering: Mutex<Option<tokio::task::JoinHandle<()>>>,
    writer: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
}

impl Parts {
    pub async fn start(store: &stores::Store) -> Self {
        let folder = store.folder().display().to_string();
        let settings = [
            ("DATABASE_URL", store.database_url()),
            ("DATA_DIR", &folder),
        ];
        let config = Config::from_settings(settings).unwrap();
        let store = Arc::new(Store::open(&config.store).await.unwrap());
        let (writer, queue, batches) = Writer::new(&store);
        let files = Files {
            blobs: Blobs::open(&config.blobs).unwrap(),
            link_key: "k".repeat(32),
        };
        let auth = Auth::new(&config.auth, "s".repeat(32)).unwrap();
        let (chat, events) = Chat::new(config.chat, auth, Arc::clone(&store), queue, files);
        let chat = Arc::new(chat);
        let delivery = Delivery::new(Arc::clone(&chat), batches, events, None);
        let stop = CancellationToken::new();
        Self {
            delivery: Mutex::new(Some(delivery)),
            delivering: Mutex::default(),
            writer: tokio::spawn(writer.run(stop.clone())),
            store,
            chat,
            stop,
        }
    }

    /// A new socket of that dialect.
    pub async fn connect(&self, dialect: Dialect, user: Option<&str>) -> (Arc<Session>, Heard) {
        let heard = Heard::default();
        let outbox = Box::new(Recorder(Arc::clone(&heard)));
        let identity = Identity {
            user: user.map(Into::into),
            ..Identity::nobody(Trust::Claimed)
        };
        let socket_id = uuid::Uuid::now_v7().to_string();
        let sessions = &self.chat.sessions;
        let session = sessions.open(socket_id, identity, Some(dialect), outbox);
        let opening = Opening {
            at_handshake: true,
            since: None,
        };
        if let Some(greeting) = wire::vocabulary(dialect).greeting(&session, opening) {
            self.handle(&session, greeting).await;
        }
        (session, heard)
    }

    /// Asks for something that can be understood.
    pub async fn ask(&self, session: &Arc<Session>, event: &str, payload: &Value) {
        let payload = to_raw_value(payload).unwrap();
        let vocabulary = wire::vocabulary(session.dialect().unwrap());
        match vocabulary.parse(event, &[&payload], session) {
            Ok(asked) => self.handle(session, asked).await,
            Err(_) => panic!("{event} is refused"),
        }
    }

    async fn handle(&self, session: &Arc<Session>, asked: SocketRequest) {
        let due = Instant::now() + PATIENCE;
        self.chat.handle(session, asked, None, due).await;
    }

    /// Delivers from now on.
    pub fn deliver(&self) {
        if let Some(delivery) = self.delivery.lock().unwrap().take() {
            let delivering = tokio::spawn(delivery.run());
            *self.delivering.lock().unwrap() = Some(delivering);
        }
    }

    /// Delivers everything.
    pub async fn finish(self) {
        self.stop.cancel();
        self.deliver();
        self.writer.await.unwrap();
        let delivering = self.delivering.lock().unwrap().take();
        delivering.unwrap().await.unwrap();
        self.store.close().await;
    }
}

/// What a client was told: events with their bodies.
pub type Heard = Arc<Mutex<Vec<(String, Value)>>>;

struct Recorder(Heard);

impl Outbox for Recorder {
    fn emit(&self, event: &str, body: &RawValue) {
        let body = serde_json::from_str(body.get()).unwrap();
        self.0.lock().unwrap().push((event.to_owned(), body));
    }

    fn is_open(&self) -> bool {
        !events(&self.0).iter().any(|event| event == CLOSED)
    }

    fn close(&self) {
        let closed = (CLOSED.to_owned(), Value::Null);
        self.0.lock().unwrap().push(closed);
    }

    fn expel(&self) {
        self.close();
    }
}

/// The names of the events that a client was told.
pub fn events(heard: &Heard) -> Vec<String> {
    let heard = heard.lock().unwrap();
    heard.iter().map(|(event, _)| event.clone()).collect()
}

/// Works until that is so, and no further.
pub async fn begin<T>(mut work: Pin<&mut impl Future<Output = T>>, is_so: impl Fn() -> bool) {
    poll_fn(|context| {
        let polled = work.as_mut().poll(context);
        assert!(polled.is_pending(), "it is done already");
        match is_so() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Waits until that is so.
pub async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
