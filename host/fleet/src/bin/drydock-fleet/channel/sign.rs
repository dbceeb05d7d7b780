use super::keys::private;
use drydock_bundle::keys;
use drydock_bundle::tool::Reply;
use drydock_channel::{Document, add, split};
use drydock_fleet::Error;
use drydock_fleet::channel::{read, write};
use drydock_format::signature::Line;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["keys", "print_bytes", "attach"])))]
pub(crate) struct Args {
    /// The file.
    file: PathBuf,
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
    let mut file = read(&args.file)?;
    let signed = split(&file)?.document.to_vec();
    // A key may sign other kinds of documents, too: nothing but a channel is signed as one.
    let document = Document::parse(&signed)?;
    if args.print_bytes {
        return Ok(Reply::raw(signed));
    }
    let lines = match (&args.attach, &args.pubkey) {
        (Some(signature), Some(pubkey)) => vec![attached(signature, pubkey, &signed)?],
        _ => private(&args.keys)?.iter().map(|key| key.sign(&signed)).collect::<Result<Vec<_>, _>>()?,
    };
    for line in &lines {
        file = add(&file, line)?;
    }
    write(&args.file, &file)?;
    let ids: Vec<_> = lines.iter().map(|line| line.key).collect();
    let text: String = ids.iter().map(|id| format!("signed by   {id}\n")).collect();
    let json = json!({
        "ok": true, "channel": document.channel, "sequence": document.sequence, "signed_by": ids,
    });
    Ok(Reply::new(text, json))
}

/// A signature that came from elsewhere is added only if it is one.
fn attached(path: &Path, pubkey: &Path, signed: &[u8]) -> Result<Line, Error> {
    let key = keys::read_public(pubkey)?;
    let bytes = std::fs::read(path);
    let bytes = bytes.map_err(|source| Error::File { doing: "reading", path: path.into(), source })?;
    let signature = bytes.try_into().map_err(|bytes: Vec<u8>| Error::Input {
        what: format!("attaching {}", path.display()),
        problem: format!("{} bytes, an Ed25519 signature has 64", bytes.len()),
    })?;
    if !key.verifies(signed, &signature) {
        let why = drydock_format::Error::BadSignature { key: key.id() };
        return Err(drydock_channel::Error::Signatures(why).into());
    }
    Ok(Line { key: key.id(), signature })
}
