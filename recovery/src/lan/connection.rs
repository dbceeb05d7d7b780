//! One connection: a handshake, and one request after the other.

use super::body::{Body, Stream};
use super::limits::{LINGER_BYTES, TLS_BUFFER};
use super::route;
use super::site::Site;
use super::timed::Timed;
use drydock_engine::lan::Visitor;
use drydock_page::{Answer, Ending, Head, MAX_HEAD, Refusal};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Serves whoever has connected, until either side has had enough. What breaks the connection is the client's own affair.
pub(super) fn serve(site: &Site, tls: Arc<ServerConfig>, who: Visitor, stream: TcpStream) {
    let _ = greet(site, tls, stream).and_then(|stream| converse(site, who, stream));
}

fn greet(site: &Site, tls: Arc<ServerConfig>, stream: TcpStream) -> io::Result<Stream> {
    let timed = Timed::new(stream, site.limits().handshake)?;
    let mut connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    connection.set_buffer_limit(Some(TLS_BUFFER));
    let mut stream = StreamOwned::new(connection, timed);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn converse(site: &Site, who: Visitor, mut stream: Stream) -> io::Result<()> {
    // What has come and was not read yet.
    let mut come = Vec::new();
    while !site.is_over() {
        let head = match read_head(site, &mut stream, &mut come)? {
            Some(Ok(head)) => head,
            Some(Err(refusal)) => {
                send(site, &mut stream, &Answer::refusal(refusal), Ending::Close)?;
                return close(site, stream);
            }
            None => return Ok(()),
        };
        let mut body = Body::new(&mut stream, &mut come, head.length, head.waits);
        let answered = route::answer(site, who, &head, &mut body);
        let unread = body.left();
        let answer = match answered {
            Err(error) if error.kind() == ErrorKind::TimedOut => Answer::refusal(Refusal::TooSlow),
            answered => answered?,
        };
        let ending = if head.last || unread > 0 { Ending::Close } else { Ending::KeepOpen };
        send(site, &mut stream, &answer, ending)?;
        if ending == Ending::Close {
            return close(site, stream);
        }
    }
    Ok(())
}

/// The next head, or why it is none; nothing where the client has nothing more to say.
fn read_head(
    site: &Site,
    stream: &mut Stream,
    come: &mut Vec<u8>,
) -> io::Result<Option<Result<Head, Refusal>>> {
    let limits = site.limits();
    stream.sock.within(if come.is_empty() { limits.idle } else { limits.head });
    let mut buf = [0; 2048];
    loop {
        match Head::read(come) {
            Ok(Some((head, length))) => {
                come.drain(..length);
                return Ok(Some(Ok(head)));
            }
            Ok(None) if come.len() < MAX_HEAD => {}
            Ok(None) => return Ok(Some(Err(Refusal::HeadTooLarge))),
            Err(refusal) => return Ok(Some(Err(refusal))),
        }
        match stream.read(&mut buf) {
            Ok(0) => return Ok(None),
            Ok(read) => {
                if come.is_empty() {
                    stream.sock.within(limits.head);
                }
                come.extend_from_slice(buf.get(..read).unwrap_or_default());
            }
            Err(error) if error.kind() == ErrorKind::TimedOut && !come.is_empty() => {
                return Ok(Some(Err(Refusal::TooSlow)));
            }
            Err(error) => return Err(error),
        }
    }
}

fn send(site: &Site, stream: &mut Stream, answer: &Answer, ending: Ending) -> io::Result<()> {
    stream.sock.within(site.limits().answer);
    stream.write_all(&answer.to_bytes(ending))?;
    stream.flush()
}

/// Ends the connection, such that the answer comes through: a kernel that is sent more where nobody reads any more takes the
/// answer back.
fn close(site: &Site, mut stream: Stream) -> io::Result<()> {
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.end();
    stream.sock.within(site.limits().linger);
    io::copy(&mut stream.sock.take(LINGER_BYTES), &mut io::sink()).map(drop)
}
