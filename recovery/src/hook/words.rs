//! What the processes of a hook say to each other: words, with NUL between them. JSON would be a hundredth of the binary.

use super::order::{Entry, Order, Root};
use drydock_engine::machine::Ended;

impl Order {
    /// Returns it as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_words().join("\0").into_bytes()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let text = String::from_utf8(bytes).ok()?;
        Self::from_words(&mut text.split('\0').map(str::to_owned))
    }

    fn to_words(&self) -> Vec<String> {
        let (kind, parts) = match &self.root {
            Root::Device { node, filesystem } => ("device", vec![node.clone(), filesystem.clone()]),
            Root::Live { with } => ("live", with.clone()),
            Root::Bare { program } => ("bare", vec![program.clone()]),
        };
        let numbers = [self.seconds, self.memory_mib, u64::from(self.network), parts.len() as u64];
        let first = [kind.to_owned(), self.program.clone(), self.facts.clone()];
        let numbers = numbers.map(|number| number.to_string());
        first.into_iter().chain(numbers).chain(parts).chain(self.arguments.iter().cloned()).collect()
    }

    fn from_words(words: &mut impl Iterator<Item = String>) -> Option<Self> {
        let (kind, program, facts) = (words.next()?, words.next()?, words.next()?);
        let mut number = || words.next()?.parse::<u64>().ok();
        let (seconds, memory_mib, network, count) = (number()?, number()?, number()? != 0, number()?);
        let mut parts: Vec<String> = words.by_ref().take(usize::try_from(count).ok()?).collect();
        let root = match (kind.as_str(), parts.len()) {
            ("device", 2) => {
                let filesystem = parts.pop()?;
                Root::Device { node: parts.pop()?, filesystem }
            }
            ("live", _) => Root::Live { with: parts },
            ("bare", 1) => Root::Bare { program: parts.pop()? },
            _ => return None,
        };
        Some(Self { root, program, arguments: words.collect(), facts, seconds, memory_mib, network })
    }
}

impl Entry {
    /// Returns it as arguments of a program.
    pub(super) fn to_words(&self) -> Vec<String> {
        let group = self.group.clone().unwrap_or_default();
        let own = [group, u8::from(self.alone).to_string()];
        own.into_iter().chain(self.order.to_words()).collect()
    }

    /// Reads what [`to_words`](Self::to_words) has written.
    pub(super) fn from_words(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let group = Some(words.next()?).filter(|group| !group.is_empty());
        let alone = words.next()? != "0";
        Some(Self { group, alone, order: Order::from_words(&mut words)? })
    }
}

/// Returns how a hook has ended, as bytes.
pub(super) fn from_end(ended: &Ended) -> Vec<u8> {
    let (word, rest) = match ended {
        Ended::Exit(code) => ("exit", code.to_string()),
        Ended::Signal(signal) => ("signal", signal.to_string()),
        Ended::Late => ("late", String::new()),
        Ended::NotRun(why) => ("not-run", why.clone()),
    };
    [word, rest.as_str()].join("\0").into_bytes()
}

/// Reads what [`from_end`] has written.
pub(super) fn to_end(bytes: &[u8]) -> Option<Ended> {
    let text = String::from_utf8_lossy(bytes);
    let (word, rest) = text.split_once('\0')?;
    Some(match word {
        "exit" => Ended::Exit(rest.parse().ok()?),
        "signal" => Ended::Signal(rest.parse().ok()?),
        "late" => Ended::Late,
        "not-run" => Ended::NotRun(rest.to_owned()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_one_process_says_the_other_understands() {
        for root in [
            Root::Device { node: "/dev/dm-1".into(), filesystem: "erofs".into() },
            Root::Live { with: vec!["/var".into(), "/run".into()] },
            Root::Live { with: vec![] },
            Root::Bare { program: "/etc/drydock/hooks/x".into() },
        ] {
            for arguments in [vec![], vec![String::new(), "two words".to_owned()]] {
                let order = Order {
                    root: root.clone(),
                    program: "/x".into(),
                    arguments,
                    facts: "{}\n".into(),
                    seconds: 60,
                    memory_mib: 64,
                    network: true,
                };
                assert_eq!(Order::from_bytes(order.to_bytes()), Some(order.clone()));
                let entry = Entry { order, group: Some("/sys/fs/cgroup/x".into()), alone: true };
                assert_eq!(Entry::from_words(entry.to_words().into_iter()), Some(entry));
            }
        }
        for ended in [Ended::Exit(75), Ended::Signal(9), Ended::Late, Ended::NotRun("no: reason".into())] {
            assert_eq!(to_end(&from_end(&ended)), Some(ended));
        }
        assert_eq!((to_end(b""), Order::from_bytes(vec![0; 20])), (None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_said_it_is_an_order_that_says_the_same_again_or_none(
            kind in "device|live|bare|[a-z]{0,4}",
            numbers in proptest::collection::vec("[0-9]{1,25}|-1|", 0..5),
            rest in proptest::collection::vec(any::<String>(), 0..6),
        ) {
            let words: Vec<String> =
                [kind, "/x".into(), "{}".into()].into_iter().chain(numbers).chain(rest).collect();
            let bytes = words.join("\0").into_bytes();
            if let Some(order) = Order::from_bytes(bytes.clone()) {
                prop_assert_eq!(Order::from_bytes(order.to_bytes()), Some(order));
            }
            prop_assert_eq!(to_end(&bytes).map(|ended| to_end(&from_end(&ended)) == Some(ended)).unwrap_or(true), true);
        }
    }
}
