//! A network of a run's own: each server is a host in it, behind a router that can lose packets.
//!
//! Unlike a proxy, it tells neither side that anything happened: what was sent is sent again by TCP, and arrives
//! when the network is whole. Its namespaces belong to processes that end with the harness, so nothing of it
//! stays. Only root may have one.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

use super::{command, find, is_root, run};

/// 198.18.0.0/15 is for tests of networks (RFC 2544, appendix C.2.2); each run has a /24 of it.
const PREFIX: [u8; 2] = [198, 18];
/// Where everything that is not a server has its addresses, one for each [`Peer`].
const OUTSIDE_BITS: u8 = 29;
/// The router's address among them.
const ROUTER: u8 = 6;
/// Each server shares so many addresses with the router: theirs are the second and the first of them that are
/// neither the network nor the broadcast.
const HOST_ADDRESSES: u8 = 4;
const HOST_BITS: u8 = 30;
/// The first address behind those outside.
const FIRST_HOST: u8 = 8;
/// How long a namespace may take until it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whom a server talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Everybody.
    All,
    /// Whoever connects to it.
    Clients,
    /// PostgreSQL.
    Database,
    /// Redis.
    Bus,
}

impl Peer {
    fn last_byte(self) -> u8 {
        match self {
            Self::All => 0,
            Self::Clients => 1,
            Self::Database => 2,
            Self::Bus => 3,
        }
    }
}

/// Which packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Those to the server.
    In,
    /// Those from the server.
    Out,
    /// All.
    Both,
}

/// Where a server of a network is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its address.
    pub address: Ipv4Addr,
    namespace: u32,
}

impl Place {
    /// A program in that place; its arguments are to follow.
    pub fn enter(&self, program: impl AsRef<OsStr>) -> Command {
        enter(self.namespace, program)
    }
}

/// The network of one run.
pub struct Network {
    number: u8,
    router: Namespace,
    hosts: Vec<Namespace>,
}

impl Network {
    /// Whether there can be one here.
    pub fn is_possible() -> bool {
        let tools = ["ip", "setpriv", "unshare", "nsenter"];
        is_root() && tools.into_iter().all(|tool| find(tool).is_some())
    }

    /// Makes one with so many servers' places.
    pub async fn make(n_hosts: usize) -> anyhow::Result<Self> {
        let mut hosts = Vec::new();
        for _ in 0..n_hosts {
            hosts.push(Namespace::make().await?);
        }
        let router = Namespace::make().await?;
        let mut network = Self {
            number: 0,
            router,
            hosts,
        };
        network.number = network.begin().await?;
        network.connect().await?;
        Ok(network)
    }

    /// Where that server of this network is.
    pub fn place(&self, host: usize) -> Place {
        Place {
            address: self.host(host),
            namespace: self.hosts[host].id,
        }
    }

    /// Where a server of this network finds somebody.
    pub fn outside(&self, peer: Peer) -> Ipv4Addr {
        self.address(peer.last_byte())
    }

    /// Loses packets between a server and its peers from now on, or no more.
    pub async fn lose(
        &self,
        host: usize,
        peer: Peer,
        loss: Loss,
        is_losing: bool,
    ) -> anyhow::Result<()> {
        let verb = if is_losing { "add" } else { "del" };
        let server = self.host(host).to_string();
        let peers = match peer {
            Peer::All => format!("{}/{OUTSIDE_BITS}", self.outside(peer)),
            _ => self.outside(peer).to_string(),
        };
        let ways = [(Loss::In, &peers, &server), (Loss::Out, &server, &peers)];
        for (way, from, to) in ways {
            if loss == way || loss == Loss::Both {
                let rule = format!("rule {verb} from {from} to {to} blackhole");
                self.router.ip(&rule).await?;
            }
        }
        Ok(())
    }

    /// Takes a number that no other run on this machine has.
    async fn begin(&self) -> anyhow::Result<u8> {
        let first = std::process::id().to_le_bytes()[0];
        for i in 0..=u8::MAX {
            let number = first.wrapping_add(i);
            let link = format!(
                "link add torture{number} type veth peer name outside netns {}",
                self.router.id
            );
            if ip(&link).await.is_ok() {
                return Ok(number);
            }
        }
        bail!("there is no network left")
    }

    async fn connect(&self) -> anyhow::Result<()> {
        let link = format!("torture{}", self.number);
        // The first one is what connections to a server come from.
        for peer in [Peer::Clients, Peer::Database, Peer::Bus] {
            let address = self.outside(peer);
            ip(&format!("address add {address}/{OUTSIDE_BITS} dev {link}")).await?;
        }
        ip(&format!("link set {link} up")).await?;
        let router = self.address(ROUTER);
        let all = format!("{}/24", self.address(0));
        ip(&format!("route add {all} via {router}")).await?;
        let address = format!("address add {router}/{OUTSIDE_BITS} dev outside");
        self.router.ip(&address).await?;
        self.router.ip("link set outside up").await?;
        let mut forward = enter(self.router.id, "sh");
        forward.args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        run(forward).await?;
        for (number, host) in self.hosts.iter().enumerate() {
            self.connect_host(number, host).await?;
        }
        Ok(())
    }

    async fn connect_host(&self, number: usize, host: &Namespace) -> anyhow::Result<()> {
        let (router, server) = (self.address(self.first_of(number) + 1), self.host(number));
        for step in [
            format!(
                "link add host{number} type veth peer name router netns {}",
                host.id
            ),
            format!("address add {router}/{HOST_BITS} dev host{number}"),
            format!("link set host{number} up"),
        ] {
            self.router.ip(&step).await?;
        }
        for step in [
            "link set lo up".to_owned(),
            format!("address add {server}/{HOST_BITS} dev router"),
            "link set router up".to_owned(),
            format!("route add default via {router}"),
        ] {
            host.ip(&step).await?;
        }
        Ok(())
    }

    fn host(&self, host: usize) -> Ipv4Addr {
        self.address(self.first_of(host) + 2)
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b] = PREFIX;
        Ipv4Addr::new(a, b, self.number, last)
    }

    fn first_of(&self, host: usize) -> u8 {
        let before = HOST_ADDRESSES * u8::try_from(host).expect("a run has few servers");
        FIRST_HOST + before
    }
}

/// A network namespace: that of a process which does nothing.
struct Namespace {
    id: u32,
    _holder: Child,
}

impl Namespace {
    async fn make() -> anyhow::Result<Self> {
        let mut holder = command("unshare", None);
        let holder = holder.args(["--net", "sleep", "infinity"]).spawn()?;
        let id = holder.id().context("a namespace has no process")?;
        let ours = std::fs::read_link("/proc/self/ns/net")?;
        let made = async {
            while std::fs::read_link(format!("/proc/{id}/ns/net")).is_ok_and(|net| net == ours) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, made)
            .await
            .context("no namespace was made")?;
        Ok(Self {
            id,
            _holder: holder,
        })
    }

    async fn ip(&self, arguments: &str) -> anyhow::Result<()> {
        configure(enter(self.id, "ip"), arguments).await
    }
}

/// A program in the namespace of a process.
fn enter(namespace: u32, program: impl AsRef<OsStr>) -> Command {
    // Whoever clears the environment has no path to look it up in.
    let nsenter = find("nsenter").unwrap_or_else(|| "nsenter".into());
    let mut enter = command(nsenter, None);
    enter.arg(format!("--net=/proc/{namespace}/ns/net"));
    enter.arg(program.as_ref());
    enter
}

async fn ip(arguments: &str) -> anyhow::Result<()> {
    configure(command("ip", None), arguments).await
}

async fn configure(mut ip: Command, arguments: &str) -> anyhow::Result<()> {
    ip.args(arguments.split(' '));
    let done = run(ip).await;
    done.map(drop).with_context(|| format!("ip {arguments}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Says `n` on a connection, and whether it comes back soon.
    async fn is_heard(connection: &mut TcpStream, n: u8) -> bool {
        connection.write_all(&[n]).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_millis(300), connection.read_u8());
        answer.await.is_ok_and(|answer| answer.unwrap() == n)
    }

    #[tokio::test]
    async fn packets_are_lost_and_come_in_the_end() {
        if !Network::is_possible() {
            eprintln!("left out: only root can make networks");
            return;
        }
        let network = Network::make(2).await.unwrap();
        for host in 0..2 {
            let outside = TcpListener::bind((network.outside(Peer::Database), 0))
                .await
                .unwrap();
            let port = outside.local_addr().unwrap().port();
            // A server that says again what it is told.
            let mut server = network.place(host).enter("bash");
            let address = network.outside(Peer::Database);
            let script = format!("exec 3<>/dev/tcp/{address}/{port}; cat <&3 >&3");
            let _server = server.args(["-c", &script]).spawn().unwrap();
            let (mut connection, from) = outside.accept().await.unwrap();
            assert_eq!(from.ip(), network.place(host).address);
            assert!(is_heard(&mut connection, 0).await);

            let others = [
                (1 - host, Peer::All),
                (host, Peer::Clients),
                (host, Peer::Bus),
            ];
            for (n, (host, peer)) in others.into_iter().enumerate() {
                network.lose(host, peer, Loss::Both, true).await.unwrap();
                assert!(
                    is_heard(&mut connection, n as u8).await,
                    "nothing to do with it"
                );
                network.lose(host, peer, Loss::Both, false).await.unwrap();
            }
            let losses = [Loss::In, Loss::Out, Loss::Both];
            for (peer, loss) in [Peer::Database, Peer::All]
                .map(|peer| losses.map(|loss| (peer, loss)))
                .as_flattened()
            {
                network.lose(host, *peer, *loss, true).await.unwrap();
                assert!(!is_heard(&mut connection, 9).await, "{peer:?} {loss:?}");
                network.lose(host, *peer, *loss, false).await.unwrap();
                let answer = tokio::time::timeout(PATIENCE, connection.read_u8()).await;
                assert_eq!(answer.unwrap().unwrap(), 9, "TCP sends it again");
            }
        }
    }
}
