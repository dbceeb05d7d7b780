//! A turn with Eclipse hawkBit: what it wants, what it is told, and what is done about it.

mod cancel;
mod confirm;
mod facts;
mod order;
mod server;
mod tell;

pub(super) use server::Hawkbit;

use super::turn::{Step, Stop, Turn};
use crate::machine::Machine;
use crate::state::{Seen, Trust};

impl Hawkbit {
    /// One turn. `facts` are the attributes of the device, as the server takes them.
    pub(super) fn turn<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        facts: &[(String, String)],
    ) -> Result<Step, Stop> {
        self.poll(turn)?;
        if let Trust::ReadOnly(why) = Seen::look(turn.machine)?.trust {
            return self.refuse_untrusted(turn, &why);
        }
        // Not to be able to take attributes is no reason for a server not to be obeyed.
        let told = self.tell_attributes(turn, facts);
        self.answer_cancel(turn)?;
        self.give_up_what_is_gone(turn)?;
        self.report(turn)?;
        self.tell_end(turn)?;
        let asked = self.ask_for_a_word(turn)?;
        let step = self.carry_out(turn)?;
        self.tell_end(turn)?;
        told?;
        self.tell_installed(turn)?;
        Ok(asked.unwrap_or(step))
    }
}
