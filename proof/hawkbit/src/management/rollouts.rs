//! Rollouts, as operators see them.

use crate::answer::{Answer, Asked};
use crate::http::Response;
use crate::store::Store;

/// Answers what is asked of rollouts.
pub(super) fn answer(_: &mut Store, _: &Asked<'_>, _: &str, _: &[&str]) -> Answer {
    Err(Response::empty(405))
}
