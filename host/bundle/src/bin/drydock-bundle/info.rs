use crate::Reply;
use crate::trust::open_file;
use drydock_bundle::Error;
use drydock_format::hook::Hook;
use drydock_format::signature::{self, Line};
use drydock_format::{Bundle, Delta, Image, KeyId, Manifest, Member, slot};
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
    let signed = Manifest::parse(bundle.manifest_bytes())?;
    let later = bundle.supplement();
    let len = bundle.manifest_bytes().len() as u64;
    let slots: Vec<u64> = manifest.images.iter().map(|image| slot::min_size(image, len)).collect();
    let lines = signature::parse(bundle.signature_bytes())?;

    let mut text = release(manifest);
    text += &format!("digest      {}\n", bundle.manifest_digest());
    for (entry, slot) in manifest.images.iter().zip(&slots) {
        text += &image(entry, *slot);
        if !bundle.image(&entry.name)?.has_frames() {
            text += "  left out  the whole image: only devices that have a delta's base can use this file\n";
        }
    }
    let is_here = |delta: &Delta| bundle.has(&delta.index) && bundle.has(&delta.data);
    let deltas =
        manifest.deltas.iter().map(|delta| (delta, size(manifest, delta), signed.deltas.contains(delta)));
    for (delta, size, is_signed) in deltas.clone() {
        let note = match (is_here(delta), is_signed) {
            (false, _) => " (left out)",
            (true, false) => " (made later)",
            (true, true) => "",
        };
        text += &self::delta(delta, size, note);
    }
    text += &hooks(manifest);
    text += &further(manifest);
    for line in &lines {
        text += &format!("signed by   {} (not verified)\n", line.key);
    }
    if lines.is_empty() {
        text += "not signed\n";
    }
    let mut later_lines = Vec::new();
    if let Some(list) = later {
        later_lines = signature::parse(&list.signatures)?;
        for line in &later_lines {
            text += &format!("deltas by   {} (not verified)\n", line.key);
        }
        if later_lines.is_empty() {
            text += "later deltas are not signed\n";
        }
    }
    let deltas = deltas.map(|(delta, size, is_signed)| {
        let (image, base) = (&delta.image, delta.base.root_hash);
        json!({"image": image, "base": base, "size": size, "here": is_here(delta), "later": !is_signed})
    });
    let left_out = manifest.members.iter().map(|member| &member.name).filter(|name| !bundle.has(name));
    let json = json!({
        "ok": true, "verified": false, "digest": bundle.manifest_digest(), "slots": self::slots(manifest, &slots),
        "signed_by": ids(&lines), "manifest": signed,
        "deltas": deltas.collect::<Vec<_>>(), "left_out": left_out.collect::<Vec<_>>(),
        "deltas_signed_by": ids(&later_lines),
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
    let of_hook = |name: &String| manifest.hooks.iter().any(|hook| hook.member.as_ref() == Some(name));
    let is_known = |member: &&Member| of_delta(&member.name) || of_hook(&member.name);
    manifest.further().iter().filter(|member| !is_known(member)).map(line).collect()
}

/// A line for each hook.
pub(crate) fn hooks(manifest: &Manifest) -> String {
    let is_critical = manifest.critical.iter().any(|name| name == "hooks");
    let note = if is_critical { "" } else { ", unless the device knows no hooks" };
    let line = |hook: &Hook| {
        let of_root = hook.file.as_ref().map(|file| format!("{file} in its root"));
        let program = of_root.or(hook.member.clone()).unwrap_or_default();
        format!("hook        {} at {}: {program}{note}\n", hook.name, hook.at)
    };
    manifest.hooks.iter().map(line).collect()
}

/// A line for each delta: what a device that has its base takes.
pub(crate) fn deltas(manifest: &Manifest) -> String {
    manifest.deltas.iter().map(|one| delta(one, size(manifest, one), "")).collect()
}

/// The line for one delta of so many bytes.
pub(crate) fn delta(delta: &Delta, bytes: u64, note: &str) -> String {
    let Delta { image, base, .. } = delta;
    format!("delta       {image}: {bytes} bytes for devices that have {}{note}\n", base.root_hash)
}

/// The bytes of a delta that is among these members.
fn size(manifest: &Manifest, delta: &Delta) -> u64 {
    let of_it = |member: &&Member| member.name == delta.index || member.name == delta.data;
    manifest.members.iter().filter(of_it).map(|member| member.size).sum()
}

fn ids(lines: &[Line]) -> Vec<KeyId> {
    lines.iter().map(|line| line.key).collect()
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
