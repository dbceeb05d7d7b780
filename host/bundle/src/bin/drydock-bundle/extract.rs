use crate::trust::{Trust, open_file};
use crate::{
    Reply,
    bar::{Progress, bar},
    unpack::unpack,
};
use drydock_block::is_zero;
use drydock_bundle::Error;
use drydock_bundle::tool::lossy;
use drydock_files::new_file::{NewFile, Readers};
use drydock_format::Bundle;
use serde_json::json;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("who").required(true).args(["keys", "unverified"])))]
pub(crate) struct Args {
    /// The bundle.
    bundle: PathBuf,
    /// The images to unpack [default: all].
    images: Vec<String>,
    /// Where they go.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// Do not check who made the bundle: the images may be anyone's.
    #[arg(long)]
    unverified: bool,
}

pub(crate) fn run(args: &Args, progress: Progress) -> Result<Reply, Error> {
    let source = open_file(&args.bundle)?;
    let bundle = if args.unverified {
        Bundle::open_unverified(source)?
    } else {
        Bundle::open(source, &args.trust.trusted()?)?
    };
    let all = || bundle.manifest().images.iter().map(|image| image.name.clone()).collect();
    let names: Vec<String> = if args.images.is_empty() { all() } else { args.images.clone() };
    let bar = bar(progress, 0);
    let mut paths = Vec::new();
    for name in &names {
        let reader = bundle.image(name)?;
        let path = args.dir.join(format!("{name}.img"));
        let file = NewFile::new(&path, Readers::Usual).map_err(writing(&path))?;
        file.file().set_len(reader.image().size).map_err(writing(&path))?;
        let mut offset = 0;
        unpack(&reader, &bar, |data| {
            write_sparse(file.file(), offset, &data).map_err(writing(&path))?;
            offset += data.len() as u64;
            Ok(())
        })?;
        file.finish().map_err(writing(&path))?;
        paths.push(path);
    }
    bar.finish_and_clear();
    let paths: Vec<String> = paths.iter().map(|path| lossy(path)).collect();
    let text: String = paths.iter().map(|path| format!("{path}\n")).collect();
    Ok(Reply::new(text, json!({"ok": true, "verified": !args.unverified, "paths": paths})))
}

/// Leaves holes where there are 64 KiB of zeros.
fn write_sparse(file: &File, offset: u64, data: &[u8]) -> std::io::Result<()> {
    const PIECE: usize = 64 << 10;
    let pieces = (offset..).step_by(PIECE).zip(data.chunks(PIECE));
    pieces.filter(|(_, piece)| !is_zero(piece)).try_for_each(|(at, piece)| file.write_all_at(piece, at))
}

fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { doing: "writing", path: path.into(), source }
}
