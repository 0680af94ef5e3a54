//! Frames of a WebSocket (RFC 6455), written and read by hand.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Largest frame that is read, in bytes; the server's own limit is below it.
const MAX_FRAME_BYTES: u64 = 64 * 1024 * 1024;
/// Longest head of the answer to a handshake, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How long a handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// Opens a WebSocket to the Socket.IO endpoint. With `tiny` the kernel takes next to nothing that is
/// not read.
pub async fn open(to: SocketAddr, tiny: bool) -> anyhow::Result<(Reader, Writer)> {
    let socket = TcpSocket::new_v4()?;
    if tiny {
        socket.set_recv_buffer_size(4_096)?;
    }
    let opened = async {
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        shake_hands(stream, to).await
    };
    timeout(HANDSHAKE_PATIENCE, opened)
        .await
        .context("no answer to the handshake")?
}

async fn shake_hands(mut stream: TcpStream, to: SocketAddr) -> anyhow::Result<(Reader, Writer)> {
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: {to}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
        if head.len() > MAX_HEAD_BYTES {
            bail!("the answer to the handshake has no end");
        }
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        bail!(
            "refused: {}",
            String::from_utf8_lossy(&head)
                .lines()
                .next()
                .unwrap_or_default()
        );
    }
    let (read, write) = stream.into_split();
    Ok((Reader(read), Writer(write)))
}

/// The side that reads.
pub struct Reader(OwnedReadHalf);

impl Reader {
    /// The next text; `None` at the end, however it came.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            let (code, body) = self.frame().await.ok()?;
            match code {
                TEXT => return String::from_utf8(body).ok(),
                CLOSE => return None,
                _ => {}
            }
        }
    }

    async fn frame(&mut self) -> anyhow::Result<(u8, Vec<u8>)> {
        let first = self.0.read_u8().await?;
        let length = u64::from(self.0.read_u8().await? & 0x7f);
        let length = match length {
            126 => u64::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await?,
            length => length,
        };
        if length > MAX_FRAME_BYTES || first & 0x80 == 0 {
            bail!("a frame that this server never sends");
        }
        let mut body = vec![0; usize::try_from(length)?];
        self.0.read_exact(&mut body).await?;
        Ok((first & 0x0f, body))
    }
}

/// The side that writes.
pub struct Writer(OwnedWriteHalf);

impl Writer {
    /// Sends a text.
    pub async fn say(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.0.write_all(&frame(text)).await?)
    }

    /// Sends the first bytes of a text's frame, and never the rest.
    pub async fn say_half(&mut self, text: &str) -> anyhow::Result<()> {
        let frame = frame(text);
        Ok(self.0.write_all(&frame[..frame.len() / 2]).await?)
    }
}

/// A frame with a mask of zeros, which is a valid mask.
fn frame(text: &str) -> Vec<u8> {
    let n = text.len();
    let mut frame = vec![0x80 | TEXT];
    match u16::try_from(n) {
        Ok(n) if n < 126 => frame.push(0x80 | n.to_be_bytes()[1]),
        Ok(n) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&n.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&u64::try_from(n).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}
