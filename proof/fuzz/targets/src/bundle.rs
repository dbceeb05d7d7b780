//! The bundle format.

use crate::options::options;
use drydock_format::frames::{Decoder, FrameTable};
use drydock_format::tar::Header;
use drydock_format::tree::Hasher;
use drydock_format::{Bundle, Digest, Image, Manifest, PublicKey, Salt, Supplement, Trusted, signature};
use drydock_tree::{List, What};
use std::path::{Component, Path};

const BLOCK: u64 = 4096;
const GROUP: u32 = 128 * 4096;

pub(crate) fn manifest(data: &[u8]) -> bool {
    let Ok(manifest) = Manifest::parse(data) else { return false };
    let again = Manifest::parse(&manifest.to_bytes());
    assert_eq!(again.ok().map(|again| again.to_bytes()), Some(manifest.to_bytes()));
    true
}

/// The list of later deltas, and what becomes of a release that it is put into.
pub(crate) fn supplement(data: &[u8]) -> bool {
    const RELEASE: &[u8] = include_bytes!("../../seeds/manifest/two-images");
    let Ok(supplement) = Supplement::parse(data) else { return false };
    assert_eq!(Supplement::parse(&supplement.to_bytes()).ok().as_ref(), Some(&supplement));
    let Ok(release) = Manifest::parse(RELEASE) else { return false };
    let mut joined = release.clone();
    let digest = supplement.manifest;
    if supplement.clone().join(&mut joined, digest).is_err() {
        return false;
    }
    // It only adds, and what comes of it keeps the rules.
    assert!(joined.members.starts_with(&release.members) && joined.images == release.images);
    assert!(joined.check().is_ok() && joined.further().ends_with(&supplement.members));
    assert!(supplement.join(&mut joined, Digest([!digest.0[0]; 32])).is_err());
    true
}

/// The list of a tree's files, behind a first line that is right. What is read leads nowhere out, is chosen or not, and is written
/// in one way only.
pub(crate) fn file_list(data: &[u8]) -> bool {
    let mut bytes = format!("drydock-files/1 {:08}\n", drydock_tree::HEAD + data.len()).into_bytes();
    bytes.extend(data);
    let Ok(list) = List::parse(&bytes, 1 << 30) else { return false };
    assert_eq!(List::encode(&list.choice, list.entries()), bytes);
    for entry in list.entries() {
        assert!(entry.path.components().all(|part| matches!(part, Component::Normal(_))));
        assert!(entry.path.parent().is_some_and(|above| above == Path::new("") || list.at(above).is_some()));
        let _ = list.choice.has(&entry.path);
        if let What::File { size, at, .. } = list.file(entry).what {
            assert!(list.place(at) + size <= 1 << 30);
        }
    }
    true
}

/// Nobody can sign for the key of RFC 8032's first test without having it, so nothing may verify.
pub(crate) fn signatures(data: &[u8]) -> bool {
    let id = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    if let Ok(key) = id.parse::<PublicKey>() {
        let trusted = Trusted { keys: vec![key], threshold: 1 };
        assert!(signature::verify(b"{}", data, &trusted).is_err());
    }
    let Ok(lines) = signature::parse(data) else { return false };
    for line in &lines {
        let again = signature::parse(line.to_string().as_bytes());
        assert_eq!(again.ok().as_deref(), Some(std::slice::from_ref(line)));
    }
    !lines.is_empty()
}

pub(crate) fn tar_header(data: &[u8]) -> bool {
    let mut block = [0; 512];
    let length = data.len().min(512);
    block[..length].copy_from_slice(&data[..length]);
    let _ = Header::decode(&block);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let Some(header) = Header::decode(&block) else { return false };
    if header.size < 8 << 30 {
        assert_eq!(Header::decode(&header.encode()), Some(header));
    }
    true
}

/// A whole archive, as the host tool reads one whose signatures it does not know.
pub(crate) fn archive(data: &[u8]) -> bool {
    let Ok(bundle) = Bundle::open_unverified(data.to_vec()) else { return false };
    let mut further = bundle.manifest().further().iter().filter(|member| bundle.has(&member.name));
    let mut all = further.all(|member| bundle.prove_further(member, |_| ()).is_ok());
    for image in &bundle.manifest().images {
        let reader = bundle.image(&image.name);
        all &= reader.is_ok();
        if let Ok(reader) = reader {
            let mut frame = Vec::new();
            all &= reader.read_frame(0, &mut frame).is_ok() == reader.has_frames();
        }
    }
    all
}

fn image(size: u64, frame_size: u32, root_hash: Digest) -> Image {
    Image { name: "root".into(), class: "root".into(), size, salt: Salt::default(), root_hash, frame_size }
}

/// The first byte says how many groups the image has, the rest is the tree.
pub(crate) fn groups(data: &[u8]) -> bool {
    let (groups, tree) = options(data);
    let size = u64::from(GROUP) * (1 + u64::from(groups) * 16);
    let _ = image(size, GROUP, Digest([0; 32])).group_digests(tree);
    let Some(top) = tree.get(..BLOCK as usize) else { return false };
    let root_hash = Hasher::new(&Salt::default()).digest(top);
    match image(size, GROUP, root_hash).group_digests(tree) {
        Ok(digests) => {
            assert_eq!(digests.len() as u64, size.div_ceil(u64::from(GROUP)));
            true
        }
        Err(_) => false,
    }
}

/// The first byte says how large the frames are; their number fits the table.
pub(crate) fn frame_table(data: &[u8]) -> bool {
    let (options, table) = options(data);
    let frame_size = GROUP * (1 + u32::from(options % 8));
    let (lengths, _) = table.as_chunks::<4>();
    let size = (lengths.len() as u64 * u64::from(frame_size)).saturating_sub(u64::from(options) * BLOCK);
    let total: u64 = lengths.iter().map(|length| u64::from(u32::from_le_bytes(*length))).sum();
    let image = image(size.max(2 * BLOCK), frame_size, Digest([0; 32]));
    assert!(FrameTable::parse(&image, table, total + 1).is_err());
    let Ok(table) = FrameTable::parse(&image, table, total) else { return false };
    let mut end = 0;
    for frame in 0..image.frame_count() {
        let range = table.range(frame).unwrap_or_default();
        assert!(range.start == end && range.end > end, "frame {frame} at {range:?}");
        end = range.end;
    }
    assert!(end == total && table.range(image.frame_count()).is_none());
    true
}

/// The first byte says how many blocks the frame should unpack to.
pub(crate) fn frame(data: &[u8]) -> bool {
    let (blocks, frame) = options(data);
    let mut out = vec![0; usize::from(blocks) * BLOCK as usize];
    Decoder::new().decode(frame, &mut out).is_ok()
}
