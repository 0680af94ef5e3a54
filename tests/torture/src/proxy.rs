//! A TCP proxy that breaks what goes through it. One per link: clients to a node, a node to
//! PostgreSQL, a node to Redis.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Most bytes that are read at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// The same while they go on in slices: what was read must go on before anything else can change.
const SLICED_BYTES: usize = 256;
/// Pause after each slice.
const SLICE_PAUSE: Duration = Duration::from_millis(2);

/// What a link does to what goes through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toxic {
    /// Nothing.
    Pass,
    /// Everything comes later.
    Delay(Duration),
    /// Only so many bytes go on at a time, with a pause between.
    Slice(usize),
    /// Nobody reads: the sender's window closes.
    Stall,
    /// Everything is read and thrown away.
    BlackHole,
    /// What the server says is thrown away; what it is told arrives.
    Deaf,
    /// Each connection is reset after so many further bytes.
    CutAfter(u64),
    /// A connection is reset once these bytes went to the server, and its answer is lost.
    CutAfterPattern(&'static str),
    /// New connections are closed at once, and all others reset.
    Refuse,
}

impl Toxic {
    /// Whether what goes that way is thrown away.
    fn loses(&self, way: &Way) -> bool {
        match self {
            Self::BlackHole => true,
            Self::Deaf => matches!(way, Way::Down(_)),
            _ => false,
        }
    }
}

/// A link, with its own port.
pub struct Link {
    address: SocketAddr,
    target: Arc<AtomicU16>,
    toxic: watch::Sender<Toxic>,
    /// Connections whose number is a multiple of the second number are reset when the first changes.
    cut: watch::Sender<(u64, u64)>,
    _task: JoinSet<()>,
}

impl Link {
    /// A link from a port at one address to a port at another one.
    pub async fn open(at: Ipv4Addr, to: Ipv4Addr, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((at, 0)).await?;
        let address = listener.local_addr()?;
        let target = Arc::new(AtomicU16::new(port));
        let (toxic, toxics) = watch::channel(Toxic::Pass);
        let (cut, cuts) = watch::channel((0, 1));
        let mut task = JoinSet::new();
        task.spawn(accept(listener, to, Arc::clone(&target), toxics, cuts));
        Ok(Self {
            address,
            target,
            toxic,
            cut,
            _task: task,
        })
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to another port from now on.
    pub fn lead_to(&self, port: u16) {
        self.target.store(port, Ordering::Relaxed);
    }

    /// From now on, also for connections that are open.
    pub fn set(&self, toxic: Toxic) {
        self.toxic.send_replace(toxic);
    }

    /// Resets one connection in so many.
    pub fn cut_one_in(&self, n: u64) {
        self.cut.send_modify(|(round, one_in)| {
            *round += 1;
            *one_in = n.max(1);
        });
    }
}

async fn accept(
    listener: TcpListener,
    to: Ipv4Addr,
    target: Arc<AtomicU16>,
    toxics: watch::Receiver<Toxic>,
    cuts: watch::Receiver<(u64, u64)>,
) {
    let numbers = AtomicU64::new(0);
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let target = SocketAddr::from((to, target.load(Ordering::Relaxed)));
        connections.spawn(carry(client, target, number, toxics.clone(), cuts.clone()));
    }
}

async fn carry(
    client: TcpStream,
    target: SocketAddr,
    number: u64,
    toxics: watch::Receiver<Toxic>,
    cuts: watch::Receiver<(u64, u64)>,
) {
    // A reset tells each side at once that the other one is gone.
    let _ = client.set_zero_linger();
    if *toxics.borrow() == Toxic::Refuse {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (
        client.set_nodelay(true),
        server.set_nodelay(true),
        server.set_zero_linger(),
    );
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Set by the way up when it saw the pattern, so that the way down says nothing more.
    let (mute, is_mute) = watch::channel(false);
    let up = pump(from_client, to_server, toxics.clone(), Way::Up(mute));
    let down = pump(from_server, to_client, toxics.clone(), Way::Down(is_mute));
    tokio::select! {
        () = up => {}
        () = down => {}
        () = cut(number, cuts) => {}
        () = refused(toxics) => {}
    }
}

async fn cut(number: u64, mut cuts: watch::Receiver<(u64, u64)>) {
    cuts.mark_unchanged();
    while cuts.changed().await.is_ok() {
        let (round, one_in) = *cuts.borrow_and_update();
        if (number + round).is_multiple_of(one_in) {
            return;
        }
    }
}

async fn refused(mut toxics: watch::Receiver<Toxic>) {
    // A link that is gone cuts its connections by itself.
    let _ = toxics.wait_for(|toxic| *toxic == Toxic::Refuse).await;
}

enum Way {
    Up(watch::Sender<bool>),
    Down(watch::Receiver<bool>),
}

/// Carries bytes one way until the connection is to end.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut toxics: watch::Receiver<Toxic>,
    way: Way,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut n_carried = 0;
    let mut has_lost = false;
    loop {
        if toxics
            .wait_for(|toxic| *toxic != Toxic::Stall)
            .await
            .is_err()
        {
            return;
        }
        let n_bytes = match *toxics.borrow() {
            Toxic::Slice(_) => SLICED_BYTES,
            _ => CHUNK_BYTES,
        };
        let n = tokio::select! {
            read = from.read(&mut chunk[..n_bytes]) => match read {
                Ok(n) if n > 0 => n,
                _ => return,
            },
            _ = toxics.changed() => {
                n_carried = 0;
                0
            }
        };
        let toxic = toxics.borrow().clone();
        // TCP never goes on after something was lost.
        if has_lost && !toxic.loses(&way) {
            return;
        }
        if n == 0 {
            continue;
        }
        has_lost |= toxic.loses(&way);
        n_carried += n as u64;
        if pass(&chunk[..n], &mut to, &toxic, &way, n_carried)
            .await
            .is_none()
        {
            return;
        }
    }
}

/// Passes on one chunk. `None` when the connection is to end.
async fn pass(
    chunk: &[u8],
    to: &mut OwnedWriteHalf,
    toxic: &Toxic,
    way: &Way,
    n_carried: u64,
) -> Option<()> {
    let is_mute = match way {
        Way::Up(_) => false,
        Way::Down(is_mute) => *is_mute.borrow(),
    };
    match toxic {
        // The server has the commit; that it went through nobody hears.
        _ if is_mute => return None,
        toxic if toxic.loses(way) => return Some(()),
        Toxic::CutAfter(n) if n_carried > *n => return None,
        Toxic::Delay(by) => tokio::time::sleep(*by).await,
        Toxic::Slice(n) => {
            for slice in chunk.chunks(*n) {
                to.write_all(slice).await.ok()?;
                tokio::time::sleep(SLICE_PAUSE).await;
            }
            return Some(());
        }
        Toxic::CutAfterPattern(pattern) => {
            if let Way::Up(mute) = way
                && chunk
                    .windows(pattern.len())
                    .any(|part| part == pattern.as_bytes())
            {
                mute.send_replace(true);
            }
        }
        _ => {}
    }
    to.write_all(chunk).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        port
    }

    async fn exchange(link: &Link, text: &[u8]) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(link.address()).await.ok()?;
        stream.write_all(text).await.ok()?;
        let mut answer = vec![0; text.len()];
        let read = stream.read_exact(&mut answer);
        let read = tokio::time::timeout(Duration::from_millis(500), read).await;
        read.ok()?.ok()?;
        Some(answer)
    }

    #[tokio::test]
    async fn toxics_do_what_they_say() {
        let here = Ipv4Addr::LOCALHOST;
        let link = Link::open(here, here, echo().await).await.unwrap();
        let hello = Some(b"hello".to_vec());
        assert_eq!(exchange(&link, b"hello").await, hello);
        for toxic in [
            Toxic::BlackHole,
            Toxic::Deaf,
            Toxic::Stall,
            Toxic::Refuse,
            Toxic::CutAfter(4),
            Toxic::CutAfterPattern("ell"),
        ] {
            link.set(toxic.clone());
            assert_eq!(exchange(&link, b"hello").await, None, "{toxic:?}");
        }
        for toxic in [
            Toxic::Slice(2),
            Toxic::Delay(Duration::from_millis(5)),
            Toxic::Pass,
        ] {
            link.set(toxic.clone());
            assert_eq!(exchange(&link, b"hello").await, hello, "{toxic:?}");
        }
    }
}
