use crate::Reply;
use drydock_bundle::Error;
use drydock_bundle::tool::lossy;
use drydock_bundle::tree::{Owner, collect, unpack, write_file};
use drydock_tree::{Choice, Pattern};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder whose files the image gets, or a tar archive that is not compressed: then owners, permissions and attributes are the archive's.
    #[arg(value_name = "FOLDER|TAR")]
    source: PathBuf,
    /// The image to make.
    #[arg(long, short)]
    output: PathBuf,
    /// The image is only about what this pattern stands for, and all below; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<Pattern>,
    /// The image is not about what this pattern stands for, nor anything below; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    except: Vec<Pattern>,
    /// Whose all files are on devices [default: the numbers that they have there].
    #[arg(long, value_name = "UID:GID", value_parser = parse_owner)]
    owner: Option<(u32, u32)>,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let owner = args.owner.map_or(Owner::AsTheyAre, |(uid, gid)| Owner::All { uid, gid });
    let choice = Choice { only: args.only.clone(), except: args.except.clone() };
    let items = match args.source.is_dir() {
        true => collect(&args.source, owner)?,
        false => unpack(&args.source, owner)?,
    };
    let made = write_file(&choice, &items, &args.output)?;
    let chosen = match (choice.only.is_empty(), choice.except.is_empty()) {
        (true, true) => "all of a device's tree is the vendor's",
        _ => "what its patterns do not mean is the device's own",
    };
    let text =
        format!("{}: {} bytes, {} entries; {chosen}\n", args.output.display(), made.size, made.entries);
    let json = json!({ "ok": true, "path": lossy(&args.output), "size": made.size, "entries": made.entries });
    Ok(Reply::new(text, json))
}

fn parse_owner(text: &str) -> Result<(u32, u32), String> {
    let (uid, gid) = text.split_once(':').ok_or("not UID:GID")?;
    let number = |text: &str| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
    Ok((number(uid)?, number(gid)?))
}
