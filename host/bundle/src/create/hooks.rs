//! The hooks of a release, from a TOML file and the programs that it names.

use crate::Error;
use drydock_format::hook::{Hook, Place};
use drydock_format::{Manifest, Member, sha256};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What a release's hooks are made from.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    hooks: Vec<Input>,
    may_be_passed_over: bool,
    /// The folder that paths start from.
    folder: PathBuf,
}

/// The file that names them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Whether a device that knows no hooks installs the release without them. Default: it refuses the release.
    #[serde(default)]
    may_be_passed_over: bool,
    #[serde(rename = "hook")]
    hooks: Vec<Input>,
}

/// One hook in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    at: Place,
    /// A static program on the build host, which becomes a member of the bundle.
    program: Option<PathBuf>,
    /// A program in the root image.
    file: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default = "sixty")]
    time_limit_seconds: u32,
    #[serde(default = "sixty_four")]
    memory_mib: u32,
    #[serde(default)]
    network: bool,
    #[serde(default)]
    wait_seconds: u32,
}

/// A program on its way into a bundle.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Program {
    /// The member that it will be.
    pub(super) fn member(&self) -> Member {
        let Self { name, bytes } = self;
        Member { name: name.clone(), size: bytes.len() as u64, sha256: Some(sha256(bytes)) }
    }
}

impl Hooks {
    /// Reads a TOML file. Programs are relative to its folder, and read when the bundle is made.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| Error::File { doing: "reading", path: path.into(), source })?;
        let document: Document = toml::from_str(&text).map_err(|error| Error::Input {
            what: path.display().to_string(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).into();
        Ok(Self { hooks: document.hooks, may_be_passed_over: document.may_be_passed_over, folder })
    }

    /// Reads the programs that become members.
    pub(super) fn programs(&self) -> Result<Vec<Program>, Error> {
        let programs = self.hooks.iter().filter_map(|hook| Some((hook.member()?, hook.program.as_ref()?)));
        let read = |(name, path): (String, &PathBuf)| {
            let path = self.folder.join(path);
            let bytes = std::fs::read(&path);
            let bytes = bytes.map_err(|source| Error::File { doing: "reading", path, source })?;
            Ok(Program { name, bytes })
        };
        programs.map(read).collect()
    }

    /// Names them in a manifest.
    pub(super) fn put_into(&self, manifest: &mut Manifest) {
        manifest.hooks = self.hooks.iter().map(Input::hook).collect();
        if !self.hooks.is_empty() && !self.may_be_passed_over {
            manifest.critical.push("hooks".into());
        }
    }
}

impl Input {
    fn member(&self) -> Option<String> {
        self.program.as_ref().map(|_| format!("{}.hook", self.name))
    }

    fn hook(&self) -> Hook {
        Hook {
            name: self.name.clone(),
            at: self.at,
            member: self.member(),
            file: self.file.clone(),
            arguments: self.arguments.clone(),
            time_limit_seconds: self.time_limit_seconds,
            memory_mib: self.memory_mib,
            network: self.network,
            wait_seconds: self.wait_seconds,
        }
    }
}

fn sixty() -> u32 {
    60
}

fn sixty_four() -> u32 {
    64
}
