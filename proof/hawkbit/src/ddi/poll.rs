//! The poll: what is wanted of a device, and when it is to ask again.

use super::shape;
use crate::answer::{Answer, Asked};
use crate::store::{Action, Store, Target};
use serde_json::json;

/// The base of a device's links.
pub(super) fn home(asked: &Asked<'_>, id: &str) -> String {
    format!("{}/DEFAULT/controller/v1/{id}", asked.base)
}

/// The number that a link to an order carries: another one whenever something about the order has changed.
pub(super) fn change(action: &Action, now: u64) -> i32 {
    let open = action.window.as_ref().is_some_and(|window| window.is_open(now));
    let forced = action.kind.is_forced(now);
    let mut hash = 2_166_136_261_u32;
    for part in [action.id, action.revision, u64::from(open), u64::from(forced)] {
        for byte in part.to_le_bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
        }
    }
    hash.cast_signed()
}

/// An order whose last window is over is to be canceled.
pub(super) fn expire(store: &mut Store, action: u64, now: u64) {
    let over = store.actions.get(&action).and_then(|action| action.window.as_ref());
    if over.is_some_and(|window| window.is_over(now)) {
        // What was canceled before stays so.
        let _ = store.cancel(action, now);
    }
}

/// Answers a poll.
pub(super) fn base(store: &mut Store, asked: &Asked<'_>, id: &str) -> Answer {
    let target = store.polled(id, asked.now)?;
    let due = target.actions.clone();
    for action in due {
        expire(store, action, asked.now);
    }
    let target = store.target(id)?;
    let action = store.due(target);
    let home = home(asked, id);
    let mut links = vec![];
    if let Some(action) = action {
        let (number, c) = (action.id, change(action, asked.now));
        links.push(if action.waits() {
            ("confirmationBase", format!("{home}/confirmationBase/{number}?c={c}"))
        } else if action.is_canceling_or_canceled() {
            ("cancelAction", format!("{home}/cancelAction/{number}"))
        } else {
            ("deploymentBase", format!("{home}/deploymentBase/{number}?c={c}"))
        });
    }
    if let Some(installed) = store.installed(target).filter(|action| !action.active) {
        links.push(("installedBase", format!("{home}/installedBase/{}", installed.id)));
    }
    if target.attributes_wanted {
        links.push(("configData", format!("{home}/configData")));
    }
    let value = json!({"config": {"polling": {"sleep": sleep(store, target, action, asked.now)}}});
    shape::answer(asked, &shape::with_links(value, &links))
}

/// Before a window opens a device is asked to come more often: some times until then, but no oftener than every half minute.
fn sleep(store: &Store, _: &Target, action: Option<&Action>, now: u64) -> String {
    let usual = store.configs.text("pollingTime");
    let next = action.and_then(|action| action.window.as_ref()).and_then(|window| window.next(now));
    let Some(next) = next.filter(|next| *next >= now) else { return usual };
    let count = store.configs.get("maintenanceWindowPollCount").and_then(|(value, _)| value.as_u64());
    let seconds = (next - now) / 1000 / count.unwrap_or(1).max(1);
    let usual_seconds =
        usual.split(':').filter_map(|part| part.parse::<u64>().ok()).fold(0, |sum, part| sum * 60 + part);
    if seconds > usual_seconds {
        return usual;
    }
    let seconds = seconds.max(30);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
