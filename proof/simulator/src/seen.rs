//! What was found in slots.

use crate::contents::Contents;
use std::collections::HashMap;

/// What is in a slot.
#[derive(Clone)]
pub enum Slot {
    /// It has no whole trailer, and so does not claim to hold anything.
    Nothing,
    /// Its trailer names the release with this index, and that is what it holds.
    Holds(usize),
    /// Its trailer claims what is not so.
    Lies(String),
}

/// What was in slots at an earlier moment; still so while no page of them was written.
pub type Seen = HashMap<String, (Contents, Slot)>;
