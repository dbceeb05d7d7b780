use crate::trust::{Trust, open_file};
use crate::{
    Reply,
    bar::{Progress, bar},
    info,
    unpack::unpack,
};
use drydock_bundle::Error;
use drydock_format::Bundle;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(mut_arg("keys", |arg| arg.required(true)))]
pub(crate) struct Args {
    /// The bundle.
    bundle: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

pub(crate) fn run(args: &Args, progress: Progress) -> Result<Reply, Error> {
    let bundle = Bundle::open(open_file(&args.bundle)?, &args.trust.trusted()?)?;
    let manifest = bundle.manifest();
    let readers = manifest.images.iter().map(|image| bundle.image(&image.name));
    let bar = bar(progress, 0);
    for reader in readers.collect::<Result<Vec<_>, _>>()? {
        unpack(&reader, &bar, |_| Ok(()))?;
    }
    for member in manifest.further() {
        bar.set_message(member.name.clone());
        bar.set_length(member.size);
        bar.set_position(0);
        bundle.prove_further(member, |bytes| bar.inc(bytes))?;
    }
    bar.finish_and_clear();
    let mut text = info::release(manifest);
    text += &format!("digest      {}\n", bundle.manifest_digest());
    for key in bundle.signers() {
        text += &format!("signed by   {key}\n");
    }
    text += &info::further(manifest);
    text += "every image is whole and has its signed root hash\n";
    let json = json!({
        "ok": true, "digest": bundle.manifest_digest(), "signed_by": bundle.signers(), "manifest": manifest,
    });
    Ok(Reply::new(text, json))
}
