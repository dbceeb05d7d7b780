//! Letters from the page to the menu of a recovery.
//!
//! A page has many threads, and the machine and its state belong to one. So what a visitor of the page wants is a letter: it is
//! posted from one of those threads and read by that one, and whoever has posted it waits for the reply. A letter that is not
//! read is replied to all the same, with the reason.

use super::office::{Incoming, Visitor};
use crate::error::Error;
use drydock_page::{Release, Wish};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many letters wait at most: the page has no more visitors.
const MOST: usize = 12;
/// How long a reply may take: a large bundle is proven before there is one, on a slow disk.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Why letters are refused before there is a menu.
const AT_ITS_JOB: &str = "recovery is at its job; what else is to be done can wait until that is over";

/// What a visitor wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// To be asked for something.
    Ask(Visitor, Wish),
    /// To be let in for it, by this answer.
    Answer(Visitor, Wish, String),
    /// That it is done, by the key of this name.
    Act(Wish, String),
    /// To bring a bundle of so many bytes, which is this release, by the key of this name. Its bytes follow.
    Bundle(Release, u64, String),
}

/// What a visitor hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It may be done.
    Granted,
    /// A challenge, the name of a key, or what was done.
    Text(String),
}

/// What of a bundle has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Its next bytes.
    Bytes(Vec<u8>),
    /// Nothing, for as long as was waited.
    Nothing,
    /// All of it has.
    Whole,
    /// No more will: the connection broke.
    Broken,
}

/// Where letters are posted and read. While it is closed it takes none.
#[derive(Debug)]
pub struct Mailbox(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// Why it is closed, if it is.
    closed: Option<&'static str>,
    status: String,
    letters: VecDeque<Received>,
}

/// A letter that was posted. Dropped before its end a bundle is broken off.
#[derive(Debug)]
pub struct Posted(Arc<Wire>);

/// A letter that is read. Dropped without a reply it is refused.
#[derive(Debug)]
pub struct Received {
    /// What it says.
    pub letter: Letter,
    wire: Arc<Wire>,
}

/// What is between the two.
#[derive(Debug, Default)]
struct Wire {
    ends: Mutex<Ends>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Ends {
    piece: Option<Vec<u8>>,
    is_whole: bool,
    has_left: bool,
    reply: Option<Result<Reply, Error>>,
    has_replied: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    /// A closed one, of a device of which this is the status for a person.
    pub fn new(status: String) -> Self {
        Self(Mutex::new(Inner { closed: Some(AT_ITS_JOB), status, letters: VecDeque::new() }))
    }

    /// Takes letters from now on. This is the device's status now.
    pub fn open(&self, status: String) {
        let inner = &mut *lock(&self.0);
        (inner.closed, inner.status) = (None, status);
    }

    /// Takes none from now on, for this reason, and gives back those that nobody has read.
    pub fn close(&self, why: &'static str) {
        let unread = {
            let inner = &mut *lock(&self.0);
            inner.closed = Some(why);
            std::mem::take(&mut inner.letters)
        };
        for letter in unread {
            letter.reply(Err(Error::Refused(why.into())));
        }
    }

    /// Returns the status of the device, and why the mailbox is closed, if it is.
    pub fn shown(&self) -> (String, Option<&'static str>) {
        let inner = lock(&self.0);
        (inner.status.clone(), inner.closed)
    }

    /// Posts a letter.
    ///
    /// # Errors
    /// It is closed, or full.
    pub fn post(&self, letter: Letter) -> Result<Posted, Error> {
        let inner = &mut *lock(&self.0);
        if let Some(why) = inner.closed {
            return Err(Error::Refused(why.into()));
        }
        if inner.letters.len() >= MOST {
            return Err(Error::Refused("too many want something at once; try again".into()));
        }
        let wire = Arc::<Wire>::default();
        inner.letters.push_back(Received { letter, wire: Arc::clone(&wire) });
        Ok(Posted(wire))
    }

    /// Returns the oldest letter that was not read.
    pub fn next(&self) -> Option<Received> {
        lock(&self.0).letters.pop_front()
    }
}

impl Wire {
    /// Waits until something is so at the ends, for a bounded time.
    fn wait(&self, limit: Duration, is_so: impl Fn(&Ends) -> bool) -> MutexGuard<'_, Ends> {
        let waited = self.changed.wait_timeout_while(lock(&self.ends), limit, |ends| !is_so(ends));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Posted {
    /// Waits for the reply.
    ///
    /// # Errors
    /// What was wanted is not done.
    pub fn reply(&self) -> Result<Reply, Error> {
        let reply = self.0.wait(LONGEST, |ends| ends.reply.is_some()).reply.take();
        reply
            .unwrap_or_else(|| Err(Error::Refused("the device is busy for too long; see its console".into())))
    }
}

impl Incoming for Posted {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        {
            let mut ends = self.0.wait(LONGEST, |ends| ends.piece.is_none() || ends.has_replied);
            if ends.piece.is_none() && !ends.has_replied {
                ends.piece = Some(bytes.to_vec());
                self.0.changed.notify_all();
                return Ok(());
            }
        }
        // Nothing more of it is wanted.
        self.reply().map(drop)
    }

    fn finish(self: Box<Self>) -> Result<String, Error> {
        lock(&self.0.ends).is_whole = true;
        self.0.changed.notify_all();
        Ok(match self.reply()? {
            Reply::Text(text) => text,
            Reply::Granted => String::new(),
        })
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        lock(&self.0.ends).has_left = true;
        self.0.changed.notify_all();
    }
}

impl Received {
    /// Replies, if that was not done before.
    pub fn reply(&self, reply: Result<Reply, Error>) {
        let ends = &mut *lock(&self.wire.ends);
        if !std::mem::replace(&mut ends.has_replied, true) {
            ends.reply = Some(reply);
            self.wire.changed.notify_all();
        }
    }

    /// Waits for the next bytes of the bundle that was announced, for as long as `limit`.
    pub fn piece(&self, limit: Duration) -> Piece {
        let mut ends = self.wire.wait(limit, |ends| ends.piece.is_some() || ends.is_whole || ends.has_left);
        match ends.piece.take() {
            Some(bytes) => {
                self.wire.changed.notify_all();
                Piece::Bytes(bytes)
            }
            None if ends.is_whole => Piece::Whole,
            None if ends.has_left => Piece::Broken,
            None => Piece::Nothing,
        }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.reply(Err(Error::Refused(
            "the device does something else now; look again, and ask again".into(),
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn open() -> Mailbox {
        let mailbox = Mailbox::new("first".into());
        mailbox.open("second".into());
        mailbox
    }

    fn bundle() -> Letter {
        Letter::Bundle(Release { version: "1".into(), manifest: String::new() }, 6, "kim".into())
    }

    #[test]
    fn a_closed_mailbox_says_why() {
        let mailbox = Mailbox::new("first".into());
        let act = || Letter::Act(Wish::RollBack, "kim".into());
        let why = mailbox.post(act()).err().unwrap().to_string();
        assert!(why.contains("at its job") && mailbox.shown() == ("first".into(), Some(AT_ITS_JOB)), "{why}");
        mailbox.open("second".into());
        let unread = mailbox.post(act()).unwrap();
        let read = mailbox.post(act()).unwrap();
        drop(mailbox.next());
        mailbox.close("it goes on");
        assert!(unread.reply().unwrap_err().to_string().contains("something else"));
        assert!(read.reply().unwrap_err().to_string().contains("it goes on"));
        assert!(mailbox.next().is_none() && mailbox.shown().1 == Some("it goes on"));
    }

    #[test]
    fn no_more_letters_wait_than_there_is_room_for() {
        let mailbox = open();
        let posted: Vec<_> = (0..100).map(|n| mailbox.post(Letter::Ask(Visitor(n), Wish::Restart))).collect();
        assert_eq!(posted.iter().filter(|posted| posted.is_ok()).count(), MOST);
    }

    #[test]
    fn the_bytes_of_a_bundle_come_in_order_and_are_replied_to_once() {
        let mailbox = open();
        thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let mut posted = mailbox.post(bundle()).unwrap();
                posted.take(b"abc").unwrap();
                posted.take(b"def").unwrap();
                Box::new(posted).finish()
            });
            let received = std::iter::repeat_with(|| mailbox.next()).find_map(|received| received).unwrap();
            assert_eq!(received.letter, bundle());
            let mut all = Vec::new();
            loop {
                match received.piece(Duration::from_secs(1)) {
                    Piece::Bytes(bytes) => all.extend(bytes),
                    Piece::Nothing => {}
                    Piece::Whole => break,
                    Piece::Broken => panic!("it is not"),
                }
            }
            assert_eq!(all, b"abcdef");
            received.reply(Ok(Reply::Text("good".into())));
            received.reply(Ok(Reply::Granted));
            assert_eq!(sender.join().unwrap().unwrap(), "good");
        });
    }

    #[test]
    fn whoever_goes_or_refuses_is_missed_at_the_other_end() {
        let mailbox = open();
        drop(mailbox.post(bundle()).unwrap());
        assert_eq!(mailbox.next().unwrap().piece(LONGEST), Piece::Broken);
        let mut posted = mailbox.post(bundle()).unwrap();
        let received = mailbox.next().unwrap();
        assert_eq!(received.piece(Duration::ZERO), Piece::Nothing);
        posted.take(b"abc").unwrap();
        received.reply(Err(Error::Refused("it is not signed".into())));
        assert!(posted.take(b"def").unwrap_err().to_string().contains("not signed"));
    }
}
