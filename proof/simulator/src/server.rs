//! A server of files, without a network: answers as HTTP has them, and what can go wrong with them.

use drydock_engine::fetch::{Contact, Failed, Pace, Remote, Take};
use drydock_state::UnixTime;
use drydock_transfer::{Asked, Body, Head, Ranges, Trouble};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many bytes come at once.
const STEP: usize = 10_007;
const BOUNDARY: &str = "0123456789";

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// As it should be.
    Right,
    /// As it should be, but the connection breaks after so many bytes of the answer's body.
    Breaks(usize),
    /// With a bit of the byte in its middle flipped.
    Damaged,
    /// With the whole file.
    Whole,
    /// With another head, and this body.
    With(Head, Vec<u8>),
    /// Not at all.
    Not(Trouble),
}

/// What is seen of a server.
#[derive(Debug, Default)]
pub struct Served {
    /// The file.
    pub file: Arc<Vec<u8>>,
    /// Its tag.
    pub etag: String,
    /// What was asked for, one request after the other.
    pub asked: Vec<Ranges>,
    /// Bytes of the file that were sent.
    pub sent: u64,
}

/// Decides how the request of this number, from 0, is answered.
pub type Script = Box<dyn FnMut(usize, &Asked, &mut Served) -> Answer + Send>;

/// A server with one file, for each mirror of which there is one such server.
pub struct SimServer {
    mirrors: Vec<(Arc<Mutex<Served>>, Script)>,
}

impl SimServer {
    /// A server that answers as the script says.
    pub fn new(file: Arc<Vec<u8>>, script: Script) -> (Self, Arc<Mutex<Served>>) {
        let served = Served { file, etag: "\"1\"".into(), ..Served::default() };
        let served = Arc::new(Mutex::new(served));
        (Self { mirrors: vec![(served.clone(), script)] }, served)
    }

    /// The same, and one more mirror.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.mirrors.extend(other.mirrors);
        self
    }
}

/// A server's own, for whoever looks at it.
pub fn look(served: &Mutex<Served>) -> MutexGuard<'_, Served> {
    served.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The answer to a request that is as it should be.
fn right(file: &[u8], etag: &str, ranges: &Ranges) -> (Head, Vec<u8>) {
    let length = file.len() as u64;
    let ranges = ranges.before(length);
    let mut head = Head::new(206);
    head.note("ETag", etag);
    let part = |range: std::ops::Range<u64>| file[range.start as usize..range.end as usize].to_vec();
    let named = |range: &std::ops::Range<u64>| format!("bytes {}-{}/{length}", range.start, range.end - 1);
    let mut all: Vec<_> = ranges.iter().collect();
    if all.len() == 1 {
        let range = all.remove(0);
        head.note("Content-Range", &named(&range));
        return (head, part(range));
    }
    head.note("Content-Type", &format!("multipart/byteranges; boundary={BOUNDARY}"));
    let mut body = Vec::new();
    for range in all {
        body.extend(format!("\r\n--{BOUNDARY}\r\nContent-Range: {}\r\n\r\n", named(&range)).bytes());
        body.extend(part(range));
    }
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    (head, body)
}

impl Remote for SimServer {
    fn mirrors(&self) -> Vec<String> {
        (0..self.mirrors.len()).map(|number| format!("mirror {number}")).collect()
    }

    fn get(&mut self, mirror: usize, asked: &Asked, take: Take<'_>) -> Result<Contact, Failed> {
        let (served, script) = &mut self.mirrors[mirror];
        let mut served = look(served);
        let answer = script(served.asked.len(), asked, &mut served);
        served.asked.push(asked.ranges.clone());
        let (file, etag) = (served.file.clone(), served.etag.clone());
        let stale = asked.etag.as_ref().is_some_and(|before| before.as_str() != etag);
        let whole = || {
            let mut head = Head::new(200);
            head.note("ETag", &etag);
            head.note("Content-Length", &file.len().to_string());
            (head, file.to_vec())
        };
        // If-Range: another file comes as a whole.
        let good = || if stale { whole() } else { right(&file, &etag, &asked.ranges) };
        let damaged = matches!(answer, Answer::Damaged);
        let (head, mut body, breaks) = match answer {
            Answer::Right | Answer::Damaged => (good().0, good().1, false),
            Answer::Breaks(after) => {
                let (head, mut body) = good();
                let breaks = after < body.len();
                body.truncate(after);
                (head, body, breaks)
            }
            Answer::Whole => (whole().0, whole().1, false),
            Answer::With(head, body) => (head, body, false),
            Answer::Not(trouble) => return Err(trouble.into()),
        };
        let middle = body.len() / 2;
        if let Some(byte) = body.get_mut(middle).filter(|_| damaged) {
            *byte ^= 1;
        }
        let judged = head.judge(asked)?;
        let mut reader = Body::new(&judged, asked)?;
        for mut input in body.chunks(STEP) {
            while let Some(piece) = reader.next(&mut input)? {
                served.sent += piece.bytes.len() as u64;
                take(piece.offset, piece.bytes).map_err(Failed::Here)?;
            }
        }
        if breaks {
            return Err(Trouble::Broken("the connection broke".into()).into());
        }
        reader.finish()?;
        let length = reader.length().or(asked.length).expect("somebody has said how long it is");
        Ok(Contact { length, etag: judged.etag })
    }
}

/// Time that passes by being looked at, and by waiting.
#[derive(Debug, Default)]
pub struct SimPace {
    milliseconds: AtomicU64,
}

impl SimPace {
    /// How long was waited, and looked at the clock.
    pub fn passed(&self) -> Duration {
        Duration::from_millis(self.milliseconds.load(Ordering::Relaxed))
    }
}

impl Pace for SimPace {
    fn now(&self) -> UnixTime {
        UnixTime(1_700_000_000 + self.passed().as_secs())
    }

    fn since(&self) -> Duration {
        Duration::from_millis(self.milliseconds.fetch_add(3000, Ordering::Relaxed))
    }

    fn pause(&self, time: Duration) {
        self.milliseconds.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }

    fn chance(&self) -> u32 {
        u32::MAX
    }
}
