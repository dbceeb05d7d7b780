//! Programs of the integrator's, called in a room of their own.
//!
//! A hook is not trusted to end, to be small or to be quiet. Three processes see to that, each of them this very program:
//! the one that [`call`]s gives an [`Order`] and waits; its child [`supervise`]s in namespaces of its own, and ends the hook
//! when time is over or its parent is gone; the child of that one [`enter`]s the hook's root, gives up all that it could do
//! harm with, and becomes the hook. Nothing runs between a `fork` and an `exec`, so none of it needs `unsafe`.

pub mod call;
mod control;
mod enter;
mod order;
mod room;
mod supervise;
mod words;

pub use order::{BARE_PROGRAM, Order, Root};
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what a child is there for, if this process is one. It may be process 1 of a namespace, so this comes first.
pub fn child(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != order::NAME {
        return None;
    }
    Some(match arguments.next() {
        Some(first) => {
            let words =
                std::iter::once(first).chain(arguments).map(|word| word.to_string_lossy().into_owned());
            enter::run(words)
        }
        None => supervise::run(),
    })
}
