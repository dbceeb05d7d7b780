//! The binary arithmetic coder, and what adapts to what it codes.
//!
//! The coder keeps two 32-bit bounds and never carries: whenever their first bytes agree, that byte is settled. A
//! probability has 16 bits. Encoding and decoding go through one trait, so that everything above is written once.

/// Codes bits. An encoder is told them; a decoder finds them.
pub trait Coder {
    /// Whether this is an encoder, which knows what it codes.
    const KNOWS: bool;

    /// Codes a bit that is a one with a probability of `one` in 65536, which is 1 to 65535. Returns the bit: an encoder
    /// the one it was given, a decoder the one that it found.
    fn code(&mut self, bit: bool, one: u32) -> bool;

    /// Returns whether more was read than there is: that is damage, and worth no further work.
    fn is_overdrawn(&self) -> bool {
        false
    }
}

/// The two bounds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The lower one.
    pub low: u32,
    /// The upper one; both belong to the interval.
    pub high: u32,
}

impl Bounds {
    /// The whole interval.
    pub const WHOLE: Self = Self { low: 0, high: u32::MAX };

    /// Returns the last value that means a one.
    #[inline]
    pub fn middle(self, one: u32) -> u32 {
        self.low + ((u64::from(self.high - self.low) * u64::from(one)) >> 16) as u32
    }

    /// Goes on with the part that means `bit`.
    #[inline]
    pub fn take(&mut self, bit: bool, middle: u32) {
        if bit { self.high = middle } else { self.low = middle + 1 }
    }

    /// Takes the first byte away if it is settled, and returns it.
    #[inline]
    pub fn settled(&mut self) -> Option<u8> {
        if (self.low ^ self.high) >> 24 != 0 {
            return None;
        }
        let byte = (self.high >> 24) as u8;
        self.low <<= 8;
        self.high = self.high << 8 | 0xff;
        Some(byte)
    }
}

/// Finds the bits that an encoder has coded. Behind the end it reads zeros; whether it did so is asked at the end.
pub struct Decoder<'a> {
    bounds: Bounds,
    value: u32,
    input: &'a [u8],
    position: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder at the beginning of what an encoder has made.
    pub fn new(input: &'a [u8]) -> Self {
        let mut decoder = Self { bounds: Bounds::WHOLE, value: 0, input, position: 0 };
        for _ in 0..4 {
            decoder.next();
        }
        decoder
    }

    #[inline]
    fn next(&mut self) {
        let byte = self.input.get(self.position).copied().unwrap_or(0);
        self.position = self.position.saturating_add(1);
        self.value = self.value << 8 | u32::from(byte);
    }

    /// Returns whether exactly the input was used: an encoder leaves out up to four zeros at its end.
    pub fn is_used_up(&self) -> bool {
        self.position >= self.input.len() && self.position - self.input.len() <= 4
    }
}

impl Coder for Decoder<'_> {
    const KNOWS: bool = false;

    #[inline]
    fn code(&mut self, _: bool, one: u32) -> bool {
        let middle = self.bounds.middle(one);
        let bit = self.value <= middle;
        self.bounds.take(bit, middle);
        while self.bounds.settled().is_some() {
            self.next();
        }
        bit
    }

    fn is_overdrawn(&self) -> bool {
        self.position > self.input.len() + 4
    }
}

/// The probability of a one in one context, which moves towards what was seen.
#[derive(Clone, Copy, Debug)]
pub struct Bit(u16);

impl Bit {
    /// Nothing seen yet.
    pub const NEW: Self = Self(1 << 15);

    /// Returns the probability, in 65536ths.
    #[inline]
    pub fn one(self) -> u32 {
        u32::from(self.0)
    }

    /// Moves by the 2 to the power of `rate`th part of the way.
    #[inline]
    pub fn learn(&mut self, bit: bool, rate: u32) {
        if bit { self.0 += (u16::MAX - self.0) >> rate } else { self.0 -= self.0 >> rate }
    }

    /// Codes a bit in this context.
    #[inline]
    pub fn code<C: Coder>(&mut self, coder: &mut C, bit: bool, rate: u32) -> bool {
        let bit = coder.code(bit, self.one().clamp(2, 65534));
        self.learn(bit, rate);
        bit
    }
}

/// How fast numbers and flags adapt.
const RATE: u32 = 5;

/// The longest number in bits.
const MAX_BITS: u32 = 48;

/// How many of a number's bits, from the top, are coded in context.
const CONTEXT_BITS: u32 = 6;

/// Codes numbers of one kind: Exp-Golomb, whose length and first bits adapt.
#[derive(Clone)]
pub struct Number {
    length: [Bit; MAX_BITS as usize + 1],
    bits: Vec<[Bit; 1 << CONTEXT_BITS]>,
}

impl Default for Number {
    fn default() -> Self {
        Self { length: [Bit::NEW; MAX_BITS as usize + 1], bits: vec![[Bit::NEW; 1 << CONTEXT_BITS]; 14] }
    }
}

impl Number {
    /// Codes a number below 2 to the power of 48, and returns it. Nothing is returned where the code is longer, which is
    /// damage.
    pub fn code<C: Coder>(&mut self, coder: &mut C, value: u64) -> Option<u64> {
        let plus_one = value + 1;
        let length = plus_one.ilog2();
        let mut count = 0;
        while self.length.get_mut(count as usize)?.code(coder, count < length, RATE) {
            count += 1;
        }
        let mut found = 1;
        for bit in (0..count).rev() {
            let is_one = plus_one >> bit & 1 != 0;
            let one = if count - bit <= CONTEXT_BITS {
                let contexts = self.bits.get_mut(count.min(13) as usize)?;
                contexts.get_mut(found as usize & 63)?.code(coder, is_one, RATE)
            } else {
                coder.code(is_one, 1 << 15)
            };
            found = found << 1 | u64::from(one);
        }
        Some(found - 1)
    }

    /// Codes a signed number, small ones of either sign as short ones.
    pub fn code_signed<C: Coder>(&mut self, coder: &mut C, value: i64) -> Option<i64> {
        let folded = (value << 1 ^ value >> 63) as u64;
        let found = self.code(coder, folded)?;
        Some((found >> 1) as i64 ^ -((found & 1) as i64))
    }
}
