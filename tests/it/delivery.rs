//! Delivery that is behind the writer: the parts of the server without their sockets, so that a test
//! decides when delivery runs.

use std::sync::{Arc, Mutex};

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use sohbet::Config;
use sohbet::auth::{Auth, Identity, Trust};
use sohbet::chat::{Chat, Dialect, Files, Outbox, Session};
use sohbet::delivery::Delivery;
use sohbet::store::{Blobs, Store, Writer};
use sohbet::wire;
use tokio_util::sync::CancellationToken;

use crate::support::soon;
use crate::support::stores::{self, on_both_stores};

/// The dialect in which messages wait for who is away.
const DIALECT: Dialect = Dialect::Direct;
/// Messages, each in a batch of its own; delivery may be so far behind.
const N_BATCHES: u32 = 8;

on_both_stores!(an_answer_waits_for_the_batches_that_it_holds);

async fn an_answer_waits_for_the_batches_that_it_holds(store: stores::Store) {
    let parts = Parts::start(&store).await;
    let (ali, _) = parts.connect("ali");
    for number in 0..N_BATCHES {
        let draft = json!({ "recipientId": "9", "messageContent": number });
        parts.ask(&ali, "chat", &draft).await;
        soon("a batch", async {
            while parts.n_stored().await <= number {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let (late, heard) = parts.connect("late");
    parts.ask(&late, "register", &json!(9)).await;
    parts.finish().await;
    let contents: Vec<u64> = heard.lock().unwrap().iter().map(content).collect();
    assert_eq!(contents, (0..N_BATCHES.into()).collect::<Vec<_>>());
}

fn content((event, body): &(String, Value)) -> u64 {
    assert_eq!(event, "chat");
    body["messageContent"].as_u64().unwrap()
}

/// Everything between the wire and the store; delivery runs only at the end.
struct Parts {
    store: Arc<Store>,
    chat: Arc<Chat>,
    delivery: Delivery,
    writer: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
}

impl Parts {
    async fn start(store: &stores::Store) -> Self {
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
        let stop = CancellationToken::new();
        Self {
            delivery: Delivery::new(Arc::clone(&chat), batches, events, None),
            writer: tokio::spawn(writer.run(stop.clone())),
            store,
            chat,
            stop,
        }
    }

    fn connect(&self, socket_id: &str) -> (Arc<Session>, Heard) {
        let heard = Heard::default();
        let outbox = Box::new(Recorder(Arc::clone(&heard)));
        let identity = Identity::nobody(Trust::Claimed);
        let sessions = &self.chat.sessions;
        let session = sessions.open(socket_id.to_owned(), identity, Some(DIALECT), outbox);
        (session, heard)
    }

    async fn ask(&self, session: &Arc<Session>, event: &str, payload: &Value) {
        let payload = to_raw_value(payload).unwrap();
        let parsed = wire::vocabulary(DIALECT).parse(event, &[&payload], session);
        let Ok(asked) = parsed else {
            panic!("{event} is refused");
        };
        let due = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        self.chat.handle(session, asked, None, due).await;
    }

    async fn n_stored(&self) -> u32 {
        let waiting = self.store.list_waiting(&"9".into(), u32::MAX).await;
        u32::try_from(waiting.unwrap().len()).unwrap()
    }

    /// Delivers everything.
    async fn finish(self) {
        self.stop.cancel();
        self.writer.await.unwrap();
        self.delivery.run().await;
        self.store.close().await;
    }
}

/// What a client was told: events with their bodies.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

struct Recorder(Heard);

impl Outbox for Recorder {
    fn emit(&self, event: &str, body: &RawValue) {
        let body = serde_json::from_str(body.get()).unwrap();
        self.0.lock().unwrap().push((event.to_owned(), body));
    }

    fn close(&self) {}

    fn expel(&self) {}
}
