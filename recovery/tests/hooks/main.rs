//! Hooks as real processes, in namespaces of their own: what they are promised, and what they can't do.

mod attacks;
mod contract;
mod examples;
mod room;
