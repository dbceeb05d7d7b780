//! Ranges are sets of bytes, whatever is done with them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_transfer::{MAX_HEADER, Ranges};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;

fn some() -> impl Strategy<Value = Vec<Range<u64>>> {
    prop::collection::vec((0u64..200, 0u64..30).prop_map(|(start, len)| start..start + len), 0..20)
}

fn bytes(ranges: &Ranges) -> BTreeSet<u64> {
    ranges.iter().flatten().collect()
}

fn well_formed(ranges: &Ranges) -> bool {
    let all: Vec<_> = ranges.iter().collect();
    all.iter().all(|range| range.start < range.end) && all.windows(2).all(|two| two[0].end < two[1].start)
}

proptest! {
    #[test]
    fn they_hold_what_was_put_in(one in some(), other in some()) {
        let expected: BTreeSet<u64> = one.iter().cloned().flatten().collect();
        let all: Ranges = one.iter().cloned().collect();
        let mut added = Ranges::new();
        one.iter().cloned().for_each(|range| added.add(range));
        prop_assert!(well_formed(&all));
        prop_assert_eq!(&all, &added);
        prop_assert_eq!(bytes(&all), expected.clone());
        prop_assert_eq!(all.bytes(), expected.len() as u64);
        let others: Ranges = other.iter().cloned().collect();
        let left = all.without(&others);
        prop_assert!(well_formed(&left));
        prop_assert_eq!(bytes(&left), expected.difference(&bytes(&others)).copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(bytes(&all.before(77)), expected.iter().copied().filter(|byte| *byte < 77).collect::<BTreeSet<_>>());
        for range in &other {
            prop_assert_eq!(all.contain(range), range.clone().all(|byte| expected.contains(&byte)));
        }
    }

    #[test]
    fn bridging_adds_small_gaps_and_nothing_else(one in some(), gap in 0u64..20) {
        let all: Ranges = one.into_iter().collect();
        let bridged = all.bridging(gap);
        prop_assert!(all.without(&bridged).is_empty());
        let gaps = bridged.without(&all);
        prop_assert!(gaps.iter().all(|range| range.end - range.start <= gap));
        prop_assert!(bridged.iter().zip(bridged.iter().skip(1)).all(|(a, b)| b.start - a.end > gap));
    }

    #[test]
    fn requests_are_the_ranges_in_order_within_their_limits(
        starts in prop::collection::vec((0u64..1 << 40, 1u64..5000), 0..600), most in 1usize..300, limit in 1u64..100_000
    ) {
        let all: Ranges = starts.into_iter().map(|(start, len)| start..start + len).collect();
        let requests = all.requests(most, limit);
        prop_assert_eq!(&requests.iter().flat_map(|request| request.iter().collect::<Vec<_>>()).collect::<Ranges>(), &all);
        prop_assert_eq!(requests.iter().map(Ranges::bytes).sum::<u64>(), all.bytes());
        prop_assert!(requests.windows(2).all(|two| two[0].end() <= two[1].iter().next().unwrap().start));
        for request in &requests {
            prop_assert!(request.count() <= most && request.bytes() <= limit && !request.is_empty());
            prop_assert!(request.header().len() <= MAX_HEADER, "{}", request.header().len());
        }
    }
}

#[test]
fn a_header_names_last_bytes() {
    let ranges: Ranges = [1000..1500, 0..500].into_iter().collect();
    assert_eq!(ranges.header(), "bytes=0-499,1000-1499");
}
