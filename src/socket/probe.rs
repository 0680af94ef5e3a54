//! How a polling session moves to a WebSocket (engine.io-protocol, "Upgrade"). The client probes the
//! WebSocket first, and goes on polling if that fails: behind some proxies it always does. The engine
//! ends the session then, so the probe is answered here, and the engine is handed a WebSocket on which
//! the client has said that it moves.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// How long a probe may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What the client sends, what it is answered, and what it sends when it moves.
const PROBE: &[u8] = b"2probe";
const PROBED: &[u8] = b"3probe";
const MOVE: &[u8] = b"5";
/// The first byte of a frame that is a whole text (RFC 6455, section 5.2).
const TEXT: u8 = 0x81;
const MASKED: u8 = 0x80;
/// The longest payload whose length stands in the second byte.
const MAX_SHORT: u8 = 125;

/// A request for a WebSocket, as the engine's own server reads it, and the end of the answer's head.
const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Answers the probe of a client, and waits until it says that it moves. `probed` is called when it may,
/// as soon as no poll of its is open. Returns the frames that it sent.
pub async fn probe<I>(io: &mut I, probed: impl FnOnce()) -> io::Result<Bytes>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let probing = async {
        let mut frames = BytesMut::new();
        expect(io, PROBE, &mut frames).await?;
        io.write_all(&[TEXT, PROBED.len() as u8]).await?;
        io.write_all(PROBED).await?;
        io.flush().await?;
        probed();
        expect(io, MOVE, &mut frames).await?;
        Ok(frames.freeze())
    };
    timeout(TIMEOUT, probing).await?
}

/// Reads one frame of a client, byte by byte what belongs to it, and nothing behind it.
async fn expect<I>(io: &mut I, text: &[u8], frames: &mut BytesMut) -> io::Result<()>
where
    I: AsyncRead + Unpin,
{
    let mut head = [0; 2];
    io.read_exact(&mut head).await?;
    let n_bytes = head[1] & !MASKED;
    if head[0] != TEXT || head[1] & MASKED == 0 || n_bytes > MAX_SHORT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut mask = [0; 4];
    io.read_exact(&mut mask).await?;
    let mut masked = vec![0; n_bytes.into()];
    io.read_exact(&mut masked).await?;
    let unmasked = masked.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b);
    if !unmasked.eq(text.iter().copied()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    frames.extend_from_slice(&head);
    frames.extend_from_slice(&mask);
    frames.extend_from_slice(&masked);
    Ok(())
}

/// Hands a WebSocket that was probed to the engine: as a connection on which it is asked for, so that
/// what becomes of it is what hyper makes of any. `engine` answers the request.
pub async fn hand_over<I, F, B>(io: I, frames: Bytes, engine: impl FnOnce(OnUpgrade) -> F + Send)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<B>> + Send,
{
    let probed = Probed::new(io, frames);
    let engine = std::sync::Mutex::new(Some(engine));
    let service = service_fn(|mut request: Request<Incoming>| {
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let engine = engine.lock().ok().and_then(|mut engine| engine.take());
        async move {
            let answer = engine.zip(upgrade).map(|(engine, upgrade)| engine(upgrade));
            let answer = answer.ok_or(io::ErrorKind::InvalidData)?.await;
            // What the engine does not want is closed: a client has no use for another HTTP answer.
            match answer.status() {
                StatusCode::SWITCHING_PROTOCOLS => Ok(answer.map(|_| Empty::<Bytes>::new())),
                _ => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            }
        }
    });
    let connection = hyper::server::conn::http1::Builder::new();
    let serving = connection.serve_connection(TokioIo::new(probed), service);
    // Whatever fails, there is nobody to tell.
    let _ = serving.with_upgrades().await;
}

/// A WebSocket whose first frames were read and answered before. They are read once more, and what is
/// answered to them is thrown away.
struct Probed<I> {
    io: I,
    to_read: Bytes,
    unheard: Unheard,
}

/// What is written and was sent before.
enum Unheard {
    /// The head of an answer, of whose end so many bytes were written.
    Head(usize),
    /// The rest of a frame.
    Frame(usize),
    Nothing,
}

impl Unheard {
    /// How many bytes of what is written are thrown away.
    fn skip(&mut self, written: &[u8]) -> usize {
        match self {
            Self::Head(n_matched) => {
                for (index, byte) in written.iter().enumerate() {
                    *n_matched = match HEAD_END[*n_matched] == *byte {
                        true => *n_matched + 1,
                        false => usize::from(HEAD_END[0] == *byte),
                    };
                    if *n_matched == HEAD_END.len() {
                        *self = Self::Frame(2 + PROBED.len());
                        return index + 1;
                    }
                }
                written.len()
            }
            Self::Frame(n_left) => {
                let n_skipped = written.len().min(*n_left);
                *n_left -= n_skipped;
                if *n_left == 0 {
                    *self = Self::Nothing;
                }
                n_skipped
            }
            Self::Nothing => 0,
        }
    }
}

impl<I> Probed<I> {
    fn new(io: I, frames: Bytes) -> Self {
        Self {
            io,
            to_read: [REQUEST, &frames].concat().into(),
            unheard: Unheard::Head(0),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Probed<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.to_read.has_remaining() {
            let n_bytes = self.to_read.len().min(buffer.remaining());
            buffer.put_slice(&self.to_read.split_to(n_bytes));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Probed<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.unheard.skip(bytes) {
            0 => Pin::new(&mut self.io).poll_write(context, bytes),
            n_skipped => Poll::Ready(Ok(n_skipped)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    /// A frame of a client.
    fn frame(text: &[u8]) -> Vec<u8> {
        let masked = text.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b);
        let head = [TEXT, MASKED | text.len() as u8];
        head.into_iter().chain(MASK).chain(masked).collect()
    }

    #[tokio::test]
    async fn a_probe_is_answered_and_what_comes_after_the_move_is_left() {
        let (mut client, mut server) = duplex(1_024);
        let said = [frame(PROBE), frame(MOVE), frame(b"42")].concat();
        client.write_all(&said).await.unwrap();
        let mut is_probed = false;
        let frames = probe(&mut server, || is_probed = true).await.unwrap();
        assert!(is_probed);
        assert_eq!(frames, [frame(PROBE), frame(MOVE)].concat());
        let mut heard = [0; 8];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, *b"\x81\x063probe");
        let mut rest = vec![0; frame(b"42").len()];
        server.read_exact(&mut rest).await.unwrap();
        assert_eq!(rest, frame(b"42"));
    }

    #[tokio::test]
    async fn whatever_is_no_probe_ends_the_attempt() {
        let mut unmasked = frame(PROBE);
        unmasked[1] &= !MASKED;
        let mut binary = frame(PROBE);
        binary[0] = 0x82;
        let wrong = [
            frame(MOVE),
            frame(b"2"),
            frame(&[b'2'; 125]),
            unmasked,
            binary,
        ];
        for bytes in wrong {
            let (mut client, mut server) = duplex(1_024);
            client.write_all(&bytes).await.unwrap();
            let ended = probe(&mut server, || panic!("it may not move")).await;
            assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        let (client, mut server) = duplex(1_024);
        drop(client);
        let ended = probe(&mut server, || panic!("it may not move")).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_was_answered_before_is_thrown_away_however_it_is_cut() {
        let written = b"HTTP/1.1 101 x\r\na: b\r\n\r\n\x81\x063probe\x81\x0142";
        for n_bytes in 1..written.len() {
            let (mut unheard, mut heard) = (Unheard::Head(0), Vec::new());
            for mut part in written.chunks(n_bytes) {
                while !part.is_empty() {
                    let n_skipped = unheard.skip(part);
                    if n_skipped == 0 {
                        heard.extend_from_slice(part);
                        break;
                    }
                    part = &part[n_skipped..];
                }
            }
            assert_eq!(heard, b"\x81\x0142", "in parts of {n_bytes}");
        }
    }
}
