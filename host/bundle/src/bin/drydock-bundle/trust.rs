pub(crate) use drydock_bundle::open_file;
use drydock_bundle::{Error, keys};
use drydock_format::Trusted;
use std::path::PathBuf;

/// Which keys are trusted, and how many of them must have signed.
#[derive(clap::Args)]
pub(crate) struct Trust {
    /// A trusted public key; may be given several times.
    #[arg(long = "key", value_name = "PEM")]
    pub(crate) keys: Vec<PathBuf>,
    /// How many distinct keys must have signed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    threshold: u32,
}

impl Trust {
    pub(crate) fn trusted(&self) -> Result<Trusted, Error> {
        let keys = self.keys.iter().map(|path| keys::read_public(path)).collect::<Result<_, _>>()?;
        Ok(Trusted { keys, threshold: self.threshold })
    }
}
