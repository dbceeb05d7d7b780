//! A token that a server knows this device by.

use drydock_transfer::Place;
use ureq::http::HeaderValue;
use zeroize::Zeroizing;

/// What is sent to one place, and to no other. It is cleared from memory when it is no longer needed; nothing shows it.
#[derive(Clone)]
pub struct Token {
    /// The value of the header `Authorization`.
    value: Zeroizing<String>,
    place: Place,
}

impl Token {
    /// The longest token, in bytes.
    pub const LONGEST: usize = 1024;

    /// Puts it together, for this place. `scheme` is the word before the token, in the case that the server wants. `None`: what
    /// is no token, with blanks or other characters that a header can't have.
    pub fn new(scheme: &str, token: &str, place: Place) -> Option<Self> {
        let good =
            (1..=Self::LONGEST).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| Self { value: Zeroizing::new(format!("{scheme} {token}")), place })
    }

    /// Returns the value of the header `Authorization` for this place. It is marked as one that is not shown.
    pub(super) fn header_for(&self, place: &Place) -> Option<HeaderValue> {
        if *place != self.place {
            return None;
        }
        let mut value = HeaderValue::from_str(&self.value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_transfer::Address;

    #[test]
    fn a_token_goes_to_its_own_place_only_and_is_not_shown() {
        let place = |address: &str| Address::parse(address).unwrap().place();
        let token = Token::new("TargetToken", "s3cret", place("https://fleet.example")).unwrap();
        let shown = token.header_for(&place("https://fleet.example:443/x")).unwrap();
        assert_eq!(shown, "TargetToken s3cret");
        assert_eq!(format!("{shown:?}"), "Sensitive");
        for other in
            ["http://fleet.example", "https://fleet.example:8443", "https://fleet.example.evil.example"]
        {
            assert!(token.header_for(&place(other)).is_none(), "{other}");
        }
        for wrong in ["", "a b", "a\nb", "\u{e9}", &"x".repeat(1025)] {
            assert!(Token::new("TargetToken", wrong, place("https://fleet.example")).is_none(), "{wrong}");
        }
    }
}
