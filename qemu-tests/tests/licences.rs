//! No dependency of the device binary may change its licence, MIT OR Apache-2.0.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu_tests::ARCHITECTURE;
use std::process::Command;

/// Permissive licences, and MPL-2.0, whose copyleft ends at its own files.
const ALLOWED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression (or the old spelling `MIT/Apache-2.0`) leaves a choice that is allowed.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    if let Some(choices) = split(&expression, " OR ") {
        choices.iter().any(|choice| allowed(choice))
    } else if let Some(parts) = split(&expression, " AND ") {
        parts.iter().all(|part| allowed(part))
    } else if let Some(inner) = expression.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        allowed(inner)
    } else {
        ALLOWED.contains(&expression.trim())
    }
}

/// Splits at an operator outside parentheses; `None` if there is none.
fn split<'a>(expression: &'a str, operator: &str) -> Option<Vec<&'a str>> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, byte) in expression.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ if depth == 0 && expression[at..].starts_with(operator) => {
                parts.push(&expression[start..at]);
                start = at + operator.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[start..]);
    (parts.len() > 1).then_some(parts)
}

#[test]
fn the_device_binary_is_permissively_licensed() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", "drydock-recovery", "--edges", "normal", "--prefix", "none"])
        .args(["--target", ARCHITECTURE.target(), "--format", "{p}|{l}"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: Vec<_> = tree.lines().filter_map(|line| line.split_once('|')).collect();
    assert!(crates.len() > 20, "cargo tree printed only {} crates", crates.len());
    let refused: Vec<_> =
        crates.iter().filter(|(_, licence)| !allowed(&licence.replace(" (*)", ""))).collect();
    assert!(refused.is_empty(), "licences that would change that of the device binary: {refused:#?}");
}

#[test]
fn copyleft_is_refused_unless_there_is_a_choice() {
    for licence in ["GPL-3.0-only", "LGPL-2.1", "MIT AND GPL-2.0", "(MIT OR ISC) AND AGPL-3.0", "", "Made-Up"]
    {
        assert!(!allowed(licence), "{licence}");
    }
    for licence in ["MIT/Apache-2.0", "GPL-2.0 OR BSD-3-Clause", "(MIT OR GPL-2.0) AND Unicode-3.0"] {
        assert!(allowed(licence), "{licence}");
    }
}
