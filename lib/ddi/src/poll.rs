//! The poll: what the server wants of a device.

use crate::answer::read;
use crate::links::{action, href};
use crate::{ActionId, Error};
use serde_json::Value;
use std::time::Duration;

/// The shortest time between two polls that a server may ask for.
pub const MIN_SLEEP: Duration = Duration::from_secs(10);
/// The longest one.
pub const MAX_SLEEP: Duration = Duration::from_secs(24 * 3600);

/// What a poll has brought. Several may be due at a time; where an order is to be cancelled, a new one is offered only once that
/// was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Poll {
    /// When to ask again, if the server says so in a way that can be read.
    pub sleep: Option<Duration>,
    /// The server wants the device's attributes.
    pub config_data: bool,
    /// An order.
    pub deployment: Option<ActionId>,
    /// An order that waits for a word of somebody at the device.
    pub confirmation: Option<ActionId>,
    /// An order that is to be given up.
    pub cancel: Option<ActionId>,
    /// The order that was done last.
    pub installed: Option<ActionId>,
}

impl Poll {
    /// Reads the answer to a poll.
    ///
    /// # Errors
    /// It is no object of JSON, or a link to an order does not say which.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let said = read(bytes)?;
        // Something else that answers with JSON is no server that has taken all orders back.
        if !["config", "_links", "links"].iter().any(|part| said.get(part).is_some()) {
            return Err(Error::Lacks("`config`"));
        }
        let order = |relation: &str| href(&said, relation).map(|href| action(href, relation)).transpose();
        let sleep = said.get("config").and_then(|config| config.get("polling")?.get("sleep"));
        Ok(Self {
            sleep: sleep.and_then(Value::as_str).and_then(time),
            config_data: href(&said, "configData").is_some(),
            deployment: order("deploymentBase")?,
            confirmation: order("confirmationBase")?,
            cancel: order("cancelAction")?,
            installed: order("installedBase")?,
        })
    }
}

/// `HH:MM:SS`, within the limits.
fn time(text: &str) -> Option<Duration> {
    let mut parts = text.split(':').map(|part| match part.len() {
        1..=2 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<u64>().ok(),
        _ => None,
    });
    let [hours, minutes, seconds] = [parts.next()??, parts.next()??, parts.next()??];
    let all = Duration::from_secs(hours * 3600 + minutes * 60 + seconds);
    (parts.next().is_none() && minutes < 60 && seconds < 60).then(|| all.clamp(MIN_SLEEP, MAX_SLEEP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_poll_says_what_is_due() {
        let said = br#"{"config":{"polling":{"sleep":"00:05:00"}},"news":1,"_links":{
            "configData":{"href":"http://h/D/controller/v1/x/configData"},
            "deploymentBase":{"href":"http://h/D/controller/v1/x/deploymentBase/5?c=-8"},
            "installedBase":{"href":"http://h/D/controller/v1/x/installedBase/4"},"other":{"href":"y"}}}"#;
        let poll = Poll::parse(said).unwrap();
        let due = Poll {
            sleep: Some(Duration::from_secs(300)),
            config_data: true,
            deployment: Some(ActionId(5)),
            installed: Some(ActionId(4)),
            ..Poll::default()
        };
        assert_eq!(poll, due);
    }

    #[test]
    fn nothing_may_be_due() {
        assert_eq!(Poll::parse(br#"{"config":{"polling":{"sleep":7}}}"#).unwrap(), Poll::default());
        for other in [&b"{}"[..], b"[]", b"7", b"{\"status\":\"ok\"}"] {
            assert!(matches!(Poll::parse(other), Err(Error::Lacks(_))));
        }
    }

    #[test]
    fn links_may_stand_in_a_list() {
        let said = br#"{"links":[{"rel":"x","href":"y"},{"rel":"cancelAction","href":"/cancelAction/9"}]}"#;
        assert_eq!(Poll::parse(said).unwrap().cancel, Some(ActionId(9)));
    }

    #[test]
    fn a_time_is_read_and_kept_within_limits() {
        for (text, seconds) in [("00:00:30", 30), ("23:59:59", 86399), ("99:00:00", 86400), ("00:00:00", 10)]
        {
            assert_eq!(time(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "00:30", "00:60:00", "00:00:00:00", "-1:00:00", "0x:00:00", "000:00:01"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Poll::parse(&bytes);
        }
    }
}
