//! The command-line tool: files, exit status, what is printed where.

use crate::fake::Fake;
use drydock_initramfs::{Compression, Form, NEEDS, Severity, When, check_kernel};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

fn tool(fake: &Fake, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drydock-initramfs"))
        .args(args)
        .current_dir(fake.folder.path())
        .output()
        .unwrap()
}

const BUILD: [&str; 9] = [
    "build",
    "--config",
    "device.toml",
    "--drydock",
    "drydock",
    "--kernel-root",
    "kernel",
    "--output",
    "out.zst",
];

#[test]
fn build_list_and_list_again() {
    let fake = Fake::new();
    let built = tool(&fake, &[&BUILD[..], &["--list"]].concat());
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let printed = String::from_utf8(built.stdout).unwrap();
    assert!(printed.contains("64 bytes  device binary") && printed.contains("initramfs without modules"));
    let listed = String::from_utf8(tool(&fake, &["list", "out.zst"]).stdout).unwrap();
    assert!(!listed.is_empty() && printed.starts_with(&listed), "{listed}");
    assert!(
        listed.contains("0755         64 init\n") && listed.contains("0755          0 proc/\n"),
        "{listed}"
    );
    assert!(!fake.path("out.zst.new").exists());

    fake.write("cut.zst", &std::fs::read(fake.path("out.zst")).unwrap()[..100]);
    let refused = tool(&fake, &["list", "cut.zst"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cut.zst"));
}

/// As `xz` unpacks it, and as its list says.
#[test]
fn an_initramfs_in_xz_holds_the_same_in_fewer_bytes() {
    let fake = Fake::new();
    let program = std::fs::read(env!("CARGO_BIN_EXE_drydock-initramfs")).unwrap();
    fake.write("drydock", &[&crate::fake::elf(), &program[..program.len().min(2 << 20)]].concat());
    assert!(tool(&fake, &BUILD).status.success());
    let zstd = std::fs::read(fake.path("out.zst")).unwrap();
    let listed = tool(&fake, &["list", "out.zst"]).stdout;
    assert!(tool(&fake, &[&BUILD[..], &["--compression", "xz"]].concat()).status.success());
    let xz = std::fs::read(fake.path("out.zst")).unwrap();
    assert!(xz.len() * 100 < zstd.len() * 95, "{} and {}", xz.len(), zstd.len());
    assert_eq!(tool(&fake, &["list", "out.zst"]).stdout, listed);
    std::fs::rename(fake.path("out.zst"), fake.path("out.xz")).unwrap();
    let unpacked = Command::new("xz").args(["-dc"]).arg(fake.path("out.xz")).output().unwrap();
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    let binary = std::fs::read(fake.path("drydock")).unwrap();
    assert!(unpacked.stdout.windows(binary.len()).any(|bytes| bytes == binary), "the program comes back");

    let refused = tool(&fake, &[&BUILD[..], &["--compression", "gzip"]].concat());
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn an_output_that_is_no_regular_file_is_refused_and_a_link_followed() {
    let fake = Fake::new();
    for (target, words) in
        [("/dev/null", "is a device"), ("nowhere", "symbolic link to nothing"), ("kernel", "directory")]
    {
        symlink(target, fake.path("out.zst")).unwrap();
        let built = tool(&fake, &BUILD);
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        assert!(built.status.code() == Some(1) && said.contains(words), "{said}");
        assert_eq!(fs::read_link(fake.path("out.zst")).unwrap(), Path::new(target));
        fs::remove_file(fake.path("out.zst")).unwrap();
    }
    fake.write("real.zst", b"old");
    symlink("real.zst", fake.path("out.zst")).unwrap();
    assert!(tool(&fake, &BUILD).status.success());
    assert!(fake.path("out.zst").is_symlink() && fs::read(fake.path("real.zst")).unwrap() != b"old");
}

#[test]
fn a_key_in_the_initramfs_is_warned_of_and_kept_private() {
    let fake = Fake::new();
    let mode = |fake: &Fake| fake.path("out.zst").metadata().unwrap().permissions().mode() & 0o077;
    assert!(tool(&fake, &BUILD).status.success());
    assert_ne!(mode(&fake), 0);
    fake.edit(
        "[initramfs]",
        "[data]\nencrypted = true\n[[unlock]]\nkind = \"initramfs\"\nfile = \"unlock.key\"\n[initramfs]",
    );
    let built = tool(&fake, &BUILD);
    assert!(built.status.success());
    assert!(String::from_utf8_lossy(&built.stderr).contains("this is for demos"));
    assert_eq!(mode(&fake), 0);
    let listed = String::from_utf8(tool(&fake, &["list", "out.zst"]).stdout).unwrap();
    assert!(listed.contains("0400          6 etc/drydock/unlock.key\n"), "{listed}");
}

#[test]
fn a_failed_build_leaves_the_old_image() {
    let fake = Fake::new();
    fake.write("out.zst", b"old");
    fake.edit("erofs", "eroffs");
    let refused = tool(&fake, &BUILD);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("device.toml:11:25:"));
    assert_eq!(std::fs::read(fake.path("out.zst")).unwrap(), b"old");
}

#[test]
fn a_full_disk_leaves_nothing_behind_and_no_name_is_in_the_way() {
    let fake = Fake::new();
    std::fs::create_dir(fake.path("out")).unwrap();
    std::fs::create_dir(fake.path("out/i.new")).unwrap();
    let build = "build --config device.toml --drydock drydock --kernel-root kernel --output out/i";
    let run = |before: &str| {
        let line = format!("{before} exec {} {build}", env!("CARGO_BIN_EXE_drydock-initramfs"));
        Command::new("bash").args(["-c", &line]).current_dir(fake.folder.path()).output().unwrap()
    };
    let full = run("trap '' XFSZ; ulimit -f 0;");
    assert_eq!(full.status.code(), Some(1));
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(said.contains("write the initramfs out/i: File too large"), "{said}");
    let left = || std::fs::read_dir(fake.path("out")).unwrap().count();
    assert_eq!(left(), 1);
    assert!(run("").status.success());
    assert_eq!(left(), 2);
    // Standard error may be closed: no reason to panic.
    assert_eq!(run("exec 2>&-; cd /;").status.code(), Some(1));
}

#[test]
fn names_that_are_not_utf8_are_names_like_others() {
    let fake = Fake::new();
    let odd = OsStr::from_bytes(b"caf\xe9");
    for (from, to) in [("device.toml", "toml"), ("drydock", "binary"), ("kernel", "kernel")] {
        std::fs::rename(fake.path(from), fake.folder.path().join(odd).with_extension(to)).unwrap();
    }
    let line = b"tool build --config $'caf\\xe9.toml' --drydock $'caf\\xe9.binary' --kernel-root $'caf\\xe9.kernel' \
        --firmware-dir $'caf\\xe9' -o $'caf\\xe9' --list && $tool list $'caf\\xe9'; $tool list $'\\xff'";
    let output = Command::new("bash")
        .args(["-c".as_ref(), OsStr::from_bytes(&[b"$", &line[..]].concat())])
        .env("tool", env!("CARGO_BIN_EXE_drydock-initramfs"))
        .current_dir(fake.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("read \u{fffd}: No such file"), "{said}");
    assert!(fake.folder.path().join(odd).is_file(), "{said}");
}

fn fragment() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../kernel-config/recovery.config");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_fragment_has_what_the_check_asks_for() {
    let fragment = fragment();
    assert_eq!(check_kernel(&fragment, None, Form::BuiltIn, Compression::Zstd).needs, []);
    let xz = [When::Compressed(Compression::Xz), When::Filtered];
    let otherwise = [&[When::Modules, When::Network, When::Vlan, When::Hooks, When::Carry][..], &xz].concat();
    for need in NEEDS.iter().filter(|need| !otherwise.contains(&need.when)) {
        let line = format!("CONFIG_{}=y\n", need.option);
        if matches!(need.when, When::FatNames(names) if names != "iso8859-1") {
            continue;
        }
        assert!(fragment.contains(&line), "for {}", need.why);
        let lacking =
            check_kernel(&fragment.replace(&line, ""), None, Form::BuiltIn, Compression::Zstd).needs;
        let other_root = matches!(need.when, When::Root(filesystem) if filesystem != "erofs");
        assert_eq!(lacking.contains(need), !other_root, "{}", need.option);
    }
}

#[test]
fn the_fragment_for_a_network_has_what_a_network_asks_for() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../kernel-config/network.config");
    let network = std::fs::read_to_string(path).unwrap();
    let fake = Fake::new();
    let config = |lines: &str| {
        let text = std::fs::read_to_string(fake.path("device.toml")).unwrap();
        fake.write("network.toml", format!("{text}\n[[network.interface]]\n{lines}\n").as_bytes());
        drydock_config_load::load(&fake.path("network.toml")).unwrap()
    };
    let (tagged, untagged) = (config("vlan = 7"), config(""));
    let both = fragment() + &network;
    assert_eq!(check_kernel(&both, Some(&tagged), Form::BuiltIn, Compression::Zstd).needs, []);
    let needs = NEEDS.iter().filter(|need| matches!(need.when, When::Network | When::Vlan));
    let options: Vec<_> = needs.map(|need| need.option).collect();
    assert!(options.contains(&"PACKET") && options.contains(&"VLAN_8021Q"), "{options:?}");
    for option in options {
        let without = both.replace(&format!("CONFIG_{option}=y\n"), "");
        let lacking = |config| check_kernel(&without, Some(config), Form::BuiltIn, Compression::Zstd).needs;
        assert_eq!(lacking(&tagged).iter().map(|need| need.option).collect::<Vec<_>>(), [option]);
        assert_eq!(lacking(&untagged).is_empty(), option == "VLAN_8021Q", "{option}");
    }
}

#[test]
fn sticks_are_read_with_the_character_set_that_the_kernel_was_built_to_use() {
    // As Debian's kernels have it.
    let sticks = "CONFIG_VFAT_FS=m\nCONFIG_FAT_DEFAULT_IOCHARSET=\"ascii\"\nCONFIG_NLS_CODEPAGE_437=m\n\
        CONFIG_NLS_ASCII=m\nCONFIG_NLS_ISO8859_1=m\nCONFIG_EXFAT_FS=m\nCONFIG_ISO9660_FS=m\n";
    let lacking = check_kernel(sticks, None, Form::BuiltInOrModule, Compression::Zstd);
    let modules: Vec<_> = lacking.as_modules.iter().map(|(module, _)| *module).collect();
    assert_eq!(modules, ["vfat", "nls_cp437", "nls_ascii", "exfat", "isofs"]);
    let western = sticks.replace("\"ascii\"", "\"iso8859-1\"");
    let lacking = check_kernel(&western, None, Form::BuiltInOrModule, Compression::Zstd);
    assert!(lacking.as_modules.contains(&("nls_iso8859_1", Severity::Should)), "{lacking:?}");
    assert!(!lacking.as_modules.iter().any(|(module, _)| *module == "nls_ascii"), "{lacking:?}");
}

#[test]
fn modules_count_where_they_work() {
    let fragment = fragment() + "CONFIG_MODULES=y\nCONFIG_DM_VERITY=m\n";
    let lacking = check_kernel(&fragment, None, Form::BuiltInOrModule, Compression::Zstd);
    assert_eq!((lacking.needs, lacking.as_modules), (vec![], vec![("dm-verity", Severity::Must)]));
    assert_eq!(check_kernel(&fragment, None, Form::BuiltIn, Compression::Zstd).needs.len(), 1);
    let initrd_as_module = fragment + "CONFIG_RD_ZSTD=m\n";
    assert_eq!(
        check_kernel(&initrd_as_module, None, Form::BuiltInOrModule, Compression::Zstd).needs[0].option,
        "RD_ZSTD"
    );
}

#[test]
fn an_initramfs_in_xz_asks_the_kernel_for_xz() {
    let lacking = |text: &str| check_kernel(text, None, Form::BuiltIn, Compression::Xz).needs;
    let options: Vec<_> = lacking(&fragment()).iter().map(|need| need.option).collect();
    assert_eq!(options, ["RD_XZ", "XZ_DEC_X86"]);
    let with = fragment().replace("CONFIG_RD_ZSTD=y", "CONFIG_RD_XZ=y\nCONFIG_XZ_DEC_X86=y");
    assert_eq!(lacking(&with), []);
}

#[test]
fn check_kernel_tells_and_exits() {
    let fake = Fake::new();
    fake.write("good.config", fragment().as_bytes());
    let good = tool(&fake, &["check-kernel", "good.config"]);
    assert_eq!((good.status.code(), good.stdout.len()), (Some(0), 0));

    let lacking = fragment().replace("CONFIG_RD_ZSTD=y", "# CONFIG_RD_ZSTD is not set");
    fake.write("lacking.config", lacking.as_bytes());
    let lacking = tool(&fake, &["check-kernel", "lacking.config"]);
    assert_eq!(lacking.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&lacking.stdout).starts_with("missing  CONFIG_RD_ZSTD=y"));

    // What only the reference device needs, this device (no data, nothing encrypted) does not.
    let encrypted: Vec<_> = NEEDS
        .iter()
        .filter(|need| matches!(need.when, When::Encrypted | When::Data) && need.severity == Severity::Must)
        .collect();
    let without = encrypted
        .iter()
        .fold(fragment(), |text, need| text.replace(&format!("CONFIG_{}=y\n", need.option), ""));
    fake.write("plain.config", without.as_bytes());
    assert_eq!(tool(&fake, &["check-kernel", "plain.config"]).status.code(), Some(1));
    let args = ["check-kernel", "plain.config", "--config", "device.toml"];
    assert_eq!(tool(&fake, &args).status.code(), Some(0));

    fake.write("not.config", b"hello");
    assert_eq!(tool(&fake, &["check-kernel", "not.config"]).status.code(), Some(1));
}
