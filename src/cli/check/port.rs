//! Is the port free, or is Sohbet there already?

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::Finding;

const TIMEOUT: Duration = Duration::from_secs(2);
/// A health answer is some hundred bytes; what is longer is somebody else's.
const MAX_ANSWER_BYTES: u64 = 16_384;
/// The header by which the health answer of every Sohbet is known.
const SIGN: &str = "server: sohbet";

/// Tries to listen where the server would.
pub(super) fn look(hosts: &[String], port: u16) -> Finding {
    let mut n_free = 0;
    let mut skipped = None;
    for address in hosts.iter().filter_map(|host| host.parse::<IpAddr>().ok()) {
        let address = SocketAddr::new(address, port);
        match TcpListener::bind(address) {
            Ok(_) => n_free += 1,
            // A machine without IPv6 still serves on the other address.
            Err(error) if address.is_ipv6() && error.kind() != ErrorKind::AddrInUse => {
                skipped = Some(refused(address, &error));
            }
            Err(error) => return refused(address, &error),
        }
    }
    match skipped {
        Some(finding) if n_free == 0 => finding,
        _ => Finding::ok("port", format!("{port} is free on {}", hosts.join(", "))),
    }
}

fn refused(address: SocketAddr, error: &std::io::Error) -> Finding {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse if is_sohbet(address) => {
            Finding::ok("port", format!("{port} is served by Sohbet already"))
        }
        ErrorKind::AddrInUse => Finding::fail(
            "port",
            format!("{port} is taken by another program"),
            format!(
                "SOCKET_PORT to a free one, or stop that program (ss -ltnp 'sport = :{port}' names it)"
            ),
        ),
        ErrorKind::PermissionDenied => Finding::fail(
            "port",
            format!("this user may not listen on {port}"),
            "SOCKET_PORT to 1024 or above, with a reverse proxy in front",
        ),
        _ => Finding::fail(
            "port",
            format!("cannot listen on {address}: {error}"),
            "HOST to an address of this machine",
        ),
    }
}

/// Asks for the health page over a plain connection.
fn is_sohbet(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    health(SocketAddr::new(ip, address.port())).is_ok_and(|answer| {
        let mut lines = answer.lines();
        lines.any(|line| line.eq_ignore_ascii_case(SIGN))
    })
}

fn health(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // What came before a reset or a timeout may be enough.
    let _ = stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    /// Answers one request with that header, and returns the port.
    fn answering(header: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let _ = stream.read(&mut request).unwrap();
            write!(stream, "HTTP/1.1 200 OK\r\n{header}\r\n\r\n{{}}").unwrap();
        });
        port
    }

    #[test]
    fn a_port_is_free_ours_or_taken() {
        let hosts = ["127.0.0.1".to_owned()];
        assert_eq!(look(&hosts, 0).level, Level::Ok);
        let ours = look(&hosts, answering("Server: Sohbet"));
        assert_eq!(ours.level, Level::Ok);
        assert!(ours.cause.contains("by Sohbet already"), "{}", ours.cause);
        let taken = look(&hosts, answering("Server: nginx"));
        assert_eq!(taken.level, Level::Fail);
        assert!(taken.remedy.unwrap().contains("SOCKET_PORT"));
    }
}
