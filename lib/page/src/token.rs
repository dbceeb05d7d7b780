//! Tokens that nobody can guess.

use core::fmt;

/// Random bytes that whoever shows them was given. As text it is 48 hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Makes one of 24 random bytes.
    pub fn new(random: [u8; 24]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns its text, for whoever it is given to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is this token. It takes as long for any text of the same length, so that nobody learns from the time
    /// how far a guess was right.
    pub fn is(&self, text: &str) -> bool {
        let differ = self.0.bytes().zip(text.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
        self.0.len() == text.len() && core::hint::black_box(differ) == 0
    }
}

impl fmt::Debug for Token {
    /// Does not show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = Token::new([0xa5; 24]);
        let text = token.as_str().to_owned();
        assert!(text.len() == 48 && token.is(&text));
        for wrong in ["", "a5", &text[1..], &format!("{text}a"), &text.to_uppercase()] {
            assert!(!token.is(wrong), "{wrong}");
        }
        for at in 0..48 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(!token.is(&String::from_utf8(bytes).unwrap()));
        }
        assert_eq!(format!("{token:?}"), "Token");
    }
}
