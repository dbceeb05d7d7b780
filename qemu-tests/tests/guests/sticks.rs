//! Sticks of all kinds at once before the menu of a recovery: what people bring, what an enemy does, and one that hangs.

use crate::device::{Device, LIMIT, config, ext4};
use crate::media::{self, Files};
use drydock_qemu_tests::{Disk, Exit, Guest, SmallSystem, run};
use serde_json::json;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// So long a screen may take to come on a busy host, while media are looked at that do not answer.
const SCREEN: Duration = Duration::from_secs(120);
/// What is read of a bundle before it is chosen.
const HEAD: usize = (1 << 20) + (16 << 10);

/// Sticks in the order in which they are plugged in: `/dev/vdb` first.
struct Sticks<'d> {
    device: &'d Device,
    images: Vec<PathBuf>,
}

impl Sticks<'_> {
    /// Plugs in what is made at this path. Returns its node.
    fn plug(&mut self, make: impl FnOnce(&Path)) -> String {
        let image = self.device.path(&format!("stick-{}.img", self.images.len()));
        make(&image);
        self.images.push(image);
        format!("vd{}", char::from(b'a' + self.images.len() as u8))
    }
}

/// Types an entry, and returns the screen that follows, up to its prompt.
fn enter(guest: &mut Guest, entry: &str, shown: &str) -> String {
    guest.send(&format!("{entry}\r")).unwrap();
    let before = guest.expect(shown, SCREEN).unwrap();
    (before + &guest.expect("> ", SCREEN).unwrap()).replace('\r', "")
}

/// All parts of the list of what is on media, from the menu; the last one is shown then.
fn offers(guest: &mut Guest) -> Vec<String> {
    enter(guest, "4", "from a stick");
    let mut all = String::new();
    let mut next = enter(guest, "1", "Bundles;");
    loop {
        let (_, lines) = next.split_once("Bundles;").unwrap();
        let (part, of) = lines.split_once(" (").and_then(|(_, rest)| rest.split_once(" of ")).unwrap();
        let parts: u32 = of.split(')').next().unwrap().parse().unwrap();
        let part: u32 = part.parse().unwrap();
        // Each number of the list with that of its part before it.
        all += &lines.lines().skip(1).map(|line| format!("{part}:{line}\n")).collect::<String>();
        if part == parts {
            break;
        }
        next = enter(guest, "9", "Bundles;");
    }
    all.lines().filter(|line| !line.contains("0: back")).map(Into::into).collect()
}

/// Chooses the bundle whose line has this in it, from the menu.
fn choose(guest: &mut Guest, found: &[String], wanted: &str) {
    let (part, line) = found.iter().find(|line| line.contains(wanted)).unwrap().split_once(':').unwrap();
    let number = line.split_whitespace().next().unwrap();
    enter(guest, "4", "from a stick");
    enter(guest, "1", "Bundles;");
    for _ in 1..part.parse::<u32>().unwrap() {
        enter(guest, "9", "Bundles;");
    }
    guest.send(&format!("{number}\r")).unwrap();
}

/// A folder with so many files, of which each could be a bundle by its name.
fn huge(image: &Path) {
    let names: Vec<String> = (0..12_000).map(|n| format!("{n:05}.drydock")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
    ext4(image, 64, &files);
}

/// Names that control a terminal, and one that is none; and a label that is any other one's.
fn nasty(image: &Path, head: &[u8]) {
    let tree = tempfile::tempdir().unwrap();
    for name in [&b"\x1b[2J\x07evil.drydock"[..], b"b\xff.drydock"] {
        fs::write(tree.path().join(OsStr::from_bytes(name)), head).unwrap();
    }
    std::os::unix::fs::symlink("/etc/drydock/config.json", tree.path().join("link.drydock")).unwrap();
    let mut mke2fs = Command::new("mke2fs");
    run(mke2fs.args(["-q", "-t", "ext4", "-L", "UPDATE", "-d"]).args([tree.path(), image]).arg("16M"))
        .unwrap();
}

#[test]
fn sticks_of_every_kind_are_offered_whatever_else_is_plugged_in() {
    let menu = "[service]\naccess = \"open\"\nidle_seconds = 600\n\n[layout]\n";
    let modules = "\"erofs\", \"vfat\", \"nls_cp437\", \"nls_ascii\", \"exfat\", \"isofs\", \"squashfs\"]";
    let changes = [("[layout]\n", menu), ("menu_seconds = 0", "menu_seconds = 60"), ("\"erofs\"]", modules)];
    let system = SmallSystem::with_smaller_root("sticks", &config(&changes)).unwrap();
    let device = Device::flashed("sticks", system);
    let (v2, v3) = (device.system.release("2.0.0", 2).unwrap(), device.system.release("3.0.0", 3).unwrap());
    let [whole, other] = [&v2, &v3].map(|release| fs::read(&release.bundle).unwrap());
    let head = &whole[..whole.len().min(HEAD)];
    let one = |name| [(name, head)];

    let mut sticks = Sticks { device: &device, images: Vec::new() };
    let mut good = Vec::new();
    let mut plug = |name: &'static str, version: &str, make: &dyn Fn(&Path, Files)| {
        let node = sticks.plug(|image| make(image, &one(name)));
        good.push((format!(" {version}, newer ("), format!(" {name} on /dev/{node}")));
        node
    };
    plug("fat12.drydock", "2.0.0", &|image, files| media::fat(image, 12, 8, files));
    let fat16 = plug("fat16.drydock", "2.0.0", &|image, files| {
        media::fat(image, 16, 16, files);
        media::in_mbr(image, 0x06);
    });
    let fat32 = plug("same.drydock", "2.0.0", &|image, _| {
        media::fat(image, 32, 64, &[("same.drydock", &whole), ("noise.drydock", b"no bundle")]);
        media::in_gpt(image);
    });
    let exfat = plug("same.drydock", "3.0.0", &|image, _| {
        media::exfat(image, 64, "same.drydock", &other);
        media::in_mbr(image, 0x07);
    });
    plug("ext4.drydock", "2.0.0", &|image, files| ext4(image, 16, files));
    plug("joliet.drydock", "2.0.0", &|image, files| media::iso(image, &["--norock", "-J"], files));
    plug("ridge.drydock", "2.0.0", &|image, files| media::iso(image, &["-R"], files));
    plug("plain.drydock", "2.0.0", &|image, files| media::iso(image, &["--norock"], files));
    plug("squashed.drydock", "2.0.0", &media::squashfs);
    // In a partition, what was plugged in is a partition's node.
    for (node, part) in [(&fat16, "1"), (&fat32, "1"), (&exfat, "1")] {
        for (_, place) in good.iter_mut().filter(|(_, place)| place.ends_with(&**node)) {
            place.push_str(part);
        }
    }
    let names = sticks.plug(|image| nasty(image, head));
    let many = sticks.plug(huge);
    let loops = sticks.plug(|image| {
        media::exfat(image, 16, "loop.drydock", head);
        media::loop_exfat(image);
    });
    let looped = sticks.plug(|image| {
        media::fat(image, 32, 64, &one("never.drydock"));
        media::loop_fat32(image);
    });
    let panics = sticks.plug(|image| {
        ext4(image, 16, &one("never.drydock"));
        media::ext4_that_panics(image);
    });
    let empty = sticks.plug(|image| File::create(image).unwrap().set_len(1 << 20).unwrap());
    let hangs = sticks.plug(|image| ext4(image, 64, &one("hangs.drydock")));
    let hanging = sticks.images.len();

    let machine =
        sticks.images.iter().fold(device.machine(None), |machine, stick| machine.disk(Disk::file(stick)));
    let mut guest = machine.start().unwrap();
    guest.choose("Recovery").unwrap();
    guest.expect("Goes on by itself in 600 s.", LIMIT).unwrap();
    // From here on a byte of the last one takes a second.
    let still = json!({"device": format!("drive{hanging}"), "bps": 1, "bps_rd": 0, "bps_wr": 0,
        "iops": 0, "iops_rd": 0, "iops_wr": 0});
    guest.monitor("block_set_io_throttle", still).unwrap();
    guest.expect("> ", SCREEN).unwrap();

    let found = offers(&mut guest);
    enter(&mut guest, "0", "13 restart");
    let listing = found.join("\n");
    for (version, place) in &good {
        let listed = found.iter().filter(|line| line.contains(version) && line.ends_with(place)).count();
        assert_eq!(listed, 1, "{version}...{place} in\n{listing}");
    }
    for bad in [
        format!("- noise.drydock on /dev/{fat32}1: "),
        format!("2.0.0, newer (2 MiB) ?[2J?evil.drydock on /dev/{names}"),
        format!("- b?.drydock on /dev/{names}: its name is not UTF-8"),
        format!("- link.drydock on /dev/{names}: "),
        format!("- 00000.drydock on /dev/{many}: "),
        format!("- /dev/{loops}: "),
        format!("- /dev/{looped}: "),
        format!("- /dev/{panics}: "),
        format!("- /dev/{empty}: "),
        format!("- /dev/{hangs}: it does not answer"),
    ] {
        assert!(listing.contains(&bad), "{bad:?} is not in\n{listing}");
    }
    assert!(found.iter().filter(|line| line.contains(&many)).count() <= 32, "{listing}");
    assert!(!listing.contains("never.drydock") && !listing.contains('\u{1b}'), "{listing}");

    // One whose name would control a terminal is chosen, which is cut short; nothing that is said of it does.
    choose(&mut guest, &found, "evil.drydock on");
    guest.expect("Install version 2.0.0?", SCREEN).unwrap();
    guest.expect("install? ", SCREEN).unwrap();
    enter(&mut guest, "install", "0: back");
    enter(&mut guest, "0", "13 restart");
    // Of two files of one name the one that was chosen is installed, and what hangs holds up nothing.
    choose(&mut guest, &found, &format!("same.drydock on /dev/{exfat}1"));
    guest.expect("Install version 3.0.0?", SCREEN).unwrap();
    guest.expect("install? ", SCREEN).unwrap();
    guest.send("install\r").unwrap();
    guest.expect("trailers, state and boot environment: done", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert!(!guest.said().contains("\u{7}evil"), "a name controls the terminal");
    let said = device.run(None, Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-UP set=b"), "{said}");
}
