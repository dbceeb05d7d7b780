use crate::Reply;
use crate::trust::open_file;
use drydock_bundle::{Error, keys};
use drydock_format::signature::{self, Line};
use drydock_format::{Bundle, PublicKey, tar};
use serde_json::json;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["keys", "print_bytes", "attach"])))]
pub(crate) struct Args {
    /// The bundle.
    bundle: PathBuf,
    /// Sign the list of the deltas that were made later, and not the release.
    #[arg(long)]
    deltas: bool,
    /// Sign with this private key; may be given several times.
    #[arg(long = "key", value_name = "PEM")]
    keys: Vec<PathBuf>,
    /// Write exactly the bytes that are to be signed to standard output.
    #[arg(long)]
    print_bytes: bool,
    /// Add a signature made elsewhere: a file of 64 bytes.
    #[arg(long, value_name = "FILE", requires = "pubkey")]
    attach: Option<PathBuf>,
    /// The public key that the signature of --attach is checked with.
    #[arg(long, value_name = "PEM", requires = "attach")]
    pubkey: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let bundle = Bundle::open_unverified(open_file(&args.bundle)?)?;
    let release = tar::BLOCK + tar::padded(bundle.manifest_bytes().len() as u64) + tar::BLOCK;
    let (signed, member, offset) = match (args.deltas, bundle.supplement()) {
        (false, _) => (bundle.manifest_bytes(), bundle.signature_bytes(), release),
        (true, Some(list)) => (&list.bytes[..], &list.signatures[..], list.signatures_at),
        (true, None) => {
            return Err(Error::Input {
                what: format!("signing {}", args.bundle.display()),
                problem: "it has no deltas that were made later; sign the release, without --deltas".into(),
            });
        }
    };
    if args.print_bytes {
        return Ok(Reply::raw(signed.to_vec()));
    }
    let lines = match (&args.attach, &args.pubkey) {
        (Some(file), Some(pubkey)) => vec![attached(file, &keys::read_public(pubkey)?, signed)?],
        _ => {
            let sign = |path: &PathBuf| keys::PrivateKey::read(path)?.sign(signed);
            args.keys.iter().map(sign).collect::<Result<Vec<_>, _>>()?
        }
    };
    let mut member = member.to_vec();
    for line in &lines {
        member = signature::add(&member, line)?;
    }
    let open = File::options().write(true).open(&args.bundle);
    let written = open.and_then(|file| file.write_all_at(&member, offset).and_then(|()| file.sync_data()));
    written.map_err(|source| Error::File { doing: "writing", path: args.bundle.clone(), source })?;

    let ids: Vec<_> = lines.iter().map(|line| line.key).collect();
    let text: String = ids.iter().map(|id| format!("signed by   {id}\n")).collect();
    Ok(Reply::new(text, json!({"ok": true, "digest": bundle.manifest_digest(), "signed_by": ids})))
}

/// A signature that came from elsewhere is added only if it is one.
fn attached(path: &Path, key: &PublicKey, signed: &[u8]) -> Result<Line, Error> {
    let bytes =
        fs::read(path).map_err(|source| Error::File { doing: "reading", path: path.into(), source })?;
    let signature = bytes.try_into().map_err(|bytes: Vec<u8>| Error::Input {
        what: format!("attaching {}", path.display()),
        problem: format!("{} bytes, an Ed25519 signature has 64", bytes.len()),
    })?;
    if !key.verifies(signed, &signature) {
        return Err(drydock_format::Error::BadSignature { key: key.id() }.into());
    }
    Ok(Line { key: key.id(), signature })
}
