use crate::image::Image;
use crate::{Error, Kind, Superblock, Tree, erofs, ext, squashfs, walk};
use drydock_format::ReadAt;

/// How much of an image is looked at for its superblock.
const HEAD: u64 = 128 << 10;

/// Returns where the files of an image lie, or `None` if it holds no filesystem whose files can be read here.
///
/// Its content is not read: what takes time and memory is the number of files and of their extents.
///
/// # Errors
/// [`Error::Read`] if `image` can't be read; [`Error::Damaged`], [`Error::Unsupported`] and [`Error::TooLarge`] if nothing
/// can be said of its files. Then, too, its bytes are what they are, and may be compared without knowing of files.
pub fn read(image: &dyn ReadAt) -> Result<Option<Tree>, Error> {
    let image = Image::new(image)?;
    let Some(Superblock { kind, .. }) = Superblock::find(&image.head(HEAD)?) else { return Ok(None) };
    let files = match kind {
        Kind::Erofs { .. } => walk::walk(&erofs::Erofs::open(&image)?)?,
        Kind::Ext { .. } => walk::walk(&ext::Ext::open(&image)?)?,
        Kind::Squashfs { .. } => walk::walk(&squashfs::Squashfs::open(&image)?)?,
        Kind::Xfs { .. } | Kind::Btrfs { .. } | Kind::F2fs | Kind::Cramfs | Kind::Fat => return Ok(None),
    };
    Ok(Some(Tree { kind, files }))
}
