//! What requests lead to.

use super::body::Body;
use super::site::{Not, Site, lock};
use super::upload;
use drydock_engine::lan::{self as office, Visitor};
use drydock_page::{Answer, Asked, Head, Kind, Refusal, Route, Wish, page, script, style};
use std::io;

/// Answers a request. Where not all of its body was read the connection is of no use any more.
///
/// # Errors
/// The client has gone, or was too slow.
pub(super) fn answer(site: &Site, who: Visitor, head: &Head, body: &mut Body<'_>) -> io::Result<Answer> {
    match site.guard.check(head).map_err(Not::from).and_then(|()| route(site, who, head, body)) {
        Ok(answer) => Ok(answer),
        Err(Not::Allowed(refusal)) => Ok(Answer::refusal(refusal)),
        Err(Not::Done(error)) => Ok(Answer::declined(&error.to_string())),
        Err(Not::There(error)) => Err(error),
    }
}

fn route(site: &Site, who: Visitor, head: &Head, body: &mut Body<'_>) -> Result<Answer, Not> {
    let bearer = head.bearer.as_deref();
    Ok(match head.route {
        Route::Page => page(site.guard.page()),
        Route::Style => style(),
        Route::Script => script(),
        Route::Status => status(site, bearer)?,
        Route::Ask => ask(site, who, &Wish::parse(&text(body)?)?)?,
        Route::Answer => {
            let text = text(body)?;
            let (wish, answer) = text.split_once('\n').ok_or(Refusal::Nonsense)?;
            let wish = Wish::parse(wish)?;
            let key = site.office.answer(who, &wish, answer)?;
            let token = site.admit(wish, key)?;
            Answer::good(Kind::Json, Asked::Token(token).to_json().into_bytes())
        }
        Route::Act => {
            let wish = Wish::parse(&text(body)?)?;
            let key = site.take(bearer, |admitted| *admitted == wish && is_act(admitted))?.key;
            Answer::good(Kind::Text, site.office.act(&wish, &key)?.into_bytes())
        }
        Route::Bundle => upload::take(site, bearer, body)?,
    })
}

fn status(site: &Site, bearer: Option<&str>) -> Result<Answer, Not> {
    if !site.office.view_is_free() {
        lock(&site.admissions).who(bearer, site.now())?;
    }
    let mut view = site.office.view();
    view.upload.clone_from(&lock(&site.upload));
    Ok(Answer::good(Kind::Json, view.to_json().into_bytes()))
}

fn ask(site: &Site, who: Visitor, wish: &Wish) -> Result<Answer, Not> {
    let asked = match site.office.ask(who, wish)? {
        office::Asked::Challenge(line) => Asked::Challenge(line),
        office::Asked::Granted => Asked::Token(site.admit(wish.clone(), String::new())?),
    };
    Ok(Answer::good(Kind::Json, asked.to_json().into_bytes()))
}

/// Whether that is done by saying so, and not by bringing a bundle or by looking.
fn is_act(wish: &Wish) -> bool {
    !matches!(wish, Wish::View | Wish::Install(_))
}

fn text(body: &mut Body<'_>) -> Result<String, Not> {
    let text = String::from_utf8(body.whole()?);
    text.map_err(|_| Refusal::Nonsense.into())
}
