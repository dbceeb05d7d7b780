//! A key file on a removable medium that somebody plugs in.

use super::{ONE_KEY, enrol_one, file, offer_one};
use crate::answer::Answer;
use crate::disk::discover::{Hotplug, Media, OurDisk};
use drydock_config::Seconds;
use drydock_engine::Error;
use drydock_engine::event::Events;
use drydock_engine::machine::{Accept, Key, KeyProvider, Offered, Secret};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The key file on any medium that has one of this name.
pub struct Medium<'a> {
    file: String,
    wait: Duration,
    events: &'a dyn Events,
    disk: &'a OurDisk,
    hotplug: &'a Mutex<Hotplug>,
}

impl<'a> Medium<'a> {
    /// The file is waited for so long.
    pub fn new(
        file: String,
        wait: Seconds,
        events: &'a dyn Events,
        disk: &'a OurDisk,
        hotplug: &'a Mutex<Hotplug>,
    ) -> Self {
        Self { file, wait: wait.as_duration(), events, disk, hotplug }
    }

    /// Hands one key after the other to `take`, with the name of where it is from, until that returns something. Else
    /// returns why nothing came of any.
    fn each<T>(
        &self,
        mut take: impl FnMut(&str, Result<Secret, Error>) -> Result<Result<T, String>, Error>,
    ) -> Result<Result<T, String>, Error> {
        let mut media = Media::new(self.disk, self.wait);
        let mut reasons = vec![];
        let mut warn = |text: String| self.events.warning(text);
        loop {
            let mut hotplug = self.hotplug.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(node) = media.next(&mut hotplug, &mut warn)? else { break };
            drop(hotplug);
            let key = file::in_filesystem(&node, &self.file);
            if key.as_ref().is_err_and(Error::is_absence) {
                continue;
            }
            match take(&format!("{} on {}", self.file, node.display()), key)? {
                Ok(taken) => return Ok(Ok(taken)),
                // It keeps no other medium from being used.
                Err(why) => {
                    warn(why.clone());
                    reasons.push(why);
                }
            }
        }
        Ok(Err(match reasons.is_empty() {
            true => format!("no medium with {} was found", self.file),
            false => reasons.join("; "),
        }))
    }
}

impl KeyProvider for Medium<'_> {
    fn limit(&self) -> Duration {
        self.wait + ONE_KEY
    }

    fn offer(&mut self, _volume: &str, accept: Accept<'_>) -> Result<Offered, Error> {
        let offered = self.each(|from, key| {
            Ok(match offer_one(from, key, &mut *accept)? {
                Offered::Accepted => Ok(()),
                Offered::NoneFits(why) => Err(why),
            })
        })?;
        Ok(offered.map_or_else(Offered::NoneFits, |()| Offered::Accepted))
    }

    fn enrol(&mut self, _volume: &str) -> Result<Result<Key, String>, Error> {
        self.each(|from, key| Ok(enrol_one(from, key)))
    }
}
