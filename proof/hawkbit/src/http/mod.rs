//! HTTP/1.1 as a server speaks it, as far as hawkBit's clients can tell: nothing here knows hawkBit.

mod body;
mod listener;
mod request;
mod response;

pub(crate) use body::part;
pub(crate) use listener::Listener;
pub(crate) use request::Request;
pub(crate) use response::{Piece, Response};
