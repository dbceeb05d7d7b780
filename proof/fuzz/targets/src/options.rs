/// The first byte and the rest: targets take their options from it.
pub(crate) fn options(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}
