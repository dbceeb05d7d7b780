//! Whoever comes to the page, at the door that the consoles have.

use super::office::{Asked, Visitor};
use crate::error::Error;
use crate::machine::Machine;
use crate::service::access;
use drydock_access::{Door, Place, Request};
use drydock_page::Wish;
use std::sync::Mutex;
use std::time::Duration;

/// Asks whether something may be done. `now` is as [`access::ask`] has it.
///
/// # Errors
/// As there.
pub fn ask(
    machine: &impl Machine,
    door: &Mutex<Door>,
    who: Visitor,
    wish: &Wish,
    now: Duration,
) -> Result<Asked, Error> {
    let request = request(wish)?;
    if !access::needs_key(machine.config(), request.verb) {
        return Ok(Asked::Granted);
    }
    let challenge = access::ask(machine, door, Place::Peer(who.0), request, now)?;
    Ok(Asked::Challenge(challenge.line().into()))
}

/// Takes an answer. Returns the name of the key; on return its use is on stable storage.
///
/// # Errors
/// As [`access::admit`] has them.
pub fn answer(
    machine: &impl Machine,
    door: &Mutex<Door>,
    who: Visitor,
    wish: &Wish,
    text: &str,
    now: Duration,
) -> Result<String, Error> {
    let request = request(wish)?;
    Ok(access::admit(machine, door, Place::Peer(who.0), &request, text, now)?.key_name)
}

/// What a wish is for whoever decides on it.
pub(crate) fn request(wish: &Wish) -> Result<Request, Error> {
    let verb = wish.verb().parse();
    verb.and_then(|verb| Request::new(verb, wish.what())).map_err(|why| Error::Refused(why.into()))
}
