use crate::{Reply, create::parse_base, trust::open_file};
use drydock_bundle::create::Known;
use drydock_bundle::tool::lossy;
use drydock_bundle::{Error, Slimmed, slim};
use drydock_format::Bundle;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle.
    bundle: PathBuf,
    /// The slim bundle to make.
    #[arg(long, short)]
    output: PathBuf,
    /// What devices have now, a bundle or a raw image. May be given several times.
    #[arg(long = "from", value_name = "BUNDLE | [NAME=]IMAGE", value_parser = parse_base, required = true)]
    bases: Vec<Known>,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let bundle = Bundle::open_unverified(open_file(&args.bundle)?)?;
    let Slimmed { size, left_out } = slim(&bundle, &args.bases, &args.output)?;
    let mut text = format!("{}: {size} bytes\n", args.output.display());
    for name in &left_out {
        text += &format!("left out    {name}\n");
    }
    let json = json!({ "ok": true, "path": lossy(&args.output), "size": size, "left_out": left_out });
    Ok(Reply::new(text, json))
}
