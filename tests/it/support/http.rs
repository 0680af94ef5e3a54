//! Plain HTTP/1.1 over a TCP connection, one request on each.

use std::net::Ipv4Addr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// A request to be sent.
pub struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without the framing of the transfer.
    pub body: Vec<u8>,
}

impl Call {
    /// A request of any method.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// `GET`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// `POST` with a JSON body.
    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path)
            .header("Content-Type", "application/json")
            .body(body.to_string())
    }

    /// The same request to another path.
    pub fn to(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and waits for the answer.
    pub async fn send(self, port: u16) -> Answer {
        let what = format!("the answer to {} {}", self.method, self.path);
        let answer = soon(&what, exchange(port, &self.bytes())).await;
        Answer::parse(&answer)
            .unwrap_or_else(|| panic!("{what} is {:?}", String::from_utf8_lossy(&answer)))
    }

    /// Sends the head alone and waits until the server wants the body.
    pub async fn begin(self, port: u16) -> Begun {
        let mut call = self.header("Expect", "100-continue");
        let n_body_bytes = call.body.len();
        let mut head = call.bytes();
        head.truncate(head.len() - n_body_bytes);
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let mut begun = Begun {
            stream: stream.unwrap(),
            body: std::mem::take(&mut call.body),
        };
        begun.stream.write_all(&head).await.unwrap();
        let mut heard = Vec::new();
        soon("a wish for the body", async {
            while find(&heard, b"\r\n\r\n").is_none() {
                assert!(begun.stream.read_buf(&mut heard).await.unwrap() > 0);
            }
        })
        .await;
        let heard = String::from_utf8_lossy(&heard);
        assert!(heard.starts_with("HTTP/1.1 100 "), "{heard}");
        begun
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A request whose body the server waits for.
pub struct Begun {
    stream: TcpStream,
    body: Vec<u8>,
}

impl Begun {
    /// Sends the body and waits for the answer.
    pub async fn finish(self) -> Answer {
        let answer = soon("the answer", converse(self.stream, &self.body)).await;
        Answer::parse(&answer)
            .unwrap_or_else(|| panic!("the answer is {:?}", String::from_utf8_lossy(&answer)))
    }
}

impl Answer {
    /// The first header of that name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(other, _)| other == name)?;
        Some(value)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = find(bytes, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let answer = Self {
            status,
            headers: lines.filter_map(header).collect(),
            body: bytes[end + 4..].to_vec(),
        };
        assert_eq!(
            answer.header("transfer-encoding"),
            None,
            "chunks are not read here"
        );
        Some(answer)
    }
}

/// Sends bytes and takes what comes until the answer is complete or the server closes. A server
/// that has heard enough may close before it took everything.
pub async fn exchange(port: u16, request: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    converse(stream, request).await
}

async fn converse(stream: TcpStream, request: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = stream.into_split();
    let mut answer = Vec::new();
    let read = async {
        while !is_complete(&answer) && matches!(reader.read_buf(&mut answer).await, Ok(1..)) {}
    };
    let (_, ()) = tokio::join!(writer.write_all(request), read);
    answer
}

fn is_complete(bytes: &[u8]) -> bool {
    let Some(answer) = Answer::parse(bytes) else {
        return false;
    };
    let length = answer
        .header("content-length")
        .and_then(|length| length.parse().ok());
    matches!(answer.status, 101 | 204)
        || length.is_some_and(|length: usize| answer.body.len() >= length)
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
