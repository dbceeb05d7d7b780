//! A long, bad line: packets take their time, and some never arrive. It stands in for the kernel's `netem`, which not every
//! kernel has.

use crate::lab::{Lab, Running};
use drydock_fixtures::Random;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The end of a line in each network: Debian's `socat`, with a TUN device on the one side and a socket on the other. A
/// datagram of the socket is a packet of the device.
pub(crate) struct Line {
    _ends: [Running; 2],
    _folder: tempfile::TempDir,
}

impl Line {
    /// Lays a line from the client's `e0`, 10.99.0.2, to the server's `s0`, 10.99.0.1, in a lab without cables. Every packet
    /// takes half of the round trip, and of a hundred `lost` never arrive, in either direction.
    pub(crate) fn lay(lab: &Lab, round_trip: Duration, lost: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (here, there) = (socket(&at("to-client")), socket(&at("to-server")));
        let one_way = round_trip / 2;
        carry(&here, &there, at("server"), one_way, lost, 1);
        carry(&there, &here, at("client"), one_way, lost, 2);
        let end = |machine: &str, device: &str, own: &str, other: &str| {
            let mut socat = lab.exec(machine, "socat");
            socat.arg(format!("TUN:{device},iff-no-pi,iff-up,tun-type=tun"));
            socat.arg(format!("UNIX-SENDTO:{},bind={}", at(other).display(), at(own).display()));
            lab.start(socat)
        };
        let ends = [
            end(&lab.client(), "10.99.0.2/24,tun-name=e0", "client", "to-client"),
            end(&lab.server(), "10.99.0.1/24,tun-name=s0", "server", "to-server"),
        ];
        for (machine, device) in [(lab.client(), "e0"), (lab.server(), "s0")] {
            while !lab.has(&machine, device) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        Self { _ends: ends, _folder: folder }
    }
}

fn socket(path: &Path) -> UnixDatagram {
    UnixDatagram::bind(path).unwrap()
}

/// Carries what comes to `from` to the socket at `to`, through `through`.
fn carry(from: &UnixDatagram, through: &UnixDatagram, to: PathBuf, takes: Duration, lost: usize, seed: u64) {
    let (from, through) = (from.try_clone().unwrap(), through.try_clone().unwrap());
    let (sender, receiver): (Sender<(Instant, Vec<u8>)>, Receiver<_>) = channel();
    thread::spawn(move || {
        let mut random = Random::new(seed);
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count) = from.recv(&mut buffer) {
            if random.below(100) >= lost
                && sender.send((Instant::now() + takes, buffer[..count].to_vec())).is_err()
            {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, packet) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // An end that is not there yet, or any more, gets nothing.
            let _ = through.send_to(&packet, &to);
        }
    });
}
