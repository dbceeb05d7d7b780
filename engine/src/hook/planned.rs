//! Which hooks are to be called, by the configuration and by a release.

use crate::error::Error;
use drydock_config::{Config, HookPlace};
use drydock_format::hook::{Hook, MAX_PROGRAM, Place};
use drydock_format::{Bundle, Digest, MemberBytes, ReadAt, sha256};

/// A hook that is to be called.
#[derive(Clone)]
pub struct Planned {
    /// What it is called in events.
    pub name: String,
    /// When.
    pub at: Place,
    /// What.
    pub program: Which,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take, in seconds.
    pub seconds: u64,
    /// How much memory it may have, in MiB.
    pub memory_mib: u64,
    /// Whether it may use the network.
    pub network: bool,
    /// How long it is called again for, in seconds.
    pub wait_seconds: u64,
}

/// Its program.
#[derive(Clone)]
pub enum Which {
    /// A file of a root.
    File(String),
    /// A file of the initramfs.
    Builtin(String),
    /// A member of the bundle, with its signed digest.
    Member(MemberBytes, Digest),
}

impl Which {
    /// Returns a member's bytes, which are those that were signed.
    pub(super) fn bytes(name: &str, member: &MemberBytes, signed: Digest) -> Result<Vec<u8>, Error> {
        let damaged = || Error::Bundle(drydock_format::Error::MemberDamaged { member: name.into() });
        let size = member.len().ok().filter(|size| *size <= MAX_PROGRAM).ok_or_else(damaged)?;
        let mut bytes = vec![0; size as usize];
        member.read_at(0, &mut bytes).map_err(Error::doing(format_args!("read the hook {name}")))?;
        if sha256(&bytes) == signed { Ok(bytes) } else { Err(damaged()) }
    }
}

/// The configuration's hooks at a place.
pub fn of_config(config: &Config, at: Place) -> impl Iterator<Item = Planned> + '_ {
    config.hooks.iter().filter(move |hook| place(hook.at) == at).filter_map(move |hook| {
        let program = match (&hook.file, &hook.builtin) {
            (Some(file), _) => Which::File(file.clone()),
            (None, Some(builtin)) => Which::Builtin(builtin.clone()),
            (None, None) => return None,
        };
        Some(Planned {
            name: hook.name.clone(),
            at,
            program,
            arguments: hook.arguments.clone(),
            seconds: u64::from(hook.time_limit_seconds.0),
            memory_mib: hook.memory_mib.0,
            network: hook.network,
            wait_seconds: u64::from(hook.wait_seconds.0),
        })
    })
}

/// A release's hooks that are files of its root.
pub fn of_release(hooks: &[Hook], at: Place) -> impl Iterator<Item = Planned> + '_ {
    hooks.iter().filter(move |hook| hook.at == at).filter_map(|hook| {
        let file = hook.file.clone()?;
        Some(planned(hook, Which::File(file)))
    })
}

/// A bundle's hooks, in their order. Nothing of them is read.
pub fn of_bundle(bundle: &Bundle) -> Result<Vec<Planned>, Error> {
    let manifest = bundle.manifest();
    let plan = |hook: &Hook| {
        let program = match (&hook.file, &hook.member) {
            (Some(file), _) => Which::File(file.clone()),
            (None, member) => {
                let name = member.as_deref().unwrap_or_default();
                let listed = manifest.further().iter().find(|member| member.name == name);
                let signed = listed.and_then(|member| member.sha256);
                let missing = || drydock_format::Error::MemberMissing { member: name.into() };
                Which::Member(bundle.bytes_of(name)?, signed.ok_or_else(missing)?)
            }
        };
        Ok(planned(hook, program))
    };
    manifest.hooks.iter().map(plan).collect()
}

fn planned(hook: &Hook, program: Which) -> Planned {
    Planned {
        name: hook.name.clone(),
        at: hook.at,
        program,
        arguments: hook.arguments.clone(),
        seconds: u64::from(hook.time_limit_seconds),
        memory_mib: u64::from(hook.memory_mib),
        network: hook.network,
        wait_seconds: u64::from(hook.wait_seconds),
    }
}

fn place(at: HookPlace) -> Place {
    match at {
        HookPlace::BeforeWrite => Place::BeforeWrite,
        HookPlace::AfterWrite => Place::AfterWrite,
        HookPlace::FirstGood => Place::FirstGood,
        HookPlace::BeforeReset => Place::BeforeReset,
        HookPlace::AfterReset => Place::AfterReset,
    }
}
