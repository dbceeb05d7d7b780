//! An image in parts: its files, and everything that is no file as one more.

use crate::image::Image;
use drydock_trees::{File, Stored};
use std::borrow::Cow;
use std::ops::Range;

/// Bytes of an image that belong together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// The file's path; empty for what is no file.
    pub(crate) path: Vec<u8>,
    /// How many of its bytes are the file's content, if they are so as they lie.
    pub(crate) size: usize,
    /// Where its bytes lie in the image, in the order of the content.
    pub(crate) extents: Vec<Range<usize>>,
}

impl Part {
    /// Returns its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.extents.iter().map(Range::len).sum()
    }

    /// Returns its bytes.
    pub(crate) fn bytes<'i>(&self, image: &'i Image<'_>) -> Cow<'i, [u8]> {
        match self.extents.as_slice() {
            [one] => Cow::Borrowed(image.get(one.clone())),
            many => many.iter().flat_map(|extent| image.get(extent.clone())).copied().collect(),
        }
    }

    /// Returns where in the image the byte at `at` lies, and how many bytes follow it there.
    pub(crate) fn place(&self, mut at: usize) -> Option<(usize, usize)> {
        for extent in &self.extents {
            if at < extent.len() {
                return Some((extent.start + at, extent.len() - at));
            }
            at -= extent.len();
        }
        None
    }
}

/// Files begin on blocks of this many bytes, or are padded to them.
const BLOCK: usize = 4096;

/// Returns the parts of an image: its files, in the order of their places, and at last what is no file.
pub(crate) fn parts(image: &[u8]) -> Vec<Part> {
    // An image that can't be read as a filesystem is one part, and is matched by its content.
    let files = drydock_trees::read(&image).ok().flatten().map_or_else(Vec::new, |tree| tree.files);
    let mut owned = owned(&files, image.len());
    owned.sort_by_key(|(extent, ..)| extent.start);
    let mut parts: Vec<Part> = files.iter().map(part).collect();
    let mut rest = Part::default();
    let mut at = 0;
    for (extent, file, _) in &owned {
        if extent.start > at {
            rest.extents.push(at..extent.start);
        }
        at = extent.end;
        if let Some(part) = parts.get_mut(*file) {
            part.extents.push(extent.clone());
        }
    }
    if at < image.len() {
        rest.extents.push(at..image.len());
    }
    for (part, file) in parts.iter_mut().zip(&files) {
        order_by_content(part, file);
    }
    parts.retain(|part| !part.extents.is_empty());
    parts.sort_by_key(|part| part.extents.first().map(|extent| extent.start));
    parts.push(rest);
    parts
}

fn part(file: &File) -> Part {
    let is_whole = file.stored == Stored::Plain
        && file.extents.iter().map(|extent| extent.len).sum::<u64>() >= file.size;
    let size = if is_whole { file.size as usize } else { 0 };
    Part { path: file.path.clone(), size, extents: Vec::new() }
}

/// Gives each byte to the first file that has it, and the padding behind it, too.
fn owned(files: &[File], len: usize) -> Vec<(Range<usize>, usize, u64)> {
    let mut all: Vec<_> = files
        .iter()
        .enumerate()
        .flat_map(|(nth, file)| {
            file.extents
                .iter()
                .map(move |extent| (extent.at as usize, extent.len as usize, nth, extent.offset))
        })
        .collect();
    all.sort_unstable();
    let mut owned: Vec<(Range<usize>, usize, u64)> = Vec::new();
    for (at, size, file, offset) in all {
        let start = at.max(owned.last().map_or(0, |(last, ..)| last.end));
        let end = (at + size).min(len);
        if let Some((last, ..)) = owned.last_mut() {
            last.end = last.end.next_multiple_of(BLOCK).min(at.max(last.end));
        }
        if start < end {
            owned.push((start..end, file, offset));
        }
    }
    if let Some((last, ..)) = owned.last_mut() {
        last.end = last.end.next_multiple_of(BLOCK).min(len);
    }
    owned
}

/// A file's extents come in the order of the image; the content's order is what is wanted.
fn order_by_content(part: &mut Part, file: &File) {
    let offset = |extent: &Range<usize>| {
        let holds = |known: &&drydock_trees::Extent| {
            (known.at..known.at + known.len).contains(&(extent.start as u64))
        };
        file.extents
            .iter()
            .find(holds)
            .map_or(u64::MAX, |known| known.offset + (extent.start as u64 - known.at))
    };
    if part.extents.len() > 1 {
        part.extents.sort_by_cached_key(offset);
    }
}
