//! What is behind all connections of a page: who was let in, and what requests lead to.

use super::body::Body;
use super::chance::token;
use super::limits::Limits;
use super::upload;
use drydock_engine::Error;
use drydock_engine::lan::{self as office, Office, Visitor};
use drydock_page::{
    Admission, Admissions, Answer, Asked, Guard, Head, Kind, Refusal, Route, Token, Upload, Wish, page,
    script, style, to_json,
};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A page, for all of its connections.
pub(super) struct Site {
    pub(super) office: Arc<dyn Office>,
    guard: Guard,
    limits: Limits,
    stop: Arc<AtomicBool>,
    start: Instant,
    admissions: Mutex<Admissions>,
    /// Held by an upload: there is one at a time.
    pub(super) uploading: Mutex<()>,
    pub(super) upload: Mutex<Option<Upload>>,
}

/// Why something is not done: it may not be, or the device does not.
pub(super) enum Not {
    /// It may not be.
    Allowed(Refusal),
    /// The device does not, and says why.
    Done(Error),
    /// The client has gone, or was too slow.
    There(io::Error),
}

impl From<Refusal> for Not {
    fn from(refusal: Refusal) -> Self {
        Self::Allowed(refusal)
    }
}

impl From<Error> for Not {
    fn from(error: Error) -> Self {
        Self::Done(error)
    }
}

impl From<io::Error> for Not {
    fn from(error: io::Error) -> Self {
        Self::There(error)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Site {
    pub(super) fn new(office: Arc<dyn Office>, guard: Guard, limits: Limits, stop: Arc<AtomicBool>) -> Self {
        Self {
            office,
            guard,
            limits,
            stop,
            start: Instant::now(),
            admissions: Mutex::default(),
            uploading: Mutex::default(),
            upload: Mutex::default(),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the page is to end.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Answers a request. Where not all of its body was read the connection is of no use any more.
    ///
    /// # Errors
    /// The client has gone, or was too slow.
    pub(super) fn answer(&self, who: Visitor, head: &Head, body: &mut Body<'_>) -> io::Result<Answer> {
        match self.guard.check(head).map_err(Not::from).and_then(|()| self.route(who, head, body)) {
            Ok(answer) => Ok(answer),
            Err(Not::Allowed(refusal)) => Ok(Answer::refusal(refusal)),
            Err(Not::Done(error)) => Ok(Answer::declined(&error.to_string())),
            Err(Not::There(error)) => Err(error),
        }
    }

    fn route(&self, who: Visitor, head: &Head, body: &mut Body<'_>) -> Result<Answer, Not> {
        let bearer = head.bearer.as_deref();
        Ok(match head.route {
            Route::Page => page(self.guard.page()),
            Route::Style => style(),
            Route::Script => script(),
            Route::Status => self.status(bearer)?,
            Route::Ask => self.ask(who, &Wish::parse(&text(body)?)?)?,
            Route::Answer => {
                let text = text(body)?;
                let (wish, answer) = text.split_once('\n').ok_or(Refusal::Nonsense)?;
                let wish = Wish::parse(wish)?;
                let key = self.office.answer(who, &wish, answer)?;
                let token = self.admit(wish, key)?;
                Answer::good(Kind::Json, to_json(&Asked::Token(token)))
            }
            Route::Act => {
                let wish = Wish::parse(&text(body)?)?;
                let key = self.take(bearer, |admitted| *admitted == wish && is_act(admitted))?.key;
                Answer::good(Kind::Text, self.office.act(&wish, &key)?.into_bytes())
            }
            Route::Bundle => upload::take(self, bearer, body)?,
        })
    }

    fn status(&self, bearer: Option<&str>) -> Result<Answer, Not> {
        if !self.office.view_is_free() {
            lock(&self.admissions).who(bearer, self.now())?;
        }
        let mut view = self.office.view();
        view.upload.clone_from(&lock(&self.upload));
        Ok(Answer::good(Kind::Json, to_json(&view)))
    }

    fn ask(&self, who: Visitor, wish: &Wish) -> Result<Answer, Not> {
        let asked = match self.office.ask(who, wish)? {
            office::Asked::Challenge(line) => Asked::Challenge(line),
            office::Asked::Granted => Asked::Token(self.admit(wish.clone(), String::new())?),
        };
        Ok(Answer::good(Kind::Json, to_json(&asked)))
    }

    fn admit(&self, wish: Wish, key: String) -> Result<Token, Not> {
        let token = token()?;
        lock(&self.admissions).admit(wish, key, token.clone(), self.now());
        Ok(token)
    }

    /// Returns who shows a token for what is wanted, for the last time.
    pub(super) fn take(
        &self,
        bearer: Option<&str>,
        wanted: impl Fn(&Wish) -> bool,
    ) -> Result<Admission, Refusal> {
        let mut admissions = lock(&self.admissions);
        if !wanted(&admissions.who(bearer, self.now())?.wish) {
            return Err(Refusal::NotAdmitted);
        }
        admissions.take(bearer, self.now())
    }

    /// What was taken has come to nothing.
    pub(super) fn give_back(&self, admission: Admission) {
        lock(&self.admissions).give_back(admission);
    }
}

/// Whether that is done by saying so, and not by bringing a bundle or by looking.
fn is_act(wish: &Wish) -> bool {
    !matches!(wish, Wish::View | Wish::Install(_))
}

fn text(body: &mut Body<'_>) -> Result<String, Not> {
    let text = String::from_utf8(body.whole()?);
    text.map_err(|_| Refusal::Nonsense.into())
}
