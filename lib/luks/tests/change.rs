//! Volumes that drydock formats and changes, checked by cryptsetup; and changes by both in turn.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{BINARY_KEY, Bench, COST, LIMITS, PBKDF2, key, random};
use drydock_block::{BlockDevice, Flush, MemoryDevice, SectorSize, is_zero};
use drydock_luks::{Cost, Error, FormatOptions, Limits, Volume, erase, format};
use drydock_models::CryptDevice;

const MIB: u64 = 1 << 20;

fn options() -> FormatOptions {
    FormatOptions { discards: true, label: "data".to_owned(), ..FormatOptions::new(COST) }
}

fn formatted(options: &FormatOptions, pass: &[u8]) -> Bench {
    let bench = Bench::new(20 * MIB);
    format(&bench.device(), pass, options, &mut random(1)).unwrap();
    bench
}

fn slot_of(bench: &Bench, pass: &[u8]) -> Result<u32, Error> {
    let device = bench.device();
    Volume::open(&device, &LIMITS)?.unlock(pass).map(|unlocked| unlocked.slot().unwrap())
}

#[test]
fn cryptsetup_opens_dumps_and_extends_what_was_formatted() {
    let argon2id = FormatOptions::new(Cost::Argon2id { memory_kib: 4096, iterations: 4 });
    let small = FormatOptions { sector_size: SectorSize::S512, key_size: 32, data_offset: MIB, ..options() };
    for (options, bits, sector) in [(options(), 512, 4096), (argon2id, 512, 4096), (small, 256, 512)] {
        let bench = formatted(&options, BINARY_KEY);
        assert!(bench.opens(BINARY_KEY) && !bench.opens(b"wrong"));
        let dump = bench.cryptsetup(&["luksDump"], &[]);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let has = |what: &str| assert!(dump.lines().any(|line| words(line) == what), "{what} in {dump}");
        has(&format!("Key: {bits} bits"));
        has(&format!("sector: {sector} [bytes]"));
        has(&format!("offset: {} [bytes]", options.data_offset));
        has("Epoch: 1");
        if options.discards {
            has("Flags: allow-discards");
            has("Label: data");
        }
        let (old, new) = (bench.file("old", BINARY_KEY), bench.file("new", b"new"));
        let args = [&["luksAddKey", "--key-file", old.to_str().unwrap()], PBKDF2].concat();
        bench.cryptsetup(&args, &[&new]);
        assert_eq!((slot_of(&bench, BINARY_KEY).unwrap(), slot_of(&bench, b"new").unwrap()), (0, 1));
        let master = bench.dir.path().join("master");
        let args =
            ["luksDump", "--dump-volume-key", "--volume-key-file", master.to_str().unwrap(), "--key-file"];
        bench.cryptsetup(&[&args[..], &[old.to_str().unwrap()]].concat(), &[]);
        let device = bench.device();
        let unlocked = Volume::open(&device, &LIMITS).unwrap().unlock(b"new").unwrap();
        assert_eq!(std::fs::read(master).unwrap(), unlocked.volume_key().unwrap());
    }
}

#[test]
fn either_header_alone_is_enough_for_cryptsetup() {
    for (offset, command) in [(0, "repair"), (0x4000, "repair"), (0, "luksDump"), (0x4000, "luksDump")] {
        let bench = formatted(&options(), b"pass");
        bench.damage(offset, 4096, 0xa5);
        assert!(Volume::open(&bench.device(), &LIMITS).unwrap().one_header_stale());
        bench.cryptsetup(&[command], &[]);
        assert!(bench.opens(b"pass"));
        assert!(!Volume::open(&bench.device(), &LIMITS).unwrap().one_header_stale(), "{command} at {offset}");
        bench.damage(offset, 4096, 0xa5);
        Volume::open(&bench.device(), &LIMITS).unwrap().repair().unwrap();
        assert!(!Volume::open(&bench.device(), &LIMITS).unwrap().one_header_stale());
        assert!(bench.opens(b"pass"));
    }
}

/// cryptsetup trusts a second header with a higher sequence number, wherever it lies, over a new first one.
#[test]
fn nothing_of_an_older_volume_survives_a_format() {
    for metadata in ["16k", "64k", "1m", "4m"] {
        let bench = Bench::new(20 * MIB);
        bench.luks_format(&[PBKDF2, &["--luks2-metadata-size", metadata]].concat(), &key(64), b"old");
        let size: u64 = metadata.trim_end_matches(['k', 'm']).parse::<u64>().unwrap()
            * if metadata.ends_with('k') { 1024 } else { MIB };
        for priority in ["prefer", "normal", "ignore", "normal"] {
            bench.cryptsetup(&["config", "--priority", priority, "--key-slot", "0"], &[]);
        }
        let stale = bench.read(size, 4096);
        let material = bench.read(2 * size, 4096);
        assert!(stale[23] > 4 && !is_zero(&material));
        format(&bench.device(), b"new", &options(), &mut random(2)).unwrap();
        assert_ne!(bench.read(size, 4096), stale);
        assert_ne!(bench.read(2 * size, 4096), material);
        assert!(bench.opens(b"new") && !bench.opens(b"old"));
        assert_eq!(slot_of(&bench, b"new").unwrap(), 0);
        // With the first header gone, what is found must still be the new volume.
        bench.damage(0, 4096, 0);
        assert_eq!(slot_of(&bench, b"new").unwrap(), 0);
        assert!(bench.opens(b"new"));
    }
    let bench = Bench::new(20 * MIB);
    bench.luks_format(&["--type", "luks1", "--pbkdf-force-iterations", "1000"], &key(32), b"old");
    format(&bench.device(), b"new", &options(), &mut random(2)).unwrap();
    assert!(bench.opens(b"new") && !bench.opens(b"old"));
}

/// One that lies in the payload of the volume before: a format that wipes only what that one used would miss it.
#[test]
fn a_second_header_of_a_volume_before_the_last_one_is_wiped() {
    let oldest = Bench::new(20 * MIB);
    oldest.luks_format(&[PBKDF2, &["--luks2-metadata-size", "2m"]].concat(), &key(64), b"oldest");
    let small = FormatOptions { data_offset: MIB, ..options() };
    let bench = formatted(&small, b"old");
    bench.device().write_at(2 * MIB, &oldest.read(2 * MIB, 2 << 20)).unwrap();
    format(&bench.device(), b"new", &small, &mut random(2)).unwrap();
    bench.damage(0, 4096, 0);
    // First ours, because cryptsetup repairs the first header when it opens a volume.
    assert_eq!(slot_of(&bench, b"new").unwrap(), 0);
    assert!(bench.opens(b"new"));
}

#[test]
fn a_changed_key_works_and_the_old_one_is_gone() {
    let bench = formatted(&options(), b"old");
    let material = bench.read(0x8000, 256_000);
    let device = bench.device();
    let mut volume = Volume::open(&device, &LIMITS).unwrap();
    let before = volume.unlock(b"old").unwrap().volume_key().unwrap().to_vec();
    assert_eq!(volume.change_key(b"old", b"new", COST, &mut random(3)).unwrap(), 0);
    assert_eq!(volume.unlock(b"new").unwrap().volume_key().unwrap(), before);
    assert!(bench.opens(b"new") && !bench.opens(b"old"));
    assert!(!is_zero(&material) && is_zero(&bench.read(0x8000, 256_000)));
    assert!(matches!(volume.change_key(b"old", b"x", COST, &mut random(3)), Err(Error::WrongKey { .. })));
    // And again: the place that became free is used.
    volume.change_key(b"new", b"third", COST, &mut random(4)).unwrap();
    assert!(bench.opens(b"third") && !bench.opens(b"new"));
}

#[test]
fn key_slots_come_and_go() {
    let bench = formatted(&options(), b"zero");
    let device = bench.device();
    let mut volume = Volume::open(&device, &LIMITS).unwrap();
    let unlocked = volume.unlock(b"zero").unwrap();
    assert_eq!(volume.add_key(&unlocked, b"one", COST, &mut random(5)).unwrap(), 1);
    assert_eq!(volume.add_key(&unlocked, b"two", COST, &mut random(6)).unwrap(), 2);
    assert!(bench.opens(b"zero") && bench.opens(b"one") && bench.opens(b"two"));
    bench.edit(|metadata| {
        metadata["tokens"]["0"] = serde_json::json!({"type": "note", "keyslots": ["1", "2"], "text": "kept"});
    });
    let mut volume = Volume::open(&device, &LIMITS).unwrap();
    volume.destroy_slot(1).unwrap();
    assert!(bench.opens(b"zero") && !bench.opens(b"one") && bench.opens(b"two"));
    let tokens = bench.cryptsetup(&["token", "export", "--token-id", "0"], &[]);
    assert!(tokens.contains("kept") && tokens.contains("[\"2\"]"), "{tokens}");
    assert_eq!(volume.add_key(&unlocked, b"one again", COST, &mut random(7)).unwrap(), 1);
    volume.destroy_slot(0).unwrap();
    volume.destroy_slot(1).unwrap();
    assert!(matches!(volume.destroy_slot(2), Err(Error::LastKeySlot(2))));
    assert!(matches!(volume.destroy_slot(9), Err(Error::NoSuchSlot(9))));
    let expensive = Cost::Argon2id { memory_kib: 2048, iterations: 4 };
    let mut volume = Volume::open(&device, &Limits::new(1024)).unwrap();
    let refused = volume.add_key(&unlocked, b"x", expensive, &mut random(8));
    assert!(matches!(refused, Err(Error::Memory { needed_kib: 2048, .. })));
    let other = formatted(&options(), b"other");
    let other = format(&other.device(), b"other", &options(), &mut random(99)).unwrap();
    assert!(matches!(volume.add_key(&other, b"x", COST, &mut random(8)), Err(Error::Invalid(_))));
}

#[test]
fn there_is_an_end_to_the_room_for_key_slots() {
    let bench = formatted(&FormatOptions { data_offset: 0x8000 + 2 * 258_048, ..options() }, b"pass");
    let device = bench.device();
    let mut volume = Volume::open(&device, &LIMITS).unwrap();
    volume.change_key(b"pass", b"new", COST, &mut random(5)).unwrap();
    let unlocked = volume.unlock(b"new").unwrap();
    volume.add_key(&unlocked, b"one", COST, &mut random(5)).unwrap();
    assert!(matches!(volume.add_key(&unlocked, b"two", COST, &mut random(5)), Err(Error::NoRoom(_))));
    assert!(bench.opens(b"new") && bench.opens(b"one"));
}

#[test]
fn after_an_erase_no_key_opens_it() {
    let luks1 = ["--type", "luks1", "--pbkdf-force-iterations", "1000"];
    for (args, headers_stay) in [(PBKDF2, true), (&luks1, false)] {
        let bench = Bench::new(20 * MIB);
        bench.luks_format(args, &key(32), b"pass");
        erase(&bench.device()).unwrap();
        erase(&bench.device()).unwrap();
        assert!(!bench.opens(b"pass"));
        match slot_of(&bench, b"pass") {
            Err(Error::NoKeySlot { .. }) => assert!(headers_stay),
            other => assert!(!headers_stay && matches!(other, Err(Error::NotLuks))),
        }
        assert!(is_zero(&bench.read(0x8000, 15 << 20)));
        format(&bench.device(), b"new", &options(), &mut random(2)).unwrap();
        assert!(bench.opens(b"new"));
    }
    // Headers that nobody understands do not save the key slots.
    let bench = Bench::new(20 * MIB);
    bench.luks_format(PBKDF2, &key(32), b"pass");
    bench.damage(100, 1, 1);
    bench.damage(0x4000 + 100, 1, 1);
    erase(&bench.device()).unwrap();
    assert!(is_zero(&bench.read(0, 16 << 20)));
}

#[test]
fn what_drydock_encrypts_is_what_it_decrypts() {
    for sector_size in [SectorSize::S512, SectorSize::S4096] {
        let bench = Bench::new(3 * MIB);
        let options = FormatOptions { sector_size, data_offset: MIB, ..options() };
        let unlocked = format(&bench.device(), b"pass", &options, &mut random(1)).unwrap();
        let crypt = CryptDevice::new(bench.device(), &unlocked).unwrap();
        assert_eq!((crypt.size(), crypt.sector_size()), (2 * MIB, sector_size));
        let data = key(2 * MIB as usize);
        crypt.write_at(0, &data).unwrap();
        assert_ne!(bench.read(MIB, 4096), data[..4096]);
        crypt.write_at(8192, &[1; 4096]).unwrap();
        let unlocked = Volume::open(&bench.device(), &LIMITS).unwrap().unlock(b"pass").unwrap();
        let crypt = CryptDevice::new(bench.device(), &unlocked).unwrap();
        let mut read = vec![0; data.len()];
        crypt.read_at(0, &mut read).unwrap();
        assert!(
            read[..8192] == data[..8192] && read[8192..12288] == [1; 4096] && read[12288..] == data[12288..]
        );
        assert!(crypt.write_at(2 * MIB, &[0; 4096]).is_err());
        assert!(crypt.read_at(100, &mut [0; 512]).is_err());
    }
}

#[test]
fn options_that_cannot_be_are_refused_before_anything_is_written() {
    let bench = Bench::new(20 * MIB);
    bench.damage(0, 512, 7);
    for (options, size) in [
        (FormatOptions { sector_size: SectorSize::S1024, ..options() }, 20 * MIB),
        (FormatOptions { key_size: 16, ..options() }, 20 * MIB),
        (FormatOptions { data_offset: 0x8000, ..options() }, 20 * MIB),
        (FormatOptions { data_offset: MIB + 512, ..options() }, 20 * MIB),
        (FormatOptions { label: "x".repeat(48), ..options() }, 20 * MIB),
        (FormatOptions { cost: Cost::Pbkdf2 { iterations: 999 }, ..options() }, 20 * MIB),
        (FormatOptions { cost: Cost::Argon2id { memory_kib: 4, iterations: 4 }, ..options() }, 20 * MIB),
        (options(), 16 * MIB),
        (options(), 20 * MIB - 512),
    ] {
        std::fs::File::options().write(true).open(&bench.volume).unwrap().set_len(size).unwrap();
        assert!(format(&bench.device(), b"pass", &options, &mut random(1)).is_err(), "{options:?} on {size}");
        assert_eq!(bench.read(0, 512), [7; 512]);
    }
    let mut broken = |_: &mut [u8]| Err(std::io::Error::other("no entropy"));
    assert!(matches!(
        format(&bench.device(), b"pass", &options(), &mut broken),
        Err(Error::Invalid(_) | Error::Random(_))
    ));
    assert_eq!(bench.read(0, 512), [7; 512]);
}

#[test]
fn devices_with_4096_byte_sectors() {
    for sector_size in [SectorSize::S512, SectorSize::S4096] {
        let device = MemoryDevice::new(2 * MIB, SectorSize::S4096);
        let options = FormatOptions { sector_size, data_offset: MIB, ..options() };
        format(&device, b"pass", &options, &mut random(1)).unwrap();
        let mut volume = Volume::open(&device, &LIMITS).unwrap();
        volume.change_key(b"pass", b"new", COST, &mut random(2)).unwrap();
        let unlocked = volume.unlock(b"new").unwrap();
        let crypt = CryptDevice::new(&device, &unlocked).unwrap();
        assert_eq!(crypt.sector_size(), SectorSize::S4096);
        crypt.write_at(4096, &[5; 4096]).unwrap();
        let mut read = [0; 4096];
        crypt.read_at(4096, &mut read).unwrap();
        assert_eq!(read, [5; 4096]);
        erase(&device).unwrap();
        assert!(matches!(
            Volume::open(&device, &LIMITS).unwrap().unlock(b"new"),
            Err(Error::NoKeySlot { .. })
        ));
    }
}

/// A device whose first sectors can't be read.
struct BadStart(MemoryDevice);

impl BlockDevice for BadStart {
    fn size(&self) -> u64 {
        self.0.size()
    }
    fn sector_size(&self) -> SectorSize {
        SectorSize::S512
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        match offset {
            0..4096 => Err(std::io::Error::other("medium error")),
            _ => self.0.read_at(offset, buf),
        }
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> std::io::Result<()> {
        self.0.write_at(offset, buf)
    }
    fn flush(&self, guard: Flush) -> std::io::Result<()> {
        self.0.flush(guard)
    }
    fn discard(&self, offset: u64, len: u64) -> std::io::Result<()> {
        self.0.discard(offset, len)
    }
}

#[test]
fn a_first_header_that_cannot_be_read_is_no_loss() {
    let device = MemoryDevice::new(2 * MIB, SectorSize::S512);
    format(&device, b"pass", &FormatOptions { data_offset: MIB, ..options() }, &mut random(1)).unwrap();
    let device = BadStart(device);
    let volume = Volume::open(&device, &LIMITS).unwrap();
    assert!(volume.one_header_stale() && volume.unlock(b"pass").is_ok());
    erase(&device).unwrap();
    assert!(Volume::open(&device, &LIMITS).unwrap().unlock(b"pass").is_err());
    let blank = BadStart(MemoryDevice::new(2 * MIB, SectorSize::S512));
    let message = Volume::open(&blank, &LIMITS).unwrap_err().to_string();
    assert!(message.contains("reading the LUKS header: medium error"), "{message}");
}
