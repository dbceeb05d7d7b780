//! DHCP on one interface: the client of [`drydock_lan::dhcp`] with sockets.
//!
//! Messages go out and come in as whole frames, because there is no address yet: a server that does not care for the
//! broadcast flag sends to the address that it is about to lend. Only a renewal, which has one, goes through UDP.

use super::seen::Seen;
use crate::answer::Result;
use crate::sys::{FilterStep, packet_socket, random_at_once};
use drydock_engine::Error;
use drydock_lan::dhcp::{Client, Input, Lease, Loss, Output};
use drydock_lan::{Mac, frame};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrIn, bind, recv, send, sendto, setsockopt, socket,
    sockopt,
};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;

/// Lets through what may be a message to a DHCP client: IPv4, UDP, no later fragment, to port 68. Without it every packet
/// of a download would come in here, too. The instructions are those of bpf(4); a frame's header has 14 bytes.
const TO_CLIENT: [FilterStep; 8] = [
    // The protocol must be UDP.
    (0x30, 0, 0, 23),
    (0x15, 0, 5, 17),
    // The fragment's offset must be 0.
    (0x28, 0, 0, 20),
    (0x45, 3, 0, 0x1fff),
    // The port behind a header of whatever length must be 68.
    (0xb1, 0, 0, 14),
    (0x48, 0, 0, 16),
    (0x15, 1, 0, 68),
    (0x06, 0, 0, 0),
];
const ACCEPT: FilterStep = (0x06, 0, 0, u32::MAX);

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Use this, in place of what was before.
    Use(Lease),
    /// Use nothing of what was lent any more.
    Drop(Loss),
}

/// DHCP on one interface.
#[derive(Debug)]
pub(super) struct Lending {
    name: String,
    index: u32,
    mac: Mac,
    client: Client,
    frames: OwnedFd,
    /// Listens whether somebody has the address that is being tried.
    arp: Option<OwnedFd>,
    /// The client's port, for as long as there is a lease: answers to renewals come in as frames, but a port that nobody
    /// has would be refused to their sender.
    udp: Option<OwnedFd>,
}

impl Lending {
    /// Begins to look for servers.
    pub(super) fn start(seen: &Seen, now: Duration) -> Result<Self> {
        let filter = [&TO_CLIENT[..], &[ACCEPT]].concat();
        let frames = packet_socket(seen.index, IPV4, &filter)
            .map_err(Error::doing(format_args!("listen for DHCP servers on {}", seen.name)))?;
        let mut seed = [0; 8];
        // A kernel that has gathered no entropy yet: others in the same network have another hardware address.
        if random_at_once(&mut seed).is_err() {
            seed[..6].copy_from_slice(&seen.mac);
        }
        let client = Client::new(seen.mac, u64::from_ne_bytes(seed), now);
        let name = seen.name.clone();
        Ok(Self { name, index: seen.index, mac: seen.mac, client, frames, arp: None, udp: None })
    }

    /// Returns when [`time`](Self::time) wants to be called.
    pub(super) fn wake(&self) -> Duration {
        self.client.wake()
    }

    /// Whether any server has answered.
    pub(super) fn has_been_answered(&self) -> bool {
        self.client.has_been_answered()
    }

    /// Returns what is to be waited on.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.frames.as_fd()).chain(self.arp.as_ref().map(AsFd::as_fd))
    }

    /// Does what is due.
    pub(super) fn time(&mut self, now: Duration) -> Vec<Change> {
        let outputs = self.client.handle(now, Input::Time);
        self.act(outputs)
    }

    /// Takes in what has come.
    pub(super) fn receive(&mut self, now: Duration) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut buffer = [0; 2048];
        while let Some(frame) = next(&self.frames, &mut buffer) {
            if let Some(message) = frame::to_client(frame) {
                let outputs = self.client.handle(now, Input::Message(message));
                changes.extend(self.act(outputs));
            }
        }
        let Some(probed) = self.client.probed() else { return changes };
        let mut taken = false;
        while let Some(frame) = self.arp.as_ref().and_then(|arp| next(arp, &mut buffer)) {
            taken |= frame::is_taken(frame, self.mac, probed);
        }
        if taken {
            let outputs = self.client.handle(now, Input::Taken);
            changes.extend(self.act(outputs));
        }
        changes
    }

    /// What can't be sent now is sent again when its time has come: nothing here is lost for good.
    fn act(&mut self, outputs: Vec<Output>) -> Vec<Change> {
        let mut changes = Vec::new();
        for output in outputs {
            match output {
                Output::Broadcast(from, message) => {
                    let frame = frame::to_servers(self.mac, from, &message);
                    let _ = send(self.frames.as_raw_fd(), &frame, MsgFlags::empty());
                }
                Output::Unicast(server, message) => {
                    if self.udp.is_none() {
                        self.udp = self.open_port().ok();
                    }
                    if let Some(udp) = &self.udp {
                        let server = SockaddrIn::from(SocketAddrV4::new(server, frame::SERVER_PORT));
                        let _ = sendto(udp.as_raw_fd(), &message, &server, MsgFlags::empty());
                    }
                }
                Output::Probe(address) => {
                    self.arp = packet_socket(self.index, ARP, &[]).ok();
                    if let Some(arp) = &self.arp {
                        let _ = send(arp.as_raw_fd(), &frame::probe(self.mac, address), MsgFlags::empty());
                    }
                }
                Output::Use(lease) => {
                    self.arp = None;
                    changes.push(Change::Use(lease));
                }
                Output::Drop(loss) => {
                    (self.arp, self.udp) = (None, None);
                    changes.push(Change::Drop(loss));
                }
            }
        }
        changes
    }

    fn open_port(&self) -> nix::Result<OwnedFd> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let udp = socket(AddressFamily::Inet, SockType::Datagram, flags, None)?;
        setsockopt(&udp, sockopt::ReuseAddr, &true)?;
        setsockopt(&udp, sockopt::BindToDevice, &self.name.clone().into())?;
        bind(
            udp.as_raw_fd(),
            &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, frame::CLIENT_PORT)),
        )?;
        Ok(udp)
    }
}

/// The next frame that has come.
fn next<'b>(socket: &OwnedFd, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT).ok()?;
    buffer.get(..length)
}
