//! From names to addresses, by the DNS servers that the configuration and the network name.

use super::view::Shared;
use crate::answer::Result;
use crate::sys::random_at_once;
use drydock_engine::Error;
use drydock_lan::dns::{Answer, Family, LONGEST, Name, PORT, Question, over_tcp};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each server may take in the first, second and third round.
const ROUNDS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(6)];
/// So many servers are asked.
const SERVERS: usize = 8;
/// So many aliases that lead to another question are followed.
const ALIASES: usize = 4;
/// How long is waited for the first DNS server: a router may name it a moment after an address could be made.
const FIRST_SERVER: Duration = Duration::from_secs(10);

/// Answers for names. Clones ask the same servers, which are always those that the network has at that moment.
#[derive(Clone, Debug)]
pub struct Resolver {
    pub(super) shared: Arc<Shared>,
    /// Those of the configuration, which are asked first.
    pub(super) own: Vec<IpAddr>,
}

/// What there is at the moment.
struct Present {
    servers: Vec<SocketAddr>,
    families: Vec<Family>,
}

impl Resolver {
    /// Returns the addresses of a host, IPv4 first: where there is both it is the one that more often leads out. At least 1,
    /// at most 32. A text that is an address is its own answer.
    ///
    /// All servers are asked, up to three times; with one that is silent it takes 12 seconds to fail.
    ///
    /// # Errors
    /// The text is no name, there is none of this name, no server is known, or none answers; it says what each one did.
    pub fn lookup(&self, name: &str) -> Result<Vec<IpAddr>> {
        let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = literal.parse() {
            return Ok(vec![address]);
        }
        let present = self
            .present()
            .ok_or_else(|| missing(name, "nothing names a DNS server; set `dns` under [network]".into()))?;
        addresses(name, &present.servers, &present.families, None)
    }

    /// Waits for the first server, if there is none yet.
    fn present(&self) -> Option<Present> {
        self.shared.wait(FIRST_SERVER, |view| {
            let own = self.own.iter().map(|&server| SocketAddr::new(server, PORT));
            let named = view.ports.iter().flat_map(|port| port.dns.iter().copied());
            let mut servers = Vec::new();
            for server in own.chain(named) {
                if servers.len() < SERVERS && !servers.contains(&server) {
                    servers.push(server);
                }
            }
            let has = |v4: bool| {
                view.ports.iter().flat_map(|port| &port.addresses).any(|address| address.ip.is_ipv4() == v4)
            };
            let mut families = Vec::new();
            families.extend(has(true).then_some(Family::V4));
            families.extend(has(false).then_some(Family::V6));
            (!servers.is_empty() && !families.is_empty()).then_some(Present { servers, families })
        })
    }
}

/// Returns the addresses of a host that these DNS servers know, of these families, in their order. At least 1. No server is
/// asked any more when `until` has come.
///
/// # Errors
/// As those of [`Resolver::lookup`].
pub fn addresses(
    name: &str,
    servers: &[SocketAddr],
    families: &[Family],
    until: Option<Instant>,
) -> Result<Vec<IpAddr>> {
    let wanted = Name::parse(name).map_err(|error| Error::Unusable(error.to_string()))?;
    let (mut found, mut reasons) = (Vec::new(), Vec::new());
    for &family in families {
        match follow(servers, &wanted, family, until) {
            Ok(addresses) => found.extend(addresses),
            Err(reason) => reasons.push(reason),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    reasons.dedup();
    Err(missing(name, reasons.join("; ")))
}

fn missing(name: &str, advice: String) -> Error {
    Error::Missing { what: format!("an address of {name}"), advice }
}

/// Asks for a name, and for those that it stands for.
fn follow(
    servers: &[SocketAddr],
    name: &Name,
    family: Family,
    until: Option<Instant>,
) -> std::result::Result<Vec<IpAddr>, String> {
    let mut name = name.clone();
    for _ in 0..=ALIASES {
        match ask_all(servers, &name, family, until)? {
            Answer::Addresses(addresses) => return Ok(addresses),
            Answer::Elsewhere(alias) => name = alias,
            Answer::NoSuchName => return Err(format!("there is no host {name}")),
            Answer::Nothing | Answer::CutShort | Answer::Failed(_) => {
                let kind = if family == Family::V4 { "IPv4" } else { "IPv6" };
                return Err(format!("{name} has no {kind} address"));
            }
        }
    }
    Err(format!("its aliases lead on and on, at last to {name}"))
}

/// Asks one server after the other, and all of them again, until one knows.
fn ask_all(
    servers: &[SocketAddr],
    name: &Name,
    family: Family,
    until: Option<Instant>,
) -> std::result::Result<Answer, String> {
    let mut reasons = vec![String::from("there was no time to ask for it"); servers.len()];
    for limit in ROUNDS {
        for (server, reason) in servers.iter().zip(&mut reasons) {
            let left = until.map_or(limit, |until| until.saturating_duration_since(Instant::now()));
            let limit = limit.min(left);
            if limit.is_zero() {
                break;
            }
            let mut id = [0; 2];
            // Without entropy the port alone has to do.
            let _ = random_at_once(&mut id);
            let question = Question { id: u16::from_ne_bytes(id), name: name.clone(), family };
            let asked = Instant::now();
            *reason = match ask(*server, &question, limit) {
                Ok(Answer::Failed(Some(code))) => {
                    format!("DNS server {} answers with error {code} (RFC 1035)", server.ip())
                }
                Ok(Answer::Failed(None) | Answer::CutShort) => {
                    format!("the answer of DNS server {} makes no sense", server.ip())
                }
                Ok(answer) => return Ok(answer),
                Err(error) if is_silence(&error) => format!("DNS server {} does not answer", server.ip()),
                Err(error) => {
                    let text = format!("DNS server {} can't be asked: {error}", server.ip());
                    // A refusal comes at once, and would use all rounds up before anything could have changed.
                    std::thread::sleep((limit / 4).saturating_sub(asked.elapsed()));
                    text
                }
            };
        }
    }
    Err(reasons.join("; "))
}

fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Asks one server over UDP, and over TCP where the answer is too long for that.
fn ask(server: SocketAddr, question: &Question, limit: Duration) -> io::Result<Answer> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    // The kernel chooses the port at random, and lets in what comes from the server only.
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    let deadline = Instant::now() + limit;
    socket.send(&question.encode())?;
    let mut buffer = [0; LONGEST];
    loop {
        socket.set_read_timeout(Some(left(deadline)?))?;
        let length = socket.recv(&mut buffer)?;
        match buffer.get(..length).and_then(|packet| question.answer(packet)) {
            Some(Answer::CutShort) => return ask_by_tcp(server, question, limit),
            Some(answer) => return Ok(answer),
            // Somebody else's, or a late one: the right one may still come.
            None => {}
        }
    }
}

fn ask_by_tcp(server: SocketAddr, question: &Question, limit: Duration) -> io::Result<Answer> {
    let deadline = Instant::now() + limit;
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(&over_tcp(&question.encode()))?;
    let mut length = [0; 2];
    fill(&mut stream, &mut length, deadline)?;
    let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
    fill(&mut stream, &mut packet, deadline)?;
    Ok(question.answer(&packet).unwrap_or(Answer::Failed(None)))
}

/// Reads until the buffer is full, however small the pieces are, but not beyond the deadline.
fn fill(stream: &mut TcpStream, buffer: &mut [u8], deadline: Instant) -> io::Result<()> {
    let mut rest = buffer;
    while !rest.is_empty() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let length = stream.read(rest)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        rest = rest.get_mut(length..).unwrap_or_default();
    }
    Ok(())
}

/// The time that is left, or the error that there is none.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_and_lies_are_passed_over() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            for _ in 0..2 {
                let mut buffer = [0; 512];
                let (count, from) = server.recv_from(&mut buffer).unwrap();
                let asked = &buffer[..count];
                let kind = asked[count - 3];
                let mut answer = asked.to_vec();
                answer[2] |= 0x80;
                answer[7] = 2;
                // An alias, and then the address.
                answer.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 3, 1, b'x', 0]);
                let data = if kind == 1 { vec![10, 0, 0, 9] } else { vec![0; 16] };
                answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 9, 0, data.len() as u8]);
                answer.extend(data);
                let mut other = answer.clone();
                other[0] ^= 1;
                server.send_to(&other, from).unwrap();
                server.send_to(&answer[..5], from).unwrap();
                server.send_to(&answer, from).unwrap();
            }
        });
        let found = addresses("updates.example", &[address], &[Family::V4, Family::V6], None).unwrap();
        thread.join().unwrap();
        assert_eq!(found, ["10.0.0.9".parse::<IpAddr>().unwrap(), "::".parse().unwrap()]);
    }

    #[test]
    fn no_server_is_asked_when_the_time_is_over() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let address = server.local_addr().unwrap();
        let refused = addresses("updates.example", &[address], &[Family::V4], Some(Instant::now()));
        assert!(refused.unwrap_err().to_string().contains("no time"));
        assert!(server.recv(&mut [0; 512]).is_err());
    }
}
