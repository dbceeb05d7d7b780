/// What a bad line makes of bytes: now and then one is changed, lost, or doubled. The same seed always does the same.
#[derive(Clone, Debug)]
pub struct Noise {
    /// Of a million bytes so many are hit.
    hits: u32,
    random: u64,
}

impl Noise {
    /// Noise that hits so many of a million bytes.
    pub fn new(hits: u32, seed: u64) -> Self {
        Self { hits, random: seed }
    }

    /// Returns what becomes of a byte: up to two of them.
    pub fn pass(&mut self, byte: u8) -> impl Iterator<Item = u8> + use<> {
        let dice = self.dice();
        let changed = match (dice % 1_000_000 < self.hits).then(|| self.dice()) {
            None => [Some(byte), None],
            Some(how) if how % 3 == 0 => [Some(byte ^ 1 << (how >> 8 & 7)), None],
            Some(how) if how % 3 == 1 => [None, None],
            Some(how) => [Some(byte), Some((how >> 8) as u8)],
        };
        changed.into_iter().flatten()
    }

    fn dice(&mut self) -> u32 {
        // Knuth's, of which the upper bits are good.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_hits_as_many_as_it_says_and_does_all_that_a_line_does() {
        let mut noise = Noise::new(10_000, 7);
        let (mut changed, mut lost, mut doubled) = (0, 0, 0);
        for _ in 0..100_000 {
            match noise.pass(b'x').collect::<Vec<_>>()[..] {
                [b'x'] => {}
                [_] => changed += 1,
                [] => lost += 1,
                _ => doubled += 1,
            }
        }
        assert!((900..1100).contains(&(changed + lost + doubled)), "{changed} {lost} {doubled}");
        assert!([changed, lost, doubled].iter().all(|count| *count > 200), "{changed} {lost} {doubled}");
        assert!((0..=255).all(|byte| Noise::new(0, 7).pass(byte).eq([byte])));
    }
}
