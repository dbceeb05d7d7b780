//! A bundle as it is uploaded: what its manifest says, and the digest of the file.

use crate::{Error, Watch};
use drydock_bundle::open_file;
use drydock_format::{Bundle, Digest, KeyId, Trusted};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file that holds a release.
pub struct Release {
    path: PathBuf,
    /// What names the release: the digest of its manifest.
    pub manifest: Digest,
    /// The kind of device that it is for.
    pub compatible: String,
    /// Its version.
    pub version: String,
    /// Its security version.
    pub security_version: u32,
    /// The size of the file in bytes.
    pub size: u64,
    /// The digest of the file.
    pub sha256: Digest,
    /// The trusted keys that have signed it; none where none was asked for.
    pub signers: Vec<KeyId>,
}

impl Release {
    /// Opens a bundle, checks its signatures where there is someone to trust, and reads the file once for its digest.
    pub fn open(path: &Path, trusted: Option<&Trusted>, watch: &dyn Watch) -> Result<Self, Error> {
        let source = open_file(path)?;
        let bundle = match trusted {
            Some(trusted) => Bundle::open(source, trusted)?,
            None => Bundle::open_unverified(source)?,
        };
        let failed = |source| Error::File { doing: "reading", path: path.into(), source };
        let mut file = File::open(path).map_err(failed)?;
        watch.begin("hashing", file.metadata().map_err(failed)?.len());
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut size = 0;
        loop {
            let count = file.read(&mut buffer).map_err(failed)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            size += count as u64;
            watch.advance(count as u64);
        }
        let manifest = bundle.manifest();
        Ok(Self {
            path: path.into(),
            manifest: bundle.manifest_digest(),
            compatible: manifest.compatible.clone(),
            version: manifest.version.clone(),
            security_version: manifest.security_version,
            size,
            sha256: Digest(hasher.finalize().into()),
            signers: bundle.signers().to_vec(),
        })
    }

    /// Returns the bytes of the file.
    pub(crate) fn bytes(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(|source| Error::File {
            doing: "opening",
            path: self.path.clone(),
            source,
        })
    }

    /// Returns the name of the file on the server: hawkBit does not find what has other characters in its name.
    pub fn file_name(&self, name: &str) -> String {
        let fit = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        format!("{name}-{}.drydock", self.version).chars().map(fit).collect()
    }
}
