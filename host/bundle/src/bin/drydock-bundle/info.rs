use crate::Reply;
use crate::trust::open_file;
use drydock_bundle::Error;
use drydock_format::{Bundle, Delta, Image, Manifest, Member, signature, slot};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle.
    bundle: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let bundle = Bundle::open_unverified(open_file(&args.bundle)?)?;
    let manifest = bundle.manifest();
    let len = bundle.manifest_bytes().len() as u64;
    let slots: Vec<u64> = manifest.images.iter().map(|image| slot::min_size(image, len)).collect();
    let lines = signature::parse(bundle.signature_bytes())?;

    let mut text = release(manifest);
    text += &format!("digest      {}\n", bundle.manifest_digest());
    for (entry, slot) in manifest.images.iter().zip(&slots) {
        text += &image(entry, *slot);
    }
    text += &deltas(manifest);
    text += &further(manifest);
    for line in &lines {
        text += &format!("signed by   {} (not verified)\n", line.key);
    }
    if lines.is_empty() {
        text += "not signed\n";
    }
    let json = json!({
        "ok": true, "verified": false, "digest": bundle.manifest_digest(), "slots": self::slots(manifest, &slots),
        "signed_by": lines.iter().map(|line| line.key).collect::<Vec<_>>(), "manifest": manifest,
    });
    Ok(Reply::new(text, json))
}

/// The lines that tell which release it is.
pub(crate) fn release(manifest: &Manifest) -> String {
    let Manifest { compatible, version, security_version, .. } = manifest;
    let mut text =
        format!("compatible  {compatible}\nversion     {version} (security version {security_version})\n");
    for pin in &manifest.pins {
        text += &format!("pin         {} must have root hash {}\n", pin.class, pin.root_hash);
    }
    text
}

/// A line for each member that this version passes by.
pub(crate) fn further(manifest: &Manifest) -> String {
    let of_delta =
        |name: &String| manifest.deltas.iter().any(|delta| delta.index == *name || delta.data == *name);
    let line = |Member { name, size, .. }: &Member| {
        format!("also        {name}: {size} bytes, for later versions of drydock\n")
    };
    manifest.further().iter().filter(|member| !of_delta(&member.name)).map(line).collect()
}

/// A line for each delta: what a device that has its base takes.
pub(crate) fn deltas(manifest: &Manifest) -> String {
    let size = |name: &String| {
        manifest.members.iter().find(|member| member.name == *name).map_or(0, |member| member.size)
    };
    let line = |Delta { image, base, index, data }: &Delta| {
        format!(
            "delta       {image}: {} bytes for devices that have {}\n",
            size(index) + size(data),
            base.root_hash
        )
    };
    manifest.deltas.iter().map(line).collect()
}

/// The lines that describe an image.
pub(crate) fn image(image: &Image, slot: u64) -> String {
    let Image { name, class, size, salt, root_hash, .. } = image;
    format!(
        "image       {name}: class {class}, {size} bytes, needs slots of at least {slot} bytes\n  root hash {root_hash}\n  salt      {}\n",
        salt.table_form()
    )
}

/// The smallest slot for each class, for a machine.
pub(crate) fn slots(manifest: &Manifest, slots: &[u64]) -> Value {
    let pairs = manifest.images.iter().zip(slots);
    Value::Object(pairs.map(|(image, slot)| (image.class.clone(), json!(slot))).collect::<Map<_, _>>())
}
