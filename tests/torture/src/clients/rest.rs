//! The REST side of a user.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use serde_json::Value;

use super::World;
use crate::history::{Ask, Seen, Told, What};
use crate::wire::http::{Answer, Call};

/// How long an answer may take: a second more than the server promises.
pub const PATIENCE: Duration = Duration::from_secs(11);
/// Messages in a page.
const PAGE: i64 = 40;

/// Somebody who calls.
pub struct Caller<'a> {
    /// The world of the run.
    pub world: &'a World,
    /// The client that calls.
    pub who: &'a str,
    /// The user that the client is of.
    pub user: &'a str,
    /// The node that is called.
    pub node: SocketAddr,
}

impl Caller<'_> {
    /// Calls, whatever comes of it.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let body = body.map(ToString::to_string);
        let body = body
            .as_ref()
            .map(|body| ("application/json", body.as_bytes()));
        self.call_with(method, path, body, PATIENCE).await
    }

    /// Calls with a body of any kind, and waits so long for the answer.
    pub async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, &[u8])>,
        patience: Duration,
    ) -> anyhow::Result<Answer> {
        let bearer = self
            .world
            .tokens
            .get(self.user)
            .map(|token| format!("Bearer {token}"));
        let identity = match &bearer {
            Some(bearer) => ("authorization", bearer.as_str()),
            None => ("x-user-id", self.user),
        };
        let path = format!("/api/v1{path}");
        let call = Call {
            method,
            path: &path,
            headers: &[identity],
            body,
            patience,
        };
        call.send(self.node).await
    }

    /// Calls, and expects to be told.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.call("GET", path, None).await?;
        match answer.status {
            200 => Ok(answer.json()),
            status => bail!("{path}: status {status}: {}", answer.text()),
        }
    }

    /// Calls for something, and writes down the request and what became of it.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>, ask: Ask) -> What {
        self.note(ask, self.call(method, path, body)).await
    }

    /// Writes down a request, and what became of it once its call is over.
    pub async fn note(
        &self,
        ask: Ask,
        called: impl Future<Output = anyhow::Result<Answer>>,
    ) -> What {
        let call = self.world.call();
        self.world.record(
            self.who,
            0,
            What::Invoke {
                call,
                ask: ask.clone(),
            },
        );
        let outcome = match called.await {
            Ok(answer) => outcome(call, &ask, answer.status, &answer.json()),
            Err(_) => What::Unknown { call },
        };
        self.world.record(self.who, 0, outcome.clone());
        outcome
    }

    /// Walks through a whole conversation and writes down each page. An error ends the walk.
    pub async fn walk(&self, conversation: &str, is_upwards: bool) -> anyhow::Result<Vec<Seen>> {
        let walk = self.world.call();
        let begun = What::Walk {
            walk,
            conversation: conversation.to_owned(),
        };
        self.world.record(self.who, 0, begun);
        let mut all = Vec::new();
        let mut position = None;
        loop {
            let from = match (position, is_upwards) {
                (None, true) => "&after=0".to_owned(),
                (None, false) => String::new(),
                (Some(seq), true) => format!("&after={seq}"),
                (Some(seq), false) => format!("&before={seq}"),
            };
            let path = format!("/conversations/{conversation}/messages?limit={PAGE}{from}");
            let page = self.get(&path).await?;
            let messages: Vec<Seen> = page["messages"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Seen::from_native)
                .collect();
            let edge = if is_upwards {
                messages.last()
            } else {
                messages.first()
            };
            position = edge.map(|message| message.seq);
            let more = if is_upwards { "hasAfter" } else { "hasBefore" };
            let is_last = page[more] != true || position.is_none();
            all.extend(messages.iter().cloned());
            let conversation = conversation.to_owned();
            let what = What::Page {
                walk,
                conversation,
                messages,
                is_last,
            };
            self.world.record(self.who, 0, what);
            if is_last {
                return Ok(all);
            }
        }
    }
}

/// What a REST answer means.
fn outcome(call: u64, ask: &Ask, status: u16, body: &Value) -> What {
    let code = body["error"]["code"].as_str().unwrap_or_default();
    match status {
        200 | 201 => told(ask, body).map_or(What::Unknown { call }, |told| What::Ok { call, told }),
        _ => refusal(call, code),
    }
}

/// What a refusal means: one that says "try again" may have been done.
pub fn refusal(call: u64, code: &str) -> What {
    match code {
        "UNAVAILABLE" | "INTERNAL" | "" => What::Unknown { call },
        code => What::Fail {
            call,
            code: code.to_owned(),
        },
    }
}

/// What an answer says to a request; `None` when it is not an answer to it.
pub fn told(ask: &Ask, data: &Value) -> Option<Told> {
    Some(match ask {
        Ask::Send { .. } | Ask::Change { .. } => Told::Message {
            message: Seen::from_native(&data["message"])?,
            duplicate: data["duplicate"] == true,
        },
        Ask::Read { .. } => Told::Marker {
            last_read_seq: data["lastReadSeq"].as_i64()?,
        },
        Ask::Pair { .. } => Told::Conversation {
            conversation: data["conversation"]["id"].as_str()?.to_owned(),
            created: data["created"] == true,
        },
        Ask::Upload { .. } => Told::File {
            id: data["id"].as_str()?.to_owned(),
        },
        Ask::Member { .. }
        | Ask::Look { .. }
        | Ask::Sync
        | Ask::React { .. }
        | Ask::Revoke { .. } => Told::Done,
    })
}
