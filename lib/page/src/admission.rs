//! Who was let in, and for what.
//!
//! One answer lets somebody do the one thing that it was asked for, once, and for ten minutes: who has signed has seen what it
//! is for in the challenge, and nothing else was meant. So a browser that is left behind can do nothing with it, and neither
//! can who sees the token later. An upload that breaks has not been done, and may be begun anew within the time.

use crate::limits::{ADMITTED_FOR, MAX_ADMITTED};
use crate::refusal::Refusal;
use crate::token::Token;
use crate::wish::Wish;
use core::time::Duration;

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// For what.
    pub wish: Wish,
    /// By which key; the name of nobody where everybody may do everything.
    pub key: String,
    token: Token,
    until: Duration,
}

/// All who are let in at the moment. Times are since whenever the clock was started, which never goes back.
#[derive(Debug, Default)]
pub struct Admissions(Vec<Admission>);

impl Admissions {
    /// Lets somebody in. Where there are too many, the oldest has to leave.
    pub fn admit(&mut self, wish: Wish, key: String, token: Token, now: Duration) {
        self.0.retain(|admitted| now < admitted.until);
        if self.0.len() >= MAX_ADMITTED {
            self.0.remove(0);
        }
        self.0.push(Admission { wish, key, token, until: now.saturating_add(ADMITTED_FOR) });
    }

    /// Returns whoever shows this token.
    ///
    /// # Errors
    /// Nobody was given it, or time is over.
    pub fn who(&self, token: Option<&str>, now: Duration) -> Result<&Admission, Refusal> {
        let token = token.ok_or(Refusal::NotAdmitted)?;
        let found = self.0.iter().find(|admitted| admitted.token.is(token) && now < admitted.until);
        found.ok_or(Refusal::NotAdmitted)
    }

    /// As [`who`](Self::who), and it was for the last time.
    ///
    /// # Errors
    /// As there.
    pub fn take(&mut self, token: Option<&str>, now: Duration) -> Result<Admission, Refusal> {
        let found = self.who(token, now)?.clone();
        self.0.retain(|admitted| admitted.token != found.token);
        Ok(found)
    }

    /// Gives somebody back what was taken and has come to nothing, with the time that was left.
    pub fn give_back(&mut self, admission: Admission) {
        if self.0.len() < MAX_ADMITTED {
            self.0.push(admission);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: u8) -> Token {
        Token::new([n; 24])
    }

    #[test]
    fn an_answer_is_good_for_one_act_within_its_time() {
        let mut admissions = Admissions::default();
        let start = Duration::from_secs(5);
        admissions.admit(Wish::RollBack, "kim".into(), token(1), start);
        let shown = token(1);
        let shown = Some(shown.as_str());
        assert_eq!(admissions.who(shown, start).unwrap().wish, Wish::RollBack);
        assert_eq!(admissions.who(None, start), Err(Refusal::NotAdmitted));
        assert_eq!(admissions.who(Some(token(2).as_str()), start), Err(Refusal::NotAdmitted));
        assert_eq!(admissions.take(shown, start + ADMITTED_FOR), Err(Refusal::NotAdmitted));
        let taken = admissions.take(shown, start).unwrap();
        assert_eq!(admissions.take(shown, start), Err(Refusal::NotAdmitted));
        admissions.give_back(taken);
        assert!(admissions.take(shown, start).is_ok());
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let mut admissions = Admissions::default();
        for n in 0..100 {
            admissions.admit(Wish::Restart, String::new(), token(n), Duration::ZERO);
        }
        assert_eq!(admissions.0.len(), MAX_ADMITTED);
        assert!(admissions.who(Some(token(99).as_str()), Duration::ZERO).is_ok());
        admissions.admit(Wish::Restart, String::new(), token(0), ADMITTED_FOR);
        assert_eq!(admissions.0.len(), 1);
    }
}
