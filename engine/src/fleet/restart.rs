//! When a device may restart for an update that waits: its own policy, whatever the server wants.

use drydock_config::{Fleet, Reboot};
use drydock_state::UnixTime;
use drydock_state::fleet::Order;
use std::time::Duration;

/// Whether it may restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It may, if the gate lets it.
    Now,
    /// Not before so much time has passed.
    After(Duration),
    /// When somebody at the device says so, or restarts it.
    WhenAsked,
}

/// Returns whether a device may restart for an order that has become an intent. Who is asked has a say only where the server does
/// not insist; a window is kept in any case.
pub fn may_restart(config: &Fleet, order: &Order, now: UnixTime) -> May {
    if config.reboot == Reboot::Ask && !order.forced && !order.consent {
        return May::WhenAsked;
    }
    // Somebody who stands before the device knows better than its clock.
    let window = config.window.filter(|_| config.reboot == Reboot::InWindow || !order.consent);
    let (minute, second) = ((now.0 / 60 % (24 * 60)) as u16, now.0 % 60);
    match window.map_or(0, |window| window.opens_in(minute)) {
        0 => May::Now,
        minutes => May::After(Duration::from_secs(u64::from(minutes) * 60 - second)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixTime = UnixTime(12 * 3600 + 20);

    fn may(reboot: Reboot, window: Option<&str>, forced: bool, consent: bool) -> May {
        let window = window.map(|window| window.parse().unwrap());
        let config = Fleet { reboot, window, ..Fleet::default() };
        may_restart(&config, &Order { forced, consent, ..Order::default() }, NOON)
    }

    #[test]
    fn a_window_is_waited_for_to_the_second() {
        let closed = Some("13:00-14:00");
        assert_eq!(may(Reboot::InWindow, closed, true, true), May::After(Duration::from_secs(3580)));
        assert_eq!(may(Reboot::InWindow, Some("11:00-13:00"), false, false), May::Now);
        assert_eq!(may(Reboot::AtOnce, None, false, false), May::Now);
    }

    #[test]
    fn somebody_is_asked_unless_the_server_insists() {
        assert_eq!(may(Reboot::Ask, None, false, false), May::WhenAsked);
        assert_eq!(may(Reboot::Ask, None, true, false), May::Now);
        assert_eq!(may(Reboot::Ask, Some("13:00-14:00"), true, false), May::After(Duration::from_secs(3580)));
        assert_eq!(may(Reboot::Ask, Some("13:00-14:00"), false, true), May::Now);
    }
}
