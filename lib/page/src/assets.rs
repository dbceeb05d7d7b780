//! The page: one HTML file, one style sheet, one script, from `assets/`. The latter two are packed.

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
    Answer::good(Kind::Css, include_bytes!(concat!(env!("OUT_DIR"), "/page.css.gz")).as_slice())
}

/// Returns its script.
pub fn script() -> Answer {
    Answer::good(Kind::Script, include_bytes!(concat!(env!("OUT_DIR"), "/page.js.gz")).as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Ending;
    use std::io::Read;

    #[test]
    fn what_is_packed_is_what_there_is() {
        for (answer, original) in
            [(script(), include_str!("../assets/page.js")), (style(), include_str!("../assets/page.css"))]
        {
            let bytes = answer.to_bytes(Ending::Close);
            let body = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
            assert!(String::from_utf8_lossy(&bytes[..body]).contains("Content-Encoding: gzip\r\n"));
            let mut text = String::new();
            flate2::read::GzDecoder::new(&bytes[body..]).read_to_string(&mut text).unwrap();
            assert_eq!(text, original);
        }
    }

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
