//! Stretches, of which a target is put together.

/// A stretch of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where it begins.
    pub(crate) target: usize,
    /// How many bytes it has.
    pub(crate) len: usize,
    /// Where in the base the bytes are that it is like. Nothing: literals.
    pub(crate) base: Option<usize>,
}
