//! No other source names an architecture: whoever adds one finds in this crate all that there is to fill in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_architecture::Architecture;
use std::path::{Path, PathBuf};

/// What no source outside of this crate may have, in any case of letters.
const NAMES: [&str; 18] = [
    "x86_64",
    "x86-64",
    "amd64",
    "i386",
    "aarch64",
    "arm64",
    "bootx64",
    "bootaa64",
    "4f68bce3",
    "b921b045",
    "root_x64",
    "qemu-system-",
    "q35",
    "bzimage",
    "ovmf",
    "aavmf",
    "grub-pc-bin",
    "grub-efi-",
];
/// Where they may stand: here, in what installs Debian's packages and builds with them, and in what cargo made.
const ELSEWHERE: [&str; 3] = ["lib/architecture", "tools", "target"];
/// What is about the contents of images, which may be for any machine: whose instructions they are, how a kernel is packed.
const CONTENTS: [&str; 4] = [
    "lib/delta/src/spaces.rs",
    "lib/delta/src/address",
    "lib/repack/src/recognise.rs",
    "host/differ/src/elf.rs",
];

/// The programs' and scripts' sources below `folder`. Tests may name what they expect, as the standards have it.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let known = ELSEWHERE.iter().chain(&CONTENTS);
            let skipped =
                name.starts_with('.') || name == "tests" || known.into_iter().any(|one| path.ends_with(one));
            if !skipped {
                sources(&path, found);
            }
        } else if (name.ends_with(".rs") || name.ends_with(".sh"))
            && !CONTENTS.iter().any(|one| path.ends_with(one))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_other_source_names_an_architecture() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut files = Vec::new();
    sources(top, &mut files);
    assert!(files.len() > 150, "only {} sources were found below {}", files.len(), top.display());
    let mut wrong = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for (index, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            if let Some(name) = NAMES.iter().find(|name| lower.contains(*name)) {
                wrong.push(format!("{}:{}: {name}: {}", path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "the type `Architecture` is to say this:\n{}", wrong.join("\n"));
}

/// The shell can't ask the type.
#[test]
fn the_build_script_knows_the_same_architectures() {
    let script = include_str!("../../../tools/build.sh");
    let names = Architecture::ALL.map(Architecture::name);
    assert!(script.contains(&format!("\n    {}) ;;\n", names.join(" | "))), "{names:?}");
    assert!(script.contains(&format!("known are {}\"", names.join(", "))), "{names:?}");
    assert!(script.contains(&format!("\narchitecture={}\n", Architecture::REFERENCE)));
    for one in Architecture::ALL {
        assert_eq!(one.target(), format!("{one}-unknown-linux-gnu"));
    }
    assert!(script.contains("\ntarget=$architecture-unknown-linux-gnu\n"));
}
