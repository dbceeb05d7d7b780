use crate::trust::{Trust, open_file};
use crate::{
    Reply,
    bar::{Progress, bar},
    info,
    unpack::unpack,
};
use drydock_bundle::Error;
use drydock_format::{Bundle, ImageReader, Manifest, signature};
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
    let trusted = args.trust.trusted()?;
    let bundle = Bundle::open(open_file(&args.bundle)?, &trusted)?;
    let manifest = bundle.manifest();
    let readers = manifest.images.iter().map(|image| bundle.image(&image.name));
    let bar = bar(progress, 0);
    let readers = readers.collect::<Result<Vec<_>, _>>()?;
    // What no delta of the file leads to is missed, and said to be.
    let by_delta = |reader: &&ImageReader| {
        !reader.has_frames()
            && manifest.deltas.iter().any(|delta| {
                delta.image == reader.image().name && bundle.has(&delta.index) && bundle.has(&delta.data)
            })
    };
    let (left_out, whole): (Vec<_>, Vec<_>) = readers.iter().partition(by_delta);
    for reader in whole {
        unpack(reader, &bar, |_| Ok(()))?;
    }
    for member in manifest.further().iter().filter(|member| bundle.has(&member.name)) {
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
    let deltas_signed_by = match bundle.supplement() {
        Some(list) => signature::verify(&list.bytes, &list.signatures, &trusted)?,
        None => Vec::new(),
    };
    for key in &deltas_signed_by {
        text += &format!("deltas by   {key}\n");
    }
    text += &info::hooks(manifest);
    text += &info::further(manifest);
    for reader in &left_out {
        let name = &reader.image().name;
        text += &format!("left out    {name}: only its deltas are here, and whole\n");
    }
    text += match left_out.len() {
        0 => "every image is whole and has its signed root hash\n",
        count if count < readers.len() => "every other image is whole and has its signed root hash\n",
        _ => "",
    };
    let left_out: Vec<_> = left_out.iter().map(|reader| &reader.image().name).collect();
    let signed = Manifest::parse(bundle.manifest_bytes())?;
    let json = json!({
        "ok": true, "digest": bundle.manifest_digest(), "signed_by": bundle.signers(), "manifest": signed,
        "left_out": left_out, "deltas_signed_by": deltas_signed_by,
    });
    Ok(Reply::new(text, json))
}
