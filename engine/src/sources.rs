//! Where bundles come from: whoever provides one offers candidates, until one can be used or time is over.

use crate::error::Error;
use crate::event::Event;
use crate::machine::{Candidate, Found, Machine, Others, Tried};
use drydock_state::Source;

/// What is made of the bytes of a source.
pub type Take<'t, T> = &'t mut dyn FnMut(Found) -> Result<T, Error>;

/// Offers the bytes that a source stands for, and returns what is made of them. Where a candidate can't be used
/// ([`Error::is_of_bundle`]) that is told, and the next one is offered, for as long as the provider has any.
pub fn open<T>(machine: &impl Machine, source: &Source, take: Take<'_, T>) -> Result<T, Error> {
    let mut provider = machine.provider(source)?;
    let mut tried = Tried::default();
    loop {
        machine.events().allow(provider.deadline());
        let Some(Candidate { name, found }) = provider.next()? else {
            return Err(provider.in_vain(tried));
        };
        let opened = found.is_ok();
        let why = match found.and_then(&mut *take) {
            Ok(taken) => return Ok(taken),
            Err(error) if provider.others() == Others::None => return Err(error),
            Err(error) if opened && !error.is_of_bundle() => return Err(error),
            Err(error) => error,
        };
        if opened {
            tried.refused = true;
            provider.refused();
        }
        let reason = format!("{name}: {why}");
        machine.events().send(Event::Retry { reason: reason.clone() });
        tried.reasons.push(reason);
    }
}
