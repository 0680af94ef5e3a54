//! Servers of others, as small as they can be: an identity provider, a host application.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What a request is answered with, from its headers: a status, further headers, a body.
pub type Answer = (u16, Vec<(&'static str, String)>, String);
type Decide = Box<dyn Fn(&HeaderMap) -> Answer + Send>;

/// A server that answers every request as the test says.
pub struct Provider {
    /// Its address.
    pub url: String,
    shared: Arc<Shared>,
    /// Ends with the test.
    _task: tokio::task::JoinHandle<()>,
}

struct Shared {
    decide: Mutex<Decide>,
    /// How long it thinks about each.
    delay: Mutex<Duration>,
    asked: watch::Sender<Vec<HeaderMap>>,
}

impl Provider {
    /// A server that answers everything with that status and that JSON.
    pub async fn start(status: u16, body: &Value) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/answer", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            decide: Mutex::new(always(status, body)),
            delay: Mutex::default(),
            asked: watch::Sender::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            shared,
            _task: task,
        }
    }

    /// From now on it answers like that.
    pub fn answer(&self, status: u16, body: &Value) {
        *self.shared.decide.lock().unwrap() = always(status, body);
    }

    /// From now on it decides by the headers of the request.
    pub fn decide(&self, decide: impl Fn(&HeaderMap) -> Answer + Send + 'static) {
        *self.shared.decide.lock().unwrap() = Box::new(decide);
    }

    /// From now on it takes that long for each answer.
    pub fn take_time(&self, delay: Duration) {
        *self.shared.delay.lock().unwrap() = delay;
    }

    /// The headers of all requests so far.
    pub fn asked(&self) -> Vec<HeaderMap> {
        self.shared.asked.borrow().clone()
    }

    /// Waits until it has been asked so often.
    pub async fn asked_times(&self, n: usize) {
        let mut asked = self.shared.asked.subscribe();
        let enough = asked.wait_for(|asked| asked.len() >= n);
        super::soon("requests to the provider", enough)
            .await
            .unwrap();
    }
}

fn always(status: u16, body: &Value) -> Decide {
    let body = body.to_string();
    Box::new(move |_| (status, Vec::new(), body.clone()))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let headers = request.headers().clone();
    let (status, further, body) = (shared.decide.lock().unwrap())(&headers);
    shared.asked.send_modify(|asked| asked.push(headers));
    let delay = *shared.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let mut response = Response::builder().status(status);
    for (name, value) in further {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
