use crate::Error;
use drydock_files::FileBytes;
use std::fs::File;
use std::path::Path;

/// Opens a file that holds a bundle or an image. A folder could be opened, too, but has no length.
pub fn open_file(path: &Path) -> Result<FileBytes, Error> {
    let open = File::open(path).and_then(|file| drydock_files::len(&file).map(|_| FileBytes(file)));
    open.map_err(|source| Error::File { doing: "opening", path: path.into(), source })
}
