//! A bundle that somebody sends.

use super::body::Body;
use super::limits::CHUNK;
use super::site::{Not, Site, lock};
use drydock_engine::Error;
use drydock_engine::lan::Incoming;
use drydock_page::{Admission, Answer, Kind, Refusal, Release, Upload, Wish};
use std::io::ErrorKind;
use std::time::Instant;

/// Takes a bundle in from somebody who was let in for it. What goes wrong on the way leaves them admitted, to try again; and it
/// is in the status, for a browser does not always see the answer to what it was still sending.
pub(super) fn take(site: &Site, bearer: Option<&str>, body: &mut Body<'_>) -> Result<Answer, Not> {
    let Ok(_alone) = site.uploading.try_lock() else { return Err(Refusal::Busy.into()) };
    let admission = site.take(bearer, |wish| matches!(wish, Wish::Install(_)))?;
    let Wish::Install(release) = &admission.wish else { return Err(Refusal::NotAdmitted.into()) };
    *lock(&site.upload) =
        Some(Upload { version: release.version.clone(), total: body.left(), ..Upload::default() });
    match receive(site, release, &admission, body) {
        Ok(told) => {
            end(site, told.clone(), true);
            Ok(Answer::good(Kind::Text, told.into_bytes()))
        }
        Err(not) => {
            let why = match &not {
                Not::Allowed(refusal) => refusal.to_string(),
                Not::Done(error) => error.to_string(),
                Not::There(error) if error.kind() == ErrorKind::TimedOut => {
                    "the upload was too slow, or stood still; try again".into()
                }
                Not::There(_) => "the connection broke before all had come; try again".into(),
            };
            end(site, why, false);
            site.give_back(admission);
            Err(not)
        }
    }
}

fn receive(
    site: &Site,
    release: &Release,
    admission: &Admission,
    body: &mut Body<'_>,
) -> Result<String, Not> {
    let limits = site.limits();
    let mut incoming: Box<dyn Incoming> = site.office.incoming(release, body.left(), &admission.key)?;
    let mut chunk = vec![0; CHUNK];
    let mut of_slice = 0;
    body.within(limits.slice_time);
    loop {
        let read = body.read(&mut chunk)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        let begun = Instant::now();
        incoming.take(bytes)?;
        if site.is_over() {
            return Err(Error::Refused("the device ends the page; see its console".into()).into());
        }
        of_slice += read as u64;
        if of_slice >= limits.slice {
            of_slice = 0;
            body.within(limits.slice_time);
        } else {
            // What a slow disk takes is not the client's fault.
            body.extend(begun.elapsed());
        }
        if let Some(upload) = &mut *lock(&site.upload) {
            upload.done += read as u64;
        }
    }
    Ok(incoming.finish()?)
}

fn end(site: &Site, outcome: String, good: bool) {
    if let Some(upload) = &mut *lock(&site.upload) {
        (upload.outcome, upload.good) = (Some(outcome), good);
    }
}
