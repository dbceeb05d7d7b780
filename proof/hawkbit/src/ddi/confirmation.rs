//! Orders that somebody at the device is to say yes to.

use super::poll::{change, home};
use super::shape;
use crate::answer::{Answer, Asked, Word};
use crate::http::Response;
use crate::store::Store;
use serde_json::{Value, json};

/// Whether orders are taken for confirmed, and which one waits.
pub(super) fn base(store: &mut Store, asked: &Asked<'_>, id: &str) -> Answer {
    let target = store.polled(id, asked.now)?.clone();
    let home = format!("{}/confirmationBase", home(asked, id));
    let (state, mut links) = match &target.auto_confirm {
        Some((initiator, remark, at)) => {
            let state = json!({"active": true, "initiator": initiator, "remark": remark, "activatedAt": at});
            (state, vec![("deactivateAutoConfirm", format!("{home}/deactivateAutoConfirm"))])
        }
        None => (
            json!({"active": false, "activatedAt": 0}),
            vec![("activateAutoConfirm", format!("{home}/activateAutoConfirm"))],
        ),
    };
    if let Some(action) = store.due(&target).filter(|action| action.waits()) {
        links.push(("confirmationBase", format!("{home}/{}?c={}", action.id, change(action, asked.now))));
    }
    shape::answer(asked, &shape::with_links(json!({"autoConfirm": state}), &links))
}

/// A yes, or a no.
pub(super) fn feedback(store: &mut Store, asked: &Asked<'_>, id: &str, number: u64) -> Answer {
    let Word { yes, code, details } = asked.word()?;
    let action = store.action_of(id, number)?;
    if action.active && !action.waits() {
        return Err(Response::empty(404));
    }
    store.confirm(number, yes, code, details, asked.now)?;
    Ok(Response::empty(200))
}

/// From now on orders are taken for confirmed.
pub(super) fn activate(store: &mut Store, asked: &Asked<'_>, id: &str) -> Answer {
    let said = if asked.request.body.is_empty() { Value::Null } else { asked.json()? };
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    store.auto_confirm(id, text("initiator"), text("remark"), asked.now)?;
    Ok(Response::empty(200))
}

/// From now on they are not.
pub(super) fn deactivate(store: &mut Store, id: &str) -> Answer {
    store.target_mut(id)?.auto_confirm = None;
    Ok(Response::empty(200))
}
