//! PEM files as people have them (RFC 7468, read laxly as its section 3 describes): text around the blocks, marks and
//! line ends of other editors, lines of any length. What a block says is read strictly, and a file that could mean
//! two things is refused.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// The largest key file in bytes that is looked at.
pub const MAX_FILE: u64 = 1 << 20;

/// One block.
pub struct Block {
    /// What it says that it is: `PUBLIC KEY`.
    pub label: String,
    /// Its content.
    pub der: Zeroizing<Vec<u8>>,
}

/// All blocks of a file, in order. Text outside them, of whatever encoding, is passed over.
///
/// # Errors
/// A block has no end, ends as another one, or holds no base64.
pub fn blocks(file: &[u8]) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file).split(|&b| b == b'\n' || b == b'\r');
    while let Some(line) = lines.next() {
        let Some(label) = boundary(line, "BEGIN") else { continue };
        let mut text = Zeroizing::new(Vec::with_capacity(file.len()));
        loop {
            let line = lines.next().ok_or_else(|| format!("the block {label} has no end"))?;
            match boundary(line, "END") {
                Some(end) if end == label => break,
                Some(end) => return Err(format!("the block {label} ends as {end}")),
                None => text.extend(line.iter().filter(|byte| !matches!(byte, b' ' | b'\t'))),
            }
        }
        let base64 = str::from_utf8(&text).unwrap_or_default();
        let mut der = Zeroizing::new(vec![0; base64.len() / 4 * 3]);
        let len = match Base64::decode(base64, &mut der) {
            Ok(bytes) if !bytes.is_empty() => bytes.len(),
            _ => return Err(format!("what the block {label} holds is not base64")),
        };
        der.truncate(len);
        blocks.push(Block { label: label.into(), der });
    }
    Ok(blocks)
}

/// The label of a line `-----BEGIN LABEL-----`; spaces may follow it.
fn boundary<'a>(line: &'a [u8], kind: &str) -> Option<&'a str> {
    let line = str::from_utf8(line.trim_ascii_end()).ok()?;
    line.strip_prefix("-----")?.strip_prefix(kind)?.strip_prefix(' ')?.strip_suffix("-----")
}

/// The one block with this label, if there is one.
///
/// # Errors
/// There are several: it would be a guess which one is meant.
pub fn one<'a>(blocks: &'a [Block], label: &str) -> Result<Option<&'a Block>, String> {
    let mut found = blocks.iter().filter(|block| block.label == label);
    match (found.next(), found.count()) {
        (_, more) if more > 0 => {
            Err(format!("it holds {} blocks {label}; put each key into a file of its own", more + 1))
        }
        (first, _) => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "-----BEGIN A KEY-----\nAAEC\nAwQF\n-----END A KEY-----\n";

    fn read(file: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
        let blocks = blocks(file.as_ref()).unwrap_or_else(|problem| panic!("{problem}"));
        blocks.into_iter().map(|block| block.der.to_vec()).collect()
    }

    #[test]
    fn what_is_around_a_block_does_not_matter() {
        let content = vec![vec![0, 1, 2, 3, 4, 5]];
        for file in [
            GOOD.to_owned(),
            GOOD.trim_end().to_owned(),
            GOOD.replace('\n', "\r\n"),
            GOOD.replace('\n', "\r"),
            GOOD.replace('\n', "  \n"),
            GOOD.replace("AAEC\n", "AA\nEC"),
            GOOD.replace("AAEC\n", "\n AAE\tC\n\n"),
            format!("\u{feff}{GOOD}"),
            format!("a key\n-----BEGIN-----\n{GOOD}\n\n# of Acme\n-----END A KEY-----\n"),
        ] {
            assert_eq!(read(&file), content, "{file:?}");
        }
        assert_eq!(read([b"caf\xe9\n", GOOD.as_bytes(), b"\xff\xfe"].concat()), content);
        assert_eq!(read(GOOD.repeat(2)).len(), 2);
        assert!(read("").is_empty());
        assert!(read(GOOD.replace("-----BEGIN", " -----BEGIN")).is_empty());
    }

    #[test]
    fn what_is_in_a_block_is_read_strictly() {
        for (from, to) in [
            ("-----END A KEY-----\n", ""),
            ("END A KEY", "END B KEY"),
            ("AAEC", "-----BEGIN A KEY-----\nAAEC"),
            ("AAEC", "Proc-Type: 4,ENCRYPTED\n\nAAEC"),
            ("AAEC\nAwQF\n", ""),
            ("AwQF", "AwQ"),
            ("AwQF", "AwR="),
            ("AwQF", "Aw=="),
            ("AwQF", "Aw\u{e9}F"),
            ("AAEC", "AAEC===="),
        ] {
            let file = GOOD.replace(from, to);
            if to == "Aw==" {
                assert_eq!(read(&file), [[0, 1, 2, 3]]);
                continue;
            }
            assert!(blocks(file.as_bytes()).is_err(), "{file:?}");
        }
    }

    proptest! {
        #[test]
        fn any_file_is_survived(file in prop::collection::vec(any::<u8>(), 0..300), at in 0..GOOD.len()) {
            let _ = blocks(&file);
            let mut damaged = GOOD.as_bytes().to_vec();
            damaged.splice(at..at, file);
            let _ = blocks(&damaged);
        }
    }
}
