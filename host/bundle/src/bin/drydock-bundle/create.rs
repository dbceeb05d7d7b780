use crate::{
    Reply,
    bar::{Progress, bar},
    info, look,
    trust::open_file,
};
use drydock_bundle::create::{Hooks, Input, Known, Recipe, create, default_salt};
use drydock_bundle::keys::PrivateKey;
use drydock_bundle::tool::lossy;
use drydock_bundle::{Error, ordered};
use drydock_files::FileBytes;
use drydock_format::{Pin, Salt};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle to make.
    #[arg(long, short)]
    output: PathBuf,
    /// The kind of device that the release is for.
    #[arg(long)]
    compatible: String,
    /// The release's version, for people.
    #[arg(long)]
    version: String,
    /// The version that must not fall: devices refuse a lower one.
    #[arg(long, default_value_t = 0)]
    security_version: u32,
    /// A raw image. The class of slots that it goes to is its name if not given.
    #[arg(long = "image", value_name = "NAME=PATH[,class=CLASS]", value_parser = parse_image, required = true)]
    images: Vec<Input>,
    /// A class of the release that is left out of this bundle, with what its image must be.
    #[arg(long = "pin", value_name = "CLASS=ROOTHASH,size=BYTES,salt=HEX", value_parser = parse_pin)]
    pins: Vec<Pin>,
    /// What devices have now, a bundle or a raw image: a delta from it goes into the bundle. May be given several times.
    #[arg(long = "base", value_name = "BUNDLE | [NAME=]IMAGE", value_parser = parse_base)]
    bases: Vec<Known>,
    /// A TOML file with the hooks of the release: programs that devices call while they install it, or once it runs.
    #[arg(long, value_name = "TOML")]
    hooks: Option<PathBuf>,
    /// dm-verity's salt in hex, the same for every version of a product [default: the SHA-256 of COMPATIBLE].
    #[arg(long)]
    salt: Option<Salt>,
    /// Bytes of image in a frame: a multiple of 524288 up to 4194304.
    #[arg(long, default_value_t = 4 << 20, value_name = "BYTES")]
    frame_size: u32,
    /// zstd's level, 1 to 22.
    #[arg(long, default_value_t = 19)]
    level: i32,
    /// How many threads compress [default: one for each core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Sign it at once with this private key; may be given several times.
    #[arg(long = "key", value_name = "PEM")]
    keys: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, progress: Progress) -> Result<Reply, Error> {
    let recipe = Recipe {
        compatible: args.compatible.clone(),
        version: args.version.clone(),
        security_version: args.security_version,
        salt: args.salt.clone().unwrap_or_else(|| default_salt(&args.compatible)),
        frame_size: args.frame_size,
        level: args.level,
        workers: args.threads.unwrap_or_else(ordered::cores),
        images: args.images.clone(),
        pins: args.pins.clone(),
        bases: args.bases.clone(),
        hooks: args.hooks.as_deref().map_or_else(|| Ok(Hooks::default()), Hooks::read)?,
        keys: args.keys.iter().map(|path| PrivateKey::read(path)).collect::<Result<_, _>>()?,
    };
    let bar = bar(progress, 0);
    let made = create(&recipe, &args.output, |input, done, total| {
        if bar.message() != input.name {
            bar.set_message(input.name.clone());
        }
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let warnings = args.images.iter().map(doubt).collect::<Result<Vec<_>, _>>()?;
    let warnings: Vec<String> = warnings.into_iter().flatten().collect();
    for warning in &warnings {
        // A closed standard error is no reason to stop.
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    let mut text =
        format!("{}: {} bytes\n{}", args.output.display(), made.size, info::release(&made.manifest));
    text += &format!("digest      {}\n", made.digest);
    for (image, slot) in made.manifest.images.iter().zip(&made.slots) {
        text += &info::image(image, *slot);
    }
    text += &info::deltas(&made.manifest);
    text += &info::hooks(&made.manifest);
    let json = json!({
        "ok": true, "path": lossy(&args.output), "size": made.size, "digest": made.digest,
        "slots": info::slots(&made.manifest, &made.slots), "manifest": made.manifest, "warnings": warnings,
    });
    Ok(Reply::new(text, json))
}

/// What is doubtful about an image. Only a warning: what its slot is for, and which bootloader reads it, is known to
/// `disk`, which refuses what can't be right.
fn doubt(input: &Input) -> Result<Option<String>, Error> {
    let failed = |source| Error::File { doing: "reading", path: input.path.clone(), source };
    let FileBytes(file) = open_file(&input.path)?;
    let size = drydock_files::len(&file).map_err(failed)?;
    let head = look::head_of(&file, size).map_err(failed)?;
    Ok(look::doubt(&head, size)
        .map(|doubt| format!("image {} ({}): {doubt}", input.name, input.path.display())))
}

fn parse_image(text: &str) -> Result<Input, String> {
    let (name, rest) = text.split_once('=').ok_or("not NAME=PATH")?;
    let (path, class) = rest.rsplit_once(",class=").unwrap_or((rest, name));
    Ok(Input { name: name.into(), class: class.into(), path: path.into() })
}

/// A name in front of the path is that of an image. A path that has `=` in it needs one.
pub(crate) fn parse_base(text: &str) -> Result<Known, String> {
    Ok(match text.split_once('=') {
        Some((name, path)) => Known { image: Some(name.into()), path: path.into() },
        None => Known { image: None, path: text.into() },
    })
}

fn parse_pin(text: &str) -> Result<Pin, String> {
    const FORM: &str = "not CLASS=ROOTHASH,size=BYTES,salt=HEX";
    let (class, rest) = text.split_once('=').ok_or(FORM)?;
    let (hash, rest) = rest.split_once(",size=").ok_or(FORM)?;
    let (size, salt) = rest.split_once(",salt=").ok_or(FORM)?;
    let size = size.parse().map_err(|error| format!("the size {size}: {error}"))?;
    Ok(Pin { class: class.into(), size, salt: salt.parse()?, root_hash: hash.parse()? })
}
