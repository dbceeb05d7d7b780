//! Who this device is for its fleet: its name, and its token, which are files on the data volume.

use crate::answer::Answer;
use crate::machine::Hardware;
use crate::mount::open_inside;
use crate::net::Token;
use drydock_config::Fleet;
use drydock_engine::machine::Setting;
use drydock_engine::volume::data;
use drydock_engine::{Error, machine_id};
use drydock_transfer::Address;
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// The longest name, in bytes.
const LONGEST: usize = 128;
/// What may surround what is in a file, in bytes: line ends.
const AROUND: usize = 8;

/// Returns the device's name: what the configured file has, or the machine id that is kept on `data`.
pub(super) fn of_device(machine: &Hardware<'_>, fleet: &Fleet) -> Result<String, Error> {
    let path = fleet.id_file.as_deref().unwrap_or(machine_id::PATH);
    let advice = "put the device's name into it, or see that the data volume is there";
    let file = open(machine, path)?.ok_or_else(|| Error::Missing {
        what: format!("{path} on the data volume, the device's name in its fleet,"),
        advice: advice.into(),
    })?;
    let text = read(&file, path, LONGEST)?;
    let name = std::str::from_utf8(&text).unwrap_or_default().trim();
    let good = (1..=LONGEST).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !good {
        return Err(Error::Unusable(format!(
            "{path} on the data volume holds no name of a device: 1 to {LONGEST} characters of A-Z a-z 0-9 . _ -, the first one no dot; correct it"
        )));
    }
    Ok(name.into())
}

/// Returns the token that the server is shown, if the configuration names one: the device's own, or the gateway's as long as
/// there is no other.
pub(super) fn token(machine: &Hardware<'_>, fleet: &Fleet) -> Result<Option<Token>, Error> {
    let Some(server) = &fleet.server else { return Ok(None) };
    let server = Address::parse(server)
        .map_err(|why| Error::Usage(format!("fleet.server: `{server}` is no address: {why}; correct it")))?;
    let files = [(&fleet.token_file, "TargetToken"), (&fleet.gateway_token_file, "GatewayToken")];
    let mut missing = None;
    for (path, scheme) in files.into_iter().filter_map(|(path, scheme)| Some((path.as_deref()?, scheme))) {
        let Some(file) = open(machine, path)? else {
            missing.get_or_insert(path);
            continue;
        };
        check_rights(&file, path)?;
        let text = read(&file, path, Token::LONGEST)?;
        let token = std::str::from_utf8(&text).ok().map(str::trim);
        let token = token.and_then(|token| Token::new(scheme, token, server.place()));
        return token.map(Some).ok_or_else(|| {
            Error::Unusable(format!(
                "{path} on the data volume holds no token: one word, as the server shows it; correct it"
            ))
        });
    }
    match missing {
        None => Ok(None),
        Some(path) => Err(Error::Missing {
            what: format!("{path} on the data volume, the token for the fleet's server,"),
            advice: "put it there, with mode 0600".into(),
        }),
    }
}

/// A secret that others can read is none. This is asked of the file that is open, not of its name.
fn check_rights(file: &File, path: &str) -> Result<(), Error> {
    let found = file.metadata().map_err(Error::system("looking at", path, "check the data volume"))?;
    let mode = found.permissions().mode() & 0o7777;
    let own = found.uid() == 0 || found.uid() == nix::unistd::geteuid().as_raw();
    if !found.is_file() || mode & 0o077 != 0 || !own {
        return Err(Error::Refused(format!(
            "{path} on the data volume must be a file that nobody but root has any right to, and it has mode {mode:04o} and the owner {}: it is not used; `chown 0` and `chmod 0600` it, and have another token made if somebody may have read it",
            found.uid()
        )));
    }
    Ok(())
}

/// Opens a file of the data volume, if it is there.
fn open(machine: &Hardware<'_>, path: &str) -> Result<Option<File>, Error> {
    data::for_reading(machine)?;
    let root = machine.config().data.as_ref().map_or("", |data| data.mount.as_str());
    let inside = Path::new(path.trim_start_matches('/'));
    // Whatever it is, opening it does not wait.
    match open_inside(Path::new(root), inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY) {
        Err(error) if error.is_absence() => Ok(None),
        opened => opened.map(Some),
    }
}

/// What is in a file, cleared from memory when it is no longer needed: never more than `longest` and a little.
fn read(file: &File, path: &str, longest: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    // Room for all of it at once: what grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(longest + AROUND + 1));
    let read = file.take((longest + AROUND + 1) as u64).read_to_end(&mut text);
    read.map_err(Error::system("reading", path, "check the data volume"))?;
    Ok(text)
}
