//! Taking connections in.

use super::connection;
use super::limits::STACK;
use super::room::Room;
use super::site::Site;
use crate::answer::Result;
use drydock_engine::Error;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustls::ServerConfig;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How soon it is noticed that the page is to end, in milliseconds.
const LOOK: u16 = 200;
/// How long nothing is taken in where that fails: no more files may be open.
const PAUSE: Duration = Duration::from_millis(200);

/// Where connections come in.
pub(super) struct Door {
    pub(super) site: Arc<Site>,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) on: Vec<TcpListener>,
}

/// Returns sockets that listen at these addresses; at all that the machine has or will have, where none is named.
///
/// # Errors
/// An address is not the machine's, or the port is taken.
pub fn listeners(at: &[IpAddr], port: u16) -> Result<Vec<TcpListener>> {
    let bind = |address: IpAddr| {
        let listener = TcpListener::bind(SocketAddr::new(address, port));
        listener.and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
    };
    let failed = |address: IpAddr, error: io::Error| {
        let advice = "see that the address is this device's, and that nothing else listens there";
        Error::system("listening at", SocketAddr::new(address, port), advice)(error)
    };
    if at.is_empty() {
        // That one takes connections by IPv4, too; a kernel without IPv6 does not have it.
        let all = bind(Ipv6Addr::UNSPECIFIED.into()).or_else(|_| bind(Ipv4Addr::UNSPECIFIED.into()));
        return Ok(vec![all.map_err(|error| failed(Ipv4Addr::UNSPECIFIED.into(), error))?]);
    }
    at.iter().map(|address| bind(*address).map_err(|error| failed(*address, error))).collect()
}

impl Door {
    /// Takes connections in until the page ends.
    pub(super) fn run(self) {
        let room = Room::default();
        while !self.site.is_over() {
            let mut ready: Vec<_> =
                self.on.iter().map(|listener| PollFd::new(listener.as_fd(), PollFlags::POLLIN)).collect();
            if poll(&mut ready, PollTimeout::from(LOOK)).is_err() {
                thread::sleep(PAUSE);
            }
            self.on.iter().for_each(|listener| self.take_in(listener, &room));
        }
    }

    fn take_in(&self, listener: &TcpListener, room: &Room) {
        loop {
            let (stream, from) = match listener.accept() {
                Ok(taken) => taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return thread::sleep(PAUSE),
            };
            let limits = self.site.limits();
            // Who finds no room is not told so: to say it by TLS is what there is no room for.
            let Some(taken) = room.enter(from.ip(), limits.connections, limits.from_one) else { continue };
            let (site, tls) = (Arc::clone(&self.site), Arc::clone(&self.tls));
            let serve = move || {
                let who = taken.who();
                let _taken = taken;
                if stream.set_nonblocking(false).is_ok() {
                    connection::serve(&site, tls, who, stream);
                }
            };
            // Without memory for a thread there is no room either.
            let _ = thread::Builder::new().name("visitor".into()).stack_size(STACK).spawn(serve);
        }
    }
}
