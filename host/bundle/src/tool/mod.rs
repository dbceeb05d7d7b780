//! What the host tools have in common: replies for people and machines, exit codes, completions and man pages.

mod pages;
mod reply;

pub use pages::{completions, man};
pub use reply::{Failure, Form, Reply, finish, lossy};
