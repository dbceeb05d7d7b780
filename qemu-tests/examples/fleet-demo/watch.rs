//! Waiting: while devices run, somebody is asked again and again.

use crate::pump::Pump;
use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Far more than anything takes, so that a slow machine passes too.
const LIMIT: Duration = Duration::from_secs(1800);
/// How often the consoles are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often somebody is asked.
const ASK: Duration = Duration::from_secs(2);

/// Lets the devices run until `ask` says that what is waited for is there.
pub(crate) fn until(
    what: &str,
    pumps: &mut [Pump<'_>],
    mut ask: impl FnMut() -> Result<bool, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + LIMIT;
    let mut asked: Option<Instant> = None;
    while Instant::now() < deadline {
        for pump in pumps.iter_mut() {
            pump.step()?;
        }
        if asked.is_none_or(|at| at.elapsed() >= ASK) {
            if ask()? {
                return Ok(());
            }
            asked = Some(Instant::now());
        }
        sleep(LOOK);
    }
    Err(format!("{what}: not within {} s", LIMIT.as_secs()).into())
}

/// Fails unless it is so.
pub(crate) fn expect(what: &str, is: &str, should: &str) -> Result<(), Box<dyn Error>> {
    if is == should { Ok(()) } else { Err(format!("{what} is `{is}`, and should be `{should}`").into()) }
}
