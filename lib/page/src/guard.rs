//! Whether a request is one of our own page's.
//!
//! A browser on the same network shows other pages as well, and these can make it send us requests. Four things keep them
//! out, each of which would do: the `Host` must be an address, or the name that is configured, so that no other name leads
//! here (DNS rebinding); what the browser says of where the request comes from (`Origin`, `Sec-Fetch-Site`) must be this very
//! page; whatever changes anything must have a token that is only in our page's text, in a field of its own, which another
//! site's page may not send; and who was let in shows a token that is no cookie, so that no browser adds it by itself.

use crate::head::Head;
use crate::refusal::Refusal;
use crate::route::Route;
use crate::token::Token;
use core::net::{Ipv4Addr, Ipv6Addr};

/// Who tells our own page's requests from others.
#[derive(Clone, Debug)]
pub struct Guard {
    names: Vec<String>,
    page: Token,
}

impl Guard {
    /// One that takes these names for ours, besides every address, and that token for our page's.
    pub fn new(names: Vec<String>, page: Token) -> Self {
        Self { names, page }
    }

    /// The token that our page has.
    pub fn page(&self) -> &Token {
        &self.page
    }

    /// Returns nothing if a request may be one of our page's, or of a person's at a command line.
    ///
    /// # Errors
    /// Why it is none.
    pub fn check(&self, head: &Head) -> Result<(), Refusal> {
        if !self.is_ours(&head.host) {
            return Err(Refusal::Misdirected);
        }
        if head.origin.as_deref().is_some_and(|origin| origin.strip_prefix("https://") != Some(&head.host)) {
            return Err(Refusal::CrossSite);
        }
        let same = matches!(head.site.as_deref(), None | Some("same-origin" | "none"));
        // A link to the page may be anywhere; that it is shown in no frame is for the page's own policy.
        let link = head.route == Route::Page && head.destination.as_deref() == Some("document");
        if !same && !link {
            return Err(Refusal::CrossSite);
        }
        let token = head.page.as_deref().is_some_and(|page| self.page.is(page));
        if head.route.changes() && !token {
            return Err(Refusal::NotOurPage);
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, port)) => return address.parse::<Ipv6Addr>().is_ok() && is_port(port),
            None => host.find(':').map_or(host, |colon| {
                let (name, port) = host.split_at(colon);
                if is_port(port) { name } else { "" }
            }),
        };
        name.parse::<Ipv4Addr>().is_ok() || self.names.iter().any(|ours| ours.eq_ignore_ascii_case(name))
    }
}

/// Whether this is what may follow a host: nothing, or a colon and a port.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}
