//! What comes to the page on the LAN: heads of requests, and the short bodies behind them.

use drydock_page::{Guard, Head, MAX_BODY, MAX_HEAD, Token, Wish};

/// A head, and what follows it as a body. It is read in pieces, too.
pub(crate) fn request(data: &[u8]) -> bool {
    let whole = Head::read(data);
    if let Some(half) = data.get(..data.len() / 2) {
        // What is read of a part is what is read of the whole.
        if let Ok(Some(read)) = Head::read(half) {
            assert_eq!(whole.as_ref().ok(), Some(&Some(read)));
        }
    }
    let Ok(Some((head, length))) = whole else { return false };
    assert!(length <= data.len() && length <= MAX_HEAD);
    let guard = Guard::new(vec!["pump-7.example".into()], Token::new([1; 24]));
    let is_ours = guard.check(&head).is_ok();
    if is_ours && head.route.changes() {
        assert!(head.page.is_some_and(|page| guard.page().is(&page)), "whose is it?");
    }
    let body = data.get(length..).unwrap_or_default();
    if head.length <= MAX_BODY
        && let Ok(text) = std::str::from_utf8(body)
        && let Ok(wish) = Wish::parse(text.split('\n').next().unwrap_or_default())
    {
        assert!(wish.what().len() <= 96 && wish.what().is_ascii());
        assert!(!wish.to_string().contains(char::is_control));
    }
    is_ours
}
