//! `drydock-bundle disk`: what a factory flashes.
//!
//! One sparse file with the reference layout, made without root and without loop devices: partition table,
//! bootloader, boot environment, state record, set a and both recovery copies. The same configuration and
//! bundle give the same bytes.

mod bmap;
mod canvas;
mod content;
mod failed;
mod gpt;
mod labels;
mod layout;
mod loader;
mod slot;

use crate::{
    Reply,
    bar::{Progress, bar},
    trust,
};
use canvas::{Canvas, Disk, Part};
use content::{Content, RawImage, SlotImage};
use drydock_block::BlockDevice;
use drydock_bundle::tool::lossy;
use drydock_bundle::{Error, keys};
use drydock_config::{Config, Mib, Role, Unlock};
use drydock_files::new_file::{NewFile, Readers};
use drydock_format::{Bundle, Trusted};
use drydock_state::transition::flashed;
use drydock_state::{SetInfo, SetStatus, Store, UnixTime};
use failed::{file, input};
use layout::Layout;
use loader::Site;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Makes a disk image to flash: partition table, GRUB, boot environment, state, set a and both recovery copies from a
/// bundle. Needs no root; GRUB's modules come from the Debian package for the device's processor and firmware (--grub-modules
/// says where they are, if not in its place), and grub-mkimage from grub-common; what is missing is named. Set b and `data` are
/// left blank.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The device's configuration; [layout] has the sizes.
    #[arg(long, value_name = "TOML")]
    config: PathBuf,
    /// The bundle with the device's first release.
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// A trusted public key; may be given several times [default: the configuration's].
    #[arg(long = "key", value_name = "PEM")]
    keys: Vec<PathBuf>,
    /// The disk image to write: a file, to be flashed with dd or bmaptool.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Write a block map beside it, FILE.bmap: `bmaptool copy FILE /dev/sdX` flashes only what the image needs, and checks it.
    #[arg(long)]
    bmap: bool,
    /// The revision of the hardware that the disk is for, where slot classes of the configuration depend on it (`only_if`).
    #[arg(long, value_name = "REVISION")]
    hardware: Option<String>,
    /// A raw image for both recovery copies in place of the bundle's. No signature covers it.
    #[arg(long, value_name = "IMG")]
    recovery_image: Option<PathBuf>,
    /// Where GRUB's modules are, in a folder for each platform: of another processor than the build host's they can be unpacked,
    /// but not installed.
    #[arg(long, value_name = "FOLDER", default_value = "/usr/lib/grub")]
    grub_modules: PathBuf,
}

pub(crate) fn run(args: &Args, progress: Progress) -> Result<Reply, Error> {
    let mut config = drydock_config_load::load(&args.config).map_err(input("the configuration"))?;
    config.revision.found = args.hardware.clone().into_iter().collect();
    if config.foreign_hardware().is_some() {
        return Err(Error::Input {
            what: args.hardware.as_ref().map_or("--hardware".into(), |it| format!("--hardware {it}")),
            problem: format!(
                "the configuration has slot classes for `{}`; name one of them",
                config.known_revisions().join("`, `")
            ),
        });
    }
    let bundle = Bundle::open(trust::open_file(&args.bundle)?, &trusted(args, &config)?)?;
    let release = bundle.manifest();
    if release.compatible != config.compatible {
        return Err(Error::Input {
            what: format!("the bundle for `{}`", release.compatible),
            problem: format!("the configuration is for `{}`", config.compatible),
        });
    }
    let recovery_image = args.recovery_image.as_deref().map(RawImage::open).transpose()?;
    let contents = content::find(&config, &bundle, recovery_image.as_ref())?;
    let loader = loader::of(&config);
    content::check(&config, &bundle, &contents, &|head, size| loader.no_image(head, size))?;
    if let Some(problem) = loader.no_disk(config.layout.sector_size) {
        return Err(Error::Input { what: "layout.sector_size".into(), problem: problem.into() });
    }
    let layout = Layout::plan(&config, &contents, &bundle, &loader.partitions())?;

    let writing = || file("writing", &args.output);
    let map = if args.bmap { Some(bmap::beside(&args.output)?) } else { None };
    let new = NewFile::new(&args.output, readers(&config)).map_err(writing())?;
    let disk = make(&config, &bundle, &contents, &layout, args, new.temporary(), progress)?;
    new.finish().map_err(writing())?;
    let mut text = report(&args.output, &layout, &contents);
    if let Some(map) = &map {
        bmap::write(&disk, &args.output, map)?;
        text += &format!("block map  {}\n", map.display());
    }
    let mut json = summary(&args.output, &layout, &contents, &bundle);
    json["bmap"] = json!(map.as_deref().map(lossy));
    Ok(Reply::new(text, json))
}

/// Both recovery copies hold the initramfs, and that the key, where the configuration puts it there.
fn readers(config: &Config) -> Readers {
    match config.unlock.iter().any(|way| matches!(way, Unlock::Initramfs { .. })) {
        true => Readers::Owner,
        false => Readers::Usual,
    }
}

/// As many keys must have signed as on the device; `--key` only says which.
fn trusted(args: &Args, config: &Config) -> Result<Trusted, Error> {
    let signatures = &config.signatures;
    let keys = match args.keys.as_slice() {
        [] => {
            signatures.keys.iter().map(|path| keys::read_public(Path::new(path))).collect::<Result<_, _>>()?
        }
        given => given.iter().map(|path| keys::read_public(path)).collect::<Result<_, _>>()?,
    };
    Ok(Trusted { keys, threshold: signatures.threshold })
}

fn make(
    config: &Config,
    bundle: &Bundle,
    contents: &[Content<'_>],
    layout: &Layout,
    args: &Args,
    path: &Path,
    progress: Progress,
) -> Result<Disk, Error> {
    let writing = || file("writing", path);
    let disk: Disk = Arc::new(Canvas::create(path, layout).map_err(writing())?);
    gpt::write(path, layout)?;
    let site = Site { config, layout, disk: &disk, path, grub_modules: &args.grub_modules };
    let loader = loader::of(config);
    loader.install(&site)?;

    let record = flashed(release(bundle), UnixTime(layout.time));
    let environment = loader.open(&site)?;
    let wanted = record.wanted(config.boot.attempts.min(environment.most_starts()));
    environment.want(&wanted).map_err(input("the disk image's boot environment"))?;
    // Opened once more, as a device will.
    let told = loader.open(&site)?.observe().map_err(input("the disk image's boot environment"))?;
    if told != wanted.fresh() {
        return Err(Error::Input {
            what: "the disk image's boot environment".into(),
            problem: "differs".into(),
        });
    }
    let state = site.part(labels::STATE)?;
    let store = Store::open(state, None).and_then(|(mut store, _)| store.write(&record));
    store.map_err(input("the disk image's state record"))?;

    let bar = bar(progress, 0);
    for content in contents {
        let labels: Vec<_> =
            content.copies.iter().map(|copy| format!("{}-{copy}", content.partition)).collect();
        let targets: Vec<Part> = labels.iter().map(|label| site.part(label)).collect::<Result<_, _>>()?;
        match content.image {
            SlotImage::Bundle(image) => slot::write(bundle, &image.name, &targets, path, &bar)?,
            SlotImage::Raw(raw) => slot::copy(raw, &targets, path)?,
        }
        if matches!(content.role, Role::Boot | Role::Recovery) {
            for (slot, label) in targets.iter().zip(&labels) {
                if let Some(problem) = loader.no_slot(slot, label) {
                    return Err(Error::Input { what: format!("the image for the slot {label}"), problem });
                }
            }
        }
    }
    bar.finish_and_clear();
    if config.layout.factory_mib > Mib(0) {
        let (part, whole) = (site.part(labels::FACTORY)?, RawImage::open(&args.bundle)?);
        if whole.size > part.size() {
            return Err(Error::Input {
                what: "layout.factory_mib".into(),
                problem: format!("the bundle has {} bytes, {} are not enough", whole.size, part.size()),
            });
        }
        slot::copy(&whole, &[part], path)?;
    }
    disk.flush(drydock_block::Flush::ImageWritten).map_err(writing())?;
    Ok(disk)
}

/// Set a as the state record knows it.
fn release(bundle: &Bundle) -> SetInfo {
    SetInfo {
        status: SetStatus::Good,
        version: bundle.manifest().version.clone(),
        security_version: bundle.manifest().security_version,
        manifest: bundle.manifest_digest().into(),
        ..SetInfo::default()
    }
}

fn report(output: &Path, layout: &Layout, contents: &[Content<'_>]) -> String {
    const MIB: u64 = 1 << 20;
    let mut text = format!("{}: {} MiB, GUID {}\n", output.display(), layout.disk_size / MIB, layout.guid);
    for part in &layout.partitions {
        let content = contents.iter().find(|content| part.holds(content));
        let image = content.map_or("", |content| match content.image {
            SlotImage::Bundle(image) => &image.name,
            SlotImage::Raw(_) => "raw image",
        });
        let line = format!("{:3}  {:14} {:>8} MiB  {image}", part.index, part.label, part.size / MIB);
        text += &format!("{}\n", line.trim_end());
    }
    text
}

fn summary(output: &Path, layout: &Layout, contents: &[Content<'_>], bundle: &Bundle) -> Value {
    let partitions = layout.partitions.iter().map(|part| {
        let root_hash = contents.iter().find(|content| part.holds(content)).and_then(|c| match c.image {
            SlotImage::Bundle(image) => Some(image.root_hash),
            SlotImage::Raw(_) => None,
        });
        json!({
            "index": part.index, "label": part.label, "guid": part.guid, "start": part.start, "size": part.size,
            "root_hash": root_hash,
        })
    });
    json!({
        "ok": true, "path": lossy(output), "size": layout.disk_size, "sector_size": layout.sector_size.bytes(),
        "guid": layout.guid, "digest": bundle.manifest_digest(), "partitions": partitions.collect::<Vec<_>>(),
    })
}
