use crate::{Reply, create::parse_base, info, trust::open_file};
use drydock_bundle::create::Known;
use drydock_bundle::keys::PrivateKey;
use drydock_bundle::tool::lossy;
use drydock_bundle::{Error, Extent, Request, Supplemented, ordered, supplement};
use drydock_format::Bundle;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle of the release, whole.
    bundle: PathBuf,
    /// The file to make.
    #[arg(long, short)]
    output: PathBuf,
    /// What devices have now, a bundle or a raw image. May be given several times.
    #[arg(long = "base", value_name = "BUNDLE | [NAME=]IMAGE", value_parser = parse_base, required = true)]
    bases: Vec<Known>,
    /// Leave nothing of the release out, so that devices that have no base can use the file, too.
    #[arg(long)]
    whole: bool,
    /// How many threads work [default: one for each core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Sign the list of the deltas at once with this private key; may be given several times.
    #[arg(long = "key", value_name = "PEM")]
    keys: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let bundle = Bundle::open_unverified(open_file(&args.bundle)?)?;
    let keys = args.keys.iter().map(|path| PrivateKey::read(path)).collect::<Result<Vec<_>, _>>()?;
    let request = Request {
        bases: &args.bases,
        keys: &keys,
        workers: args.threads.unwrap_or_else(ordered::cores),
        extent: if args.whole { Extent::Whole } else { Extent::Slim },
    };
    let Supplemented { size, digest, deltas, left_out } = supplement(&bundle, &request, &args.output)?;
    let mut text = format!("{}: {size} bytes\n", args.output.display());
    text += &info::release(bundle.manifest());
    text += &format!("digest      {digest}\n");
    for (delta, bytes) in &deltas {
        text += &info::delta(delta, *bytes, "");
    }
    for name in &left_out {
        text += &format!("left out    {name}\n");
    }
    if keys.is_empty() {
        text += "not signed: see `drydock-bundle sign --deltas`\n";
    }
    let made: Vec<_> = deltas.iter().map(|(delta, bytes)| json!({"delta": delta, "size": bytes})).collect();
    let json = json!({
        "ok": true, "path": lossy(&args.output), "size": size, "digest": digest, "deltas": made,
        "left_out": left_out,
    });
    Ok(Reply::new(text, json))
}
