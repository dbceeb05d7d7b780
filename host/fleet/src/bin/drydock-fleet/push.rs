use crate::bar::Bar;
use crate::common::Common;
use drydock_bundle::keys;
use drydock_bundle::tool::Reply;
use drydock_fleet::{Error, Name, Pushed, Release, push};
use drydock_format::Trusted;
use serde_json::json;
use std::path::PathBuf;

/// Upload a bundle, and make it a release that can be handed out.
///
/// The release is called like the kind of device it is for, and has the bundle's version. It appears on the server once all of it
/// is there; a push that was cut off is done again, and goes on. Another bundle under the same version is refused.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle.
    bundle: PathBuf,
    /// Call the release so, and not like the kind of device that the bundle is for.
    #[arg(long)]
    name: Option<String>,
    /// Refuse a bundle that none of these public keys has signed; may be given several times.
    #[arg(long = "key", value_name = "PEM")]
    keys: Vec<PathBuf>,
    /// How many distinct keys must have signed.
    #[arg(long, default_value_t = 1, value_name = "N", requires = "keys")]
    threshold: u32,
}

pub(crate) fn run(args: &Args, common: &Common) -> Result<Reply, Error> {
    let keys = args.keys.iter().map(|path| keys::read_public(path)).collect::<Result<Vec<_>, _>>()?;
    let trusted = Trusted { keys, threshold: args.threshold };
    let bar = Bar::of_bytes(common.quiet);
    let release = Release::open(&args.bundle, Some(&trusted).filter(|all| !all.keys.is_empty()), &bar)?;
    let name = Name::new("the name", args.name.as_deref().unwrap_or(&release.compatible))?;
    let client = common.client()?;
    let place = push(&client, &release, &name, &bar)?;
    drop(bar);
    let (done, word) = match place.pushed {
        Pushed::New => ("is on the server now", "new"),
        Pushed::Mended => ("was on the server in part, and is whole now", "mended"),
        Pushed::There => ("is on the server already", "there"),
        Pushed::ThereInOtherBytes => {
            ("is on the server already, in a file with other signatures or deltas, which stays", "there")
        }
    };
    let version = &release.version;
    let mut text = format!("{name} {version} {done}\n");
    text += &format!("manifest    {}\n", release.manifest);
    text += &format!("file        {} ({} bytes)\n", place.file_name, release.size);
    for key in &release.signers {
        text += &format!("signed by   {key}\n");
    }
    if trusted.keys.is_empty() {
        text += "the signatures were not checked here; devices check them\n";
    }
    let json = json!({
        "ok": true, "done": word, "name": name.to_string(), "version": version,
        "same_bytes": place.pushed != Pushed::ThereInOtherBytes, "security_version": release.security_version,
        "compatible": release.compatible, "manifest": release.manifest, "sha256": release.sha256, "size": release.size,
        "signed_by": release.signers, "set": place.set, "module": place.module, "file": place.file_name,
        "requests": client.requests(),
    });
    Ok(Reply::new(text, json))
}
