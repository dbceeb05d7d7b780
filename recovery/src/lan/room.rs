//! Room for connections.

use drydock_engine::lan::Visitor;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who has a connection.
#[derive(Debug, Default)]
pub(super) struct Room(Arc<Mutex<Vec<IpAddr>>>);

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    room: Arc<Mutex<Vec<IpAddr>>>,
    who: IpAddr,
}

fn lock(room: &Mutex<Vec<IpAddr>>) -> MutexGuard<'_, Vec<IpAddr>> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Room {
    /// Returns a place for a connection from this address, if there is one.
    pub(super) fn enter(&self, from: IpAddr, connections: usize, from_one: usize) -> Option<Taken> {
        let who = network(from);
        let mut room = lock(&self.0);
        let same = room.iter().filter(|other| **other == who).count();
        if room.len() >= connections || same >= from_one {
            return None;
        }
        room.push(who);
        Some(Taken { room: Arc::clone(&self.0), who })
    }
}

impl Taken {
    /// Who has it: whoever else comes from the same network is the same.
    pub(super) fn who(&self) -> Visitor {
        Visitor(match self.who {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // The first half is all there is.
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut room = lock(&self.room);
        if let Some(at) = room.iter().position(|who| *who == self.who) {
            room.swap_remove(at);
        }
    }
}

/// Whoever has one address of IPv6 has all of its network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_the_room() {
        let room = Room::default();
        let enter = |from: &str| room.enter(from.parse().unwrap(), 5, 2);
        let first = enter("10.0.0.1").unwrap();
        let _second = enter("::ffff:10.0.0.1").unwrap();
        assert!(enter("10.0.0.1").is_none());
        drop(first);
        let _again = enter("10.0.0.1").unwrap();
        let _six = [enter("fd00::1").unwrap(), enter("fd00::2").unwrap()];
        assert!(enter("fd00::3").is_none(), "another address of the same network");
        let _last = enter("fd00:0:0:1::3").unwrap();
        assert!(enter("10.0.0.2").is_none(), "all is taken");
    }
}
