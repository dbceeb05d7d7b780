//! The page on the LAN, without a network: what a browser may say, what it is answered, and whom a request comes from.
//!
//! Bytes come in, and typed requests and answers come out ([`Head::read`], [`Answer`]). A request's target is one of a few
//! words ([`Route`]) and nothing else: there is no path, no query and no name in it that could reach a file. What makes a
//! request one of our own page's is decided by [`Guard`]; what a person with a key was let in for by [`Admissions`]. HTTP is
//! RFC 9110 and RFC 9112, as far as one page needs them.

mod admission;
mod answer;
mod assets;
mod guard;
mod head;
mod json;
mod limits;
mod refusal;
mod route;
mod token;
mod view;
mod wish;

pub use admission::{Admission, Admissions};
pub use answer::{Answer, Ending, Kind};
pub use assets::{page, script, style};
pub use guard::Guard;
pub use head::Head;
pub use limits::{ADMITTED_FOR, MAX_BODY, MAX_HEAD};
pub use refusal::Refusal;
pub use route::Route;
pub use token::Token;
pub use view::{Asked, LINES, Progress, Upload, View};
pub use wish::{Release, Wish};
