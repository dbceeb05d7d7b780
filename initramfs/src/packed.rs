//! Modules and firmware as distributions pack them. Inside the initramfs they are plain: the device loads them as they
//! are, and the whole is compressed anyway.

use crate::Error;
use crate::limit::read_all;
use crate::xz;
use crate::zstd::decompress;
use flate2::read::MultiGzDecoder;
use std::path::Path;

/// What a packed file's name ends in.
pub(crate) const ENDINGS: [&str; 3] = [".zst", ".xz", ".gz"];

/// The name without what packing has added to it.
pub(crate) fn plain_name(name: &str) -> &str {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// The content of the file `path`, whose bytes these are; how it is packed, its name says.
pub(crate) fn unpack(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let unpacked = match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => return decompress(&bytes).map_err(|error| Error::unusable(path, error.to_string())),
        Some("xz") => xz::decompress(&bytes),
        Some("gz") => read_all(MultiGzDecoder::new(bytes.as_slice())),
        _ => return Ok(bytes),
    };
    unpacked.map_err(|error| Error::unusable(path, format!("can't be unpacked: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What `xz` and `gzip` write comes back, and nothing else does.
    #[test]
    fn what_distributions_pack_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..3_000_000u32).map(|i| (i / 7 * (i % 5)) as u8).collect();
        let plain = dir.path().join("module.ko");
        for (script, ending) in [
            // As scripts/Makefile.modinst in the kernel's source does it, and at its largest.
            ("xz --check=crc32 --lzma2=dict=1MiB -k", "xz"),
            ("xz -9 --check=sha256 -k", "xz"),
            ("xz --x86 --lzma2 -k", "xz"),
            ("gzip -n -f -k", "gz"),
        ] {
            std::fs::write(&plain, &content).unwrap();
            let done =
                Command::new("sh").args(["-c", &format!("{script} -f module.ko")]).current_dir(&dir).status();
            assert!(done.unwrap().success(), "{script}");
            let path = dir.path().join(format!("module.ko.{ending}"));
            let packed = std::fs::read(&path).unwrap();
            assert!(unpack(&path, packed.clone()).unwrap() == content, "{script}");
            let twice = [&packed[..], &packed].concat();
            assert_eq!(unpack(&path, twice).unwrap().len(), 2 * content.len(), "{script}");
            let mut damaged = packed.clone();
            damaged[packed.len() / 2] ^= 1;
            for bad in [damaged, packed[..packed.len() - 1].to_vec(), content[..1000].to_vec(), vec![]] {
                let refused = unpack(&path, bad).unwrap_err().to_string();
                assert!(refused.contains(&format!("module.ko.{ending}: can't be unpacked: ")), "{refused}");
            }
        }
        assert_eq!(unpack(&plain, content.clone()).unwrap(), content);
    }

    #[test]
    fn names_lose_only_what_packing_has_added() {
        for (name, plain) in
            [("a.ko.xz", "a.ko"), ("a.ko.gz", "a.ko"), ("a.ko.zst", "a.ko"), ("a.ko", "a.ko")]
        {
            assert_eq!(plain_name(name), plain);
        }
    }
}
