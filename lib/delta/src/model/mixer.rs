//! Mixing: several contexts say how likely a one is; a small network weighs them by how right they were before.
//!
//! All of it is integers. Two tables are made from the constants below by integer arithmetic, so that every machine has
//! the same ones.

/// 65536 / (1 + exp(-x / 8)) for x of 0 to 96, rounded to the nearest, and 65534 at most.
const SQUASH: [u16; 97] = [
    32768, 34813, 36843, 38841, 40793, 42687, 44511, 46254, 47911, 49474, 50941, 52310, 53581, 54754, 55834,
    56822, 57724, 58544, 59287, 59959, 60565, 61109, 61598, 62036, 62428, 62778, 63090, 63368, 63615, 63835,
    64030, 64203, 64357, 64494, 64614, 64721, 64816, 64900, 64974, 65039, 65097, 65149, 65194, 65234, 65269,
    65300, 65328, 65352, 65374, 65393, 65410, 65425, 65438, 65449, 65459, 65468, 65476, 65483, 65489, 65495,
    65500, 65504, 65508, 65511, 65514, 65517, 65519, 65521, 65523, 65524, 65526, 65527, 65528, 65529, 65530,
    65530, 65531, 65532, 65532, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534,
    65534, 65534, 65534, 65534, 65534, 65534, 65534,
];

/// The half width of what [`Tables::squash`] takes, which is a logit times 256.
const REACH: i32 = 3072;

/// What turns probabilities into logits and back, and weighs what is new.
pub(super) struct Tables {
    stretch: Box<[i16; 4096]>,
    squash: Vec<u16>,
    reciprocal: [u16; 256],
}

impl Tables {
    pub(super) fn new() -> Self {
        let squash: Vec<u16> = (-REACH..REACH).map(squash).collect();
        let mut stretch = Box::new([0; 4096]);
        let mut logit = 0;
        for (nth, entry) in stretch.iter_mut().enumerate() {
            let wanted = nth as u16 * 16 + 8;
            while logit + 1 < squash.len() && squash.get(logit).is_some_and(|&one| one < wanted) {
                logit += 1;
            }
            *entry = (logit as i32 - REACH) as i16;
        }
        let mut reciprocal = [0; 256];
        for (count, entry) in reciprocal.iter_mut().enumerate() {
            *entry = (655_360 / (10 * count + 16)) as u16;
        }
        Self { stretch, squash, reciprocal }
    }

    /// Returns the logit, times 256, of a probability of 12 bits.
    #[inline]
    pub(super) fn stretch(&self, one: u32) -> i32 {
        self.stretch[one as usize & 4095].into()
    }

    #[inline]
    fn squash(&self, logit: i32) -> u32 {
        self.squash.get((logit + REACH) as usize).copied().map_or(1 << 15, u32::from)
    }
}

/// Returns the probability, in 65536ths, of a logit times 256: between the constants a straight line.
fn squash(logit: i32) -> u16 {
    let (at, within) = (logit.unsigned_abs() as usize / 32, logit.unsigned_abs() % 32);
    let point = |nth: usize| u32::from(SQUASH.get(nth).copied().unwrap_or(65534));
    let above = point(at) + (point(at + 1) - point(at)) * within / 32;
    (if logit < 0 { 65536 - above } else { above }) as u16
}

/// The probability of a one in one context: 22 bits of it, and 10 of how often it was asked.
#[derive(Clone, Copy)]
pub(super) struct Seen(u32);

impl Seen {
    pub(super) const NEW: Self = Self(1 << 31);

    /// Returns the probability in 12 bits.
    #[inline]
    pub(super) fn one(self) -> u32 {
        self.0 >> 20
    }

    /// Moves towards what was seen, by less the more was seen before, up to `limit` times.
    #[inline]
    pub(super) fn learn(&mut self, bit: bool, tables: &Tables, limit: u32) {
        let (count, one) = (self.0 & 1023, i64::from(self.0 >> 10));
        let target = if bit { (1 << 22) - 1 } else { 0 };
        let part = i64::from(tables.reciprocal.get(count as usize & 255).copied().unwrap_or(0));
        let one = one + (((target - one) * part) >> 16);
        self.0 = (one as u32) << 10 | (count + u32::from(count < limit));
    }
}

/// The contexts that half a byte goes through from one beginning, in one line of a processor's cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Line([Seen; LINE]);

/// How many those are, with one that is not used.
pub(super) const LINE: usize = 16;

impl Line {
    pub(super) const NEW: Self = Self([Seen::NEW; LINE]);

    /// Returns one of them.
    #[inline]
    pub(super) fn at(&mut self, within: usize) -> &mut Seen {
        &mut self.0[within & (LINE - 1)]
    }
}

/// Weighs `N` logits. There is a set of weights for each situation.
pub(super) struct Mixer<const N: usize> {
    weights: Vec<[i32; N]>,
}

/// How strongly weights follow the error.
const RATE: i32 = 2;

impl<const N: usize> Mixer<N> {
    pub(super) fn new(situations: usize) -> Self {
        Self { weights: vec![[65536 * 4 / 10; N]; situations] }
    }

    /// Returns the probability of a one, in 65536ths.
    #[inline]
    pub(super) fn one(&self, situation: usize, logits: &[i32; N], tables: &Tables) -> u32 {
        let Some(weights) = self.weights.get(situation) else { return 1 << 15 };
        let sum: i64 = logits.iter().zip(weights).map(|(x, w)| i64::from(*x) * i64::from(*w)).sum();
        tables.squash(((sum >> 16) as i32).clamp(1 - REACH, REACH - 1))
    }

    /// Follows the error of what [`one`](Self::one) said.
    #[inline]
    pub(super) fn learn(&mut self, situation: usize, logits: &[i32; N], bit: bool, one: u32) {
        let Some(weights) = self.weights.get_mut(situation) else { return };
        let error = ((i32::from(bit) << 16) - one as i32) * RATE;
        for (weight, logit) in weights.iter_mut().zip(logits) {
            // A logit has 12 bits and a sign, an error 17.
            *weight = weight.wrapping_add((logit.wrapping_mul(error) + (1 << 17)) >> 18);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_the_logistic_function_and_its_inverse() {
        let tables = Tables::new();
        for logit in (1 - REACH)..REACH {
            let exact = 65536.0 / (1.0 + (-f64::from(logit) / 256.0).exp());
            let error = (f64::from(tables.squash(logit)) - exact).abs();
            assert!(error <= 2.0 + exact.min(65536.0 - exact) * 0.003, "{logit}: {error}");
        }
        for one in 1..4095 {
            let p = (f64::from(one) + 0.5) / 4096.0;
            let error = (f64::from(tables.stretch(one)) - (p / (1.0 - p)).ln() * 256.0).abs();
            // Near the ends the steps of 16 bits are coarse.
            let most = 4.0 + 400.0 / f64::from(16 * one.min(4095 - one) + 8);
            assert!(error <= most, "{one}: {error}");
        }
    }

    #[test]
    fn probabilities_never_reach_certainty() {
        let tables = Tables::new();
        assert!((1 - REACH..REACH).all(|logit| (1..=65535).contains(&tables.squash(logit))));
        let mut seen = Seen::NEW;
        (0..100_000).for_each(|_| seen.learn(true, &tables, 255));
        assert!(seen.one() <= 4095);
    }
}
