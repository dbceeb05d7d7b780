//! What stands behind the page on the LAN: who knows what there is to show, who lets people in, and does what they want.

use crate::error::Error;
use drydock_page::{Release, View, Wish};

/// What is answered to a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The line that is to be signed first.
    Challenge(String),
    /// Everybody may do that.
    Granted,
}

/// Whoever asks, told from others by an address on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor(pub u64);

/// What stands behind the page. It is asked by several threads at once, and answers at once: what takes long is begun, and seen in
/// the [`view`](Self::view).
pub trait Office: Send + Sync {
    /// Returns what there is to show.
    fn view(&self) -> View;

    /// Whether everybody may see that.
    fn view_is_free(&self) -> bool;

    /// Asks whether something may be done.
    ///
    /// # Errors
    /// It can't be done now, or too much was asked.
    fn ask(&self, who: Visitor, wish: &Wish) -> Result<Asked, Error>;

    /// Takes an answer to what was asked for. Returns the name of the key.
    ///
    /// # Errors
    /// It is none, or not one by a key that may do this.
    fn answer(&self, who: Visitor, wish: &Wish, text: &str) -> Result<String, Error>;

    /// Does what somebody was let in for. Returns what to tell them.
    ///
    /// # Errors
    /// Why it was not done.
    fn act(&self, wish: &Wish, key: &str) -> Result<String, Error>;

    /// Returns who takes in a bundle of so many bytes, of this release. Nothing of it is written before its signatures hold.
    ///
    /// # Errors
    /// There is no room for it, or this is no time for it.
    fn incoming(&self, release: &Release, length: u64, key: &str) -> Result<Box<dyn Incoming>, Error>;
}

/// Who takes in the bytes of a bundle, in order. Dropped before its end it leaves nothing behind that could be installed.
pub trait Incoming: Send {
    /// Takes the next ones.
    ///
    /// # Errors
    /// They are not those of a bundle that this device takes, or can't be kept.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// All have come: they are staged. On return that is on stable storage. Returns what to tell.
    ///
    /// # Errors
    /// The bundle is not whole, or not for this device as it is now.
    fn finish(self: Box<Self>) -> Result<String, Error>;
}
