//! What the agent leaves of itself for `drydock status`.

use drydock_engine::Error;
use drydock_engine::live::fleet::Word;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

/// Where it is, for one boot.
const PATH: &str = "/run/drydock/agent.json";
/// Where it is written.
const BESIDE: &str = "/run/drydock/agent.json.new";

/// Returns what an agent of this boot has left: nothing, if none has.
pub(super) fn left() -> Word {
    let left = fs::read(PATH).ok();
    left.and_then(|left| drydock_json::from_slice(&left).ok()).unwrap_or_default()
}

/// Leaves it, in one piece: whoever reads has the old or the new one.
pub(super) fn leave(word: &Word) -> Result<(), Error> {
    let failed = || Error::system("writing", PATH, "see that /run can be written to");
    let text = serde_json::to_vec(word)
        .map_err(|error| Error::Unusable(format!("{PATH} can't be written as JSON: {error}")))?;
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(BESIDE);
    file.and_then(|mut file| file.write_all(&text)).map_err(failed())?;
    fs::rename(BESIDE, PATH).map_err(failed())
}
