//! Tokens.

use crate::answer::Result;
use crate::keys::random;
use drydock_engine::Error;
use drydock_page::Token;

/// Returns a token that nobody can guess.
///
/// # Errors
/// The kernel has gathered no entropy in a minute.
pub(super) fn token() -> Result<Token> {
    let mut bytes = [0; 24];
    random::for_keys(&mut bytes).map_err(Error::doing("make a token for the page"))?;
    Ok(Token::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_made_twice() {
        let tokens: Vec<_> = (0..100).map(|_| token().unwrap()).collect();
        for (index, token) in tokens.iter().enumerate() {
            assert!(token.as_str().len() == 48 && !tokens[..index].contains(token));
        }
    }
}
