//! A map of a few things: a list takes less code than a tree.

/// Values by their keys, in the order in which the keys came.
#[derive(Debug)]
pub(super) struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, V> Few<K, V> {
    /// Returns the value of a key.
    pub(super) fn get<Q: ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: PartialEq<Q>,
    {
        self.0.iter().find(|(known, _)| *known == *key).map(|(_, value)| value)
    }

    /// Returns all keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// Gives a key a value, in place of the one that it has.
    pub(super) fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        self.0.push((key, value));
    }

    /// Takes a key away, if it is there.
    pub(super) fn remove<Q: ?Sized>(&mut self, key: &Q)
    where
        K: PartialEq<Q>,
    {
        self.0.retain(|(known, _)| *known != *key);
    }
}

#[cfg(test)]
mod tests {
    use super::Few;

    #[test]
    fn a_key_has_the_value_that_it_was_given_last_until_it_is_taken_away() {
        let mut few = Few::<String, u8>::default();
        few.insert("a".into(), 1);
        few.insert("b".into(), 2);
        few.insert("a".into(), 3);
        assert_eq!((few.get("a"), few.get("b"), few.get("c")), (Some(&3), Some(&2), None));
        few.remove("b");
        assert_eq!(few.keys().collect::<Vec<_>>(), ["a"]);
    }
}
