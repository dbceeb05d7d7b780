//! The page: one HTML file, one style sheet, one script, as they are in `assets/`.

use crate::answer::{Answer, Kind};
use crate::token::Token;

/// Stands in the page's text where its token belongs.
const MARK: &str = "TOKEN-OF-THE-PAGE";

/// Returns the page, with its token.
pub fn page(token: &Token) -> Answer {
    let text = include_str!("../assets/page.html");
    Answer::good(Kind::Html, text.replacen(MARK, token.as_str(), 1).into_bytes())
}

/// Returns its style sheet.
pub fn style() -> Answer {
    Answer::good(Kind::Css, include_bytes!("../assets/page.css").as_slice())
}

/// Returns its script.
pub fn script() -> Answer {
    Answer::good(Kind::Script, include_bytes!("../assets/page.js").as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Ending;

    #[test]
    fn the_page_has_its_token_once_and_nothing_that_its_own_policy_forbids() {
        let token = Token::new([7; 24]);
        let text = String::from_utf8(page(&token).to_bytes(Ending::KeepOpen)).unwrap();
        assert_eq!(text.matches(token.as_str()).count(), 1);
        assert!(!text.contains(MARK));
        let html = include_str!("../assets/page.html");
        assert_eq!(html.matches("<script").count(), html.matches("<script src=").count());
        for inline in [" style=", "<style", " onclick=", "javascript:", "http://", "https://"] {
            assert!(!html.contains(inline), "{inline}");
        }
        // What comes from elsewhere is only ever shown as text.
        let script = include_str!("../assets/page.js");
        for risky in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
        {
            assert!(!script.contains(risky), "{risky}");
        }
    }
}
