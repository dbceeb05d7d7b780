//! Unified kernel images of the stubs that Debian packages, and signatures, as `sbverify`, `sbsign` and `objcopy` see them.

use crate::fake::Fake;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SYSTEMD: &str = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
const EFI_BOOT_GUARD: &str = "/usr/lib/x86_64-linux-gnu/efibootguard/kernel-stubx64.efi";
/// Real EFI programs: one stands in for a kernel.
const PROGRAMS: [&str; 4] = [
    "/usr/lib/systemd/boot/efi/systemd-bootx64.efi",
    "/usr/lib/x86_64-linux-gnu/efibootguard/efibootguardx64.efi",
    SYSTEMD,
    EFI_BOOT_GUARD,
];

/// A folder with a configuration, parts of an image, and two pairs of a key and a certificate: `own` and `other`.
fn workbench() -> Fake {
    let fake = Fake::new();
    fake.edit("[initramfs]", "[layout]\ncmdline = \"console=ttyS0 quiet\"\n[initramfs]");
    std::fs::copy(PROGRAMS[0], fake.path("vmlinuz")).unwrap();
    fake.write("initramfs", &[0x5a; 12345]);
    fake.write("os-release", b"ID=test\nVERSION_ID=1\nPRETTY_NAME=\"Test\"\n");
    for name in ["own", "other"] {
        let make = format!(
            "openssl req -new -x509 -newkey rsa:2048 -nodes -subj '/CN={name}/' -keyout {name}.key -out {name}.crt -days 3650"
        );
        assert!(shell(&fake, &make).status.success());
    }
    fake
}

/// Runs a script in the folder, with drydock's tool among the programs, to its first command that fails.
fn shell(fake: &Fake, script: &str) -> Output {
    let tool = Path::new(env!("CARGO_BIN_EXE_drydock-initramfs")).parent().unwrap();
    let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]).current_dir(fake.folder.path()).env("PATH", path);
    let variables = [("STUB", PathBuf::from(SYSTEMD)), ("SOFTHSM2_CONF", fake.path("softhsm2.conf"))];
    bash.envs(variables).output().unwrap()
}

/// The same for a script that must succeed; returns what it printed.
fn run(fake: &Fake, script: &str) -> String {
    let output = shell(fake, script);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a script that must fail says.
fn refused(fake: &Fake, script: &str) -> String {
    let output = shell(fake, script);
    assert_eq!(output.status.code(), Some(1), "{script}");
    String::from_utf8(output.stderr).unwrap()
}

fn uki(stub: &str, purpose: &str, output: &str) -> String {
    format!(
        "drydock-initramfs uki --config device.toml --for {purpose} --stub {stub} --kernel vmlinuz --initramfs initramfs \
         --os-release os-release --uname 6.1.0 --output {output}"
    )
}

const SIGNED: &str = " --key own.key --certificate own.crt";

#[test]
fn other_tools_find_the_parts_in_an_image_and_the_same_parts_give_the_same_bytes() {
    let fake = workbench();
    let line = "panic=10 systemd.gpt_auto=0 console=ttyS0 quiet drydock.set=b --";
    for (stub, kernel) in [(SYSTEMD, ".linux"), (EFI_BOOT_GUARD, ".kernel")] {
        let told = run(&fake, &uki(stub, "set-b", "one.efi"));
        assert!(told.contains(&format!("command line: {line}\n")), "{told}");
        run(&fake, &(uki(stub, "set-b", "two.efi") + " && cmp one.efi two.efi"));
        let take = |section: &str| {
            run(&fake, &format!("objcopy -O binary --only-section={section} one.efi taken"));
            std::fs::read(fake.path("taken")).unwrap()
        };
        let expected = match stub {
            SYSTEMD => line.as_bytes().to_vec(),
            _ => line.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect(),
        };
        assert_eq!(take(".cmdline"), expected);
        assert!(take(".initrd") == [0x5a; 12345]);
        assert_eq!(take(".uname"), b"6.1.0");
        assert!(take(".osrel").starts_with(b"ID=test\n"));
        assert!(take(kernel).starts_with(&std::fs::read(fake.path("vmlinuz")).unwrap()));
        // The program of the stub is what it was.
        let text = take(".text");
        std::fs::copy(stub, fake.path("one.efi")).unwrap();
        assert!(take(".text") == text);
    }
}

#[test]
fn a_signed_image_is_verified_with_its_certificate_and_not_when_anything_in_it_was_changed() {
    let fake = workbench();
    for stub in [SYSTEMD, EFI_BOOT_GUARD] {
        run(&fake, &(uki(stub, "recovery-a", "image.efi") + SIGNED));
        run(&fake, &(uki(stub, "recovery-a", "again.efi") + SIGNED + " && cmp image.efi again.efi"));
        run(&fake, "sbverify --cert own.crt image.efi");
        let listed = run(&fake, "sbverify --list image.efi");
        assert!(listed.contains("signature 1") && !listed.contains("signature 2"), "{listed}");
        assert!(listed.contains("CN") && listed.contains("own"), "{listed}");
        assert!(!shell(&fake, "sbverify --cert other.crt image.efi").status.success());
        let image = std::fs::read(fake.path("image.efi")).unwrap();
        let words = ["drydock.recovery", "ID=test", "d\0r\0y\0d\0o\0c\0k\0"];
        let places = words
            .iter()
            .filter_map(|word| image.windows(word.len()).position(|bytes| bytes == word.as_bytes()));
        let places: Vec<_> = places.chain([0x80, 0x500, image.len() - 0x1000]).collect();
        assert!(places.len() >= 5, "{places:?}");
        for place in places {
            let mut changed = image.clone();
            changed[place] ^= 1;
            fake.write("changed.efi", &changed);
            assert!(!shell(&fake, "sbverify --cert own.crt changed.efi").status.success(), "{place:#x}");
        }
    }
}

#[test]
fn any_efi_program_is_signed_and_a_second_signature_stands_beside_the_first() {
    let fake = workbench();
    for (n, program) in PROGRAMS.into_iter().enumerate() {
        std::fs::copy(program, fake.path("program.efi")).unwrap();
        run(
            &fake,
            "drydock-initramfs sign-efi program.efi --certificate own.crt --key own.key
             sbverify --cert own.crt program.efi
             cp program.efi once.efi
             drydock-initramfs sign-efi program.efi --certificate own.crt --key own.key && cmp program.efi once.efi
             drydock-initramfs sign-efi program.efi --certificate other.crt --key other.key --output both.efi
             cmp program.efi once.efi
             sbverify --cert own.crt both.efi && sbverify --cert other.crt both.efi",
        );
        assert!(run(&fake, "sbverify --list both.efi").contains("signature 2"), "{n}");
        // Beside a signature of sbsign's own, too.
        std::fs::copy(program, fake.path("program.efi")).unwrap();
        run(
            &fake,
            "sbsign --key other.key --cert other.crt --output theirs.efi program.efi
             drydock-initramfs sign-efi theirs.efi --certificate own.crt --key own.key
             sbverify --cert own.crt theirs.efi && sbverify --cert other.crt theirs.efi",
        );
    }
}

/// The commands that docs/secure-boot.md tells, word by word.
#[test]
fn a_key_in_an_hsm_signs_an_image_as_a_key_in_a_file_does() {
    let fake = workbench();
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/secure-boot.md");
    let text = std::fs::read_to_string(document).unwrap();
    let script = text.split_once("<!-- test: hsm -->\n```sh\n").unwrap().1.split_once("\n```\n").unwrap().0;
    fake.write(
        "softhsm2.conf",
        format!("directories.tokendir = {}\n", fake.path("tokens").display()).as_bytes(),
    );
    run(
        &fake,
        "mkdir tokens
         softhsm2-util --init-token --free --label drydock --pin 1234 --so-pin 5678
         openssl pkcs8 -topk8 -nocrypt -in own.key -out own.pkcs8
         softhsm2-util --import own.pkcs8 --token drydock --label db --id 01 --pin 1234",
    );
    run(&fake, &uki(SYSTEMD, "set-a", "drydock-a.efi"));
    run(&fake, &(uki(SYSTEMD, "set-a", "by-file.efi") + SIGNED));
    run(&fake, &format!("MODULE=/usr/lib/softhsm/libsofthsm2.so PIN=1234\ncp own.crt db.crt\n{script}"));
    run(&fake, "sbverify --cert own.crt drydock-a.efi && cmp drydock-a.efi by-file.efi");

    // What is no signature of these bytes by this key is not attached.
    run(&fake, &uki(SYSTEMD, "set-b", "drydock-b.efi"));
    let said =
        refused(&fake, "drydock-initramfs sign-efi drydock-b.efi --certificate db.crt --attach signature");
    assert!(said.contains("signature: is no signature of this program"), "{said}");
    run(&fake, &(uki(SYSTEMD, "set-b", "same.efi") + " && cmp same.efi drydock-b.efi"));
}

#[test]
fn keys_certificates_and_programs_that_do_not_fit_are_refused_by_name() {
    let fake = workbench();
    run(&fake, &uki(SYSTEMD, "set-a", "image.efi"));
    run(
        &fake,
        "openssl pkcs8 -topk8 -in own.key -passout pass:x -out locked.key
         openssl rsa -traditional -in own.key -out pkcs1.key
         openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ec/ -keyout ec.key -out ec.crt
         cat own.crt other.crt > two.crt; echo nothing > empty.crt; head -c 20000 image.efi > cut.efi",
    );
    let sign = |program: &str, certificate: &str, key: &str| {
        format!(
            "drydock-initramfs sign-efi {program} --certificate {certificate} --key {key} --output signed.efi"
        )
    };
    for (program, certificate, key, words) in [
        ("image.efi", "own.crt", "other.key", "other.key: is the key of another certificate"),
        ("image.efi", "own.crt", "locked.key", "locked.key: holds a key under a passphrase"),
        ("image.efi", "own.crt", "own.crt", "own.crt: holds no private key in PEM"),
        ("image.efi", "own.crt", "ec.key", "ec.key: holds no RSA key of 2048 to 4096 bits"),
        ("image.efi", "ec.crt", "ec.key", "ec.crt: is for another kind of key than RSA"),
        ("image.efi", "two.crt", "own.key", "two.crt: it holds 2 blocks CERTIFICATE"),
        ("image.efi", "empty.crt", "own.key", "empty.crt: holds no certificate in PEM"),
        ("cut.efi", "own.crt", "own.key", "cut.efi: is no EFI program"),
        ("initramfs", "own.crt", "own.key", "initramfs: is no EFI program"),
        ("missing.efi", "own.crt", "own.key", "read missing.efi: No such file"),
    ] {
        let said = refused(&fake, &sign(program, certificate, key));
        assert!(said.contains(words), "{said}");
        assert!(!fake.path("signed.efi").exists());
    }
    run(&fake, &(sign("image.efi", "own.crt", "pkcs1.key") + " && sbverify --cert own.crt signed.efi"));

    for (from, to, words) in [
        (
            "vmlinuz",
            "initramfs",
            "initramfs: is no EFI program for a processor of 64 bits, or is cut off; it must be built with",
        ),
        (SYSTEMD, PROGRAMS[1], "efibootguardx64.efi: is neither systemd's stub"),
    ] {
        let said = refused(&fake, &uki(SYSTEMD, "set-a", "other.efi").replacen(from, to, 1));
        assert!(said.contains(words), "{said}");
    }
    fake.edit("[layout]", "[layout]\nbootloader = \"none\"\narchitecture = \"aarch64\"");
    let said = refused(&fake, &uki(SYSTEMD, "set-a", "other.efi"));
    assert!(said.contains("linuxx64.efi.stub: is for x86_64, the device is aarch64"), "{said}");
    assert!(!fake.path("other.efi").exists());
}
