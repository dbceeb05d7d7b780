//! A bundle that a visitor of the page sends.

use super::act::{Done, carry_out, stage_received};
use super::landing::refusal;
use super::scene::Scene;
use super::upload::{Upload, Way};
use crate::error::Error;
use crate::lan::{Letter, Piece, Received};
use crate::machine::Machine;
use crate::state::State;
use drydock_format::Digest;
use drydock_modem::{Answer, Ended, Failed, Offer, Stop, Take};
use drydock_state::Source;
use std::time::Duration;

/// How often it is looked whether somebody at a console wants something.
const LOOK: Duration = Duration::from_millis(500);
/// How long writing what has come may take. The page ends an upload that stands still.
const QUIET: Duration = Duration::from_secs(60);

/// Takes it in, proves all of it, and installs it, as any other one. It goes where it outlives a reset: the power may go while it
/// is installed.
///
/// # Errors
/// The memory itself can't be read or written.
pub(super) fn install<M: Machine>(
    scene: &Scene<'_, M>,
    state: &mut State<'_>,
    received: &Received,
) -> Result<Done, Error> {
    let staged = take(scene, received)
        .and_then(|(source, wanted)| stage_received(scene.machine, state, &source, Some(wanted)));
    match staged {
        Ok(id) => {
            scene.begin(&format!(
                "All of it has come, and it is as it was signed. It is installed now, as intent {id}."
            ));
            carry_out(scene, state, id)
        }
        Err(error) => Ok(Done::Refused(error.to_string())),
    }
}

/// Takes it in, as far as it is the release that was asked for. On return it is on stable storage.
fn take<M: Machine>(scene: &Scene<'_, M>, received: &Received) -> Result<(Source, Digest), Error> {
    let Letter::Bundle(release, length, _) = &received.letter else {
        return Err(refusal("there is no bundle"));
    };
    let wanted = release.manifest.parse().map_err(|_| refusal("the manifest's digest is none"))?;
    let mut upload = Upload::new(scene.machine, scene.machine.lasting_landings(), Way::Page(wanted))?;
    let ended = match bring(scene, received, *length, &mut upload) {
        Ok(Piece::Whole) => Ok(Ended::Done { files: 1 }),
        Ok(_) => Err(Error::Refused("the connection broke".into())),
        // Why it did is known already.
        Err(Stop) => Ok(Ended::Failed(Failed::Stopped)),
    };
    Ok((upload.finish(ended)?.source, wanted))
}

fn bring<M: Machine>(
    scene: &Scene<'_, M>,
    received: &Received,
    length: u64,
    upload: &mut Upload<'_>,
) -> Result<Piece, Stop> {
    let offer = Offer { name: String::new(), size: Some(length) };
    match upload.offered(&offer) {
        Answer::Take => {}
        // A browser sends all of it.
        Answer::Resume { .. } => upload.resumed(0)?,
        Answer::Skip | Answer::Stop => return Err(Stop),
    }
    loop {
        scene.machine.events().allow(QUIET);
        match received.piece(LOOK) {
            Piece::Bytes(bytes) => upload.data(&bytes)?,
            Piece::Nothing => {}
            Piece::Whole => return upload.whole().map(|()| Piece::Whole),
            Piece::Broken => return Ok(Piece::Broken),
        }
        // Whoever types meanwhile is told that somebody else is at it.
        scene.is_stopped();
    }
}
