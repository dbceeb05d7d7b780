use super::*;
use crate::bootloader::{Mode, Starts};
use crate::generation::Generation;
use crate::name::{CopyName, SetName};
use drydock_block::{MemoryDevice, SectorSize, crc32};
use proptest::prelude::*;

const SIZE: usize = 1024;
const BOARD: [&str; 3] = [
    "bootcmd=load mmc 0:2 ${scriptaddr} boot.scr; source ${scriptaddr}",
    "ethaddr=02:00:00:00:00:01",
    "odd=a\\\\b = c",
];

fn place(redundant: bool) -> Place {
    Place { offset: 4096, second: redundant.then_some(8192), size: SIZE as u32 }
}

fn wanted(generation: u32) -> Wanted {
    let attempts = Starts { a: 3, b: 2, recovery: 1 };
    Wanted {
        generation: Generation(generation),
        first: SetName::B,
        mode: Mode::Recovery,
        attempts,
        copy: CopyName::B,
    }
}

fn board() -> Environment {
    Environment::from_lines(BOARD.into_iter()).unwrap()
}

/// A device that a workshop has laid out.
fn device(redundant: bool) -> MemoryDevice {
    let device = MemoryDevice::new(16384, SectorSize::S512);
    UBoot::open(&device, place(redundant)).unwrap().lay_out(&board()).unwrap();
    device
}

fn copy(device: &MemoryDevice, offset: u64) -> Vec<u8> {
    read_vec(device, offset, SIZE).unwrap()
}

/// Whether everything that the board had is there, in its order and byte for byte.
fn has_the_boards(environment: &Environment) -> bool {
    let others: Vec<_> = environment.strings().filter(|string| !string.starts_with(b"dd_")).collect();
    others == BOARD.map(str::as_bytes)
}

#[test]
fn what_is_wanted_is_observed_and_the_boards_variables_stay_as_they_are() {
    for redundant in [false, true] {
        let device = device(redundant);
        let store = UBoot::open(&device, place(redundant)).unwrap();
        assert!(store.observe().unwrap_err().to_string().contains("dd_gen is missing"));
        for generation in 1..600 {
            store.want(&wanted(generation)).unwrap();
            assert_eq!(store.observe().unwrap(), wanted(generation).fresh());
        }
        assert!(has_the_boards(&store.newest().unwrap().environment));
    }
}

#[test]
fn the_copy_that_counts_is_never_written_to() {
    let device = device(true);
    let store = UBoot::open(&device, place(true)).unwrap();
    for generation in 1..600 {
        let counts = store.newest().unwrap().index;
        let before = copy(&device, [4096, 8192][counts]);
        store.want(&wanted(generation)).unwrap();
        assert_eq!(copy(&device, [4096, 8192][counts]), before);
        assert_ne!(store.newest().unwrap().index, counts, "the flag goes on from 255 to 0");
    }
}

#[test]
fn the_bytes_are_u_boots() {
    let told = board().telling(&wanted(17));
    let bytes = told.encode(SIZE, true).unwrap();
    let mut strings = BOARD.join("\0").into_bytes();
    strings.extend(
        b"\0dd_gen=00000017\0dd_order=ba\0dd_mode=r\0dd_a=3\0dd_b=2\0dd_r=1\0dd_copy=b\0dd_end=00000017\0",
    );
    strings.resize(SIZE - 5, 0);
    assert_eq!(bytes, [&crc32(&strings).to_le_bytes()[..], &[1], &strings].concat());
    strings.push(0);
    assert_eq!(told.encode(SIZE, false).unwrap(), [&crc32(&strings).to_le_bytes()[..], &strings].concat());
}

#[test]
fn a_torn_environment_is_refused_and_the_other_copy_counts() {
    let device = device(true);
    let store = UBoot::open(&device, place(true)).unwrap();
    store.want(&wanted(1)).unwrap();
    store.want(&wanted(2)).unwrap();
    let offset = [4096, 8192][store.newest().unwrap().index];
    let torn = [&copy(&device, offset)[..100], &[0xff; SIZE - 100]].concat();
    device.write_at(offset, &torn).unwrap();
    assert_eq!(store.observe().unwrap(), wanted(1).fresh());
    store.want(&wanted(3)).unwrap();
    assert_eq!(store.observe().unwrap(), wanted(3).fresh());
    assert_eq!(
        Environment::decode(&copy(&device, 12288 - offset), true).unwrap().observed().unwrap(),
        wanted(1).fresh()
    );
}

#[test]
fn without_a_whole_copy_nothing_is_written_and_the_way_out_is_told() {
    for redundant in [false, true] {
        let device = device(redundant);
        for offset in [4096, 8192] {
            device.write_at(offset + 512, &[0xaa; 512]).unwrap();
        }
        let before = read_vec(&device, 0, 16384).unwrap();
        let store = UBoot::open(&device, place(redundant)).unwrap();
        assert!(matches!(store.observe(), Err(StateError::Storage(Error::Damaged { .. }))));
        let said = store.want(&wanted(1)).unwrap_err().to_string();
        assert!(said.contains("its checksum is wrong") && said.contains("restart the device"), "{said}");
        assert_eq!(read_vec(&device, 0, 16384).unwrap(), before);
    }
}

#[test]
fn of_two_copies_with_the_same_flag_the_first_counts_and_the_second_is_written() {
    let device = device(true);
    let mut first = board().telling(&wanted(1));
    let mut second = board().telling(&wanted(2));
    (first.flag, second.flag) = (7, 7);
    device.write_at(4096, &first.encode(SIZE, true).unwrap()).unwrap();
    device.write_at(8192, &second.encode(SIZE, true).unwrap()).unwrap();
    let store = UBoot::open(&device, place(true)).unwrap();
    assert_eq!(store.observe().unwrap(), wanted(1).fresh());
    store.want(&wanted(3)).unwrap();
    assert_eq!(store.observe().unwrap(), wanted(3).fresh());
    assert_eq!(copy(&device, 4096), first.encode(SIZE, true).unwrap());
}

#[test]
fn the_flag_goes_round() {
    for (first, second, newer) in [
        (1, 0, false),
        (0, 1, true),
        (255, 0, true),
        (0, 255, false),
        (255, 254, false),
        (254, 255, true),
        (9, 9, false),
    ] {
        assert_eq!(second_is_newer(first, second), newer, "{first} {second}");
    }
}

#[test]
fn an_environment_that_is_larger_than_its_place_is_an_error_and_nothing_is_written() {
    let long = format!("long={}", "x".repeat(SIZE - 60));
    let device = MemoryDevice::new(16384, SectorSize::S512);
    let store = UBoot::open(&device, place(true)).unwrap();
    store.lay_out(&Environment::from_lines([long.as_str()].into_iter()).unwrap()).unwrap();
    let before = read_vec(&device, 0, 16384).unwrap();
    let said = store.want(&wanted(1)).unwrap_err();
    assert!(matches!(said, StateError::Storage(Error::TooLarge { room: 1024, .. })), "{said}");
    assert_eq!(read_vec(&device, 0, 16384).unwrap(), before);
}

#[test]
fn a_place_that_can_be_none_is_refused() {
    let device = MemoryDevice::new(16384, SectorSize::S512);
    let good = place(true);
    for (bad, why) in [
        (Place { size: 0, ..good }, "its size"),
        (Place { size: 1000, ..good }, "its size"),
        (Place { size: MOST_SIZE + 512, ..good }, "its size"),
        (Place { offset: 100, ..good }, "not whole sectors"),
        (Place { offset: 16384 - 512, ..good }, "not whole sectors"),
        (Place { second: Some(u64::MAX - 511), ..good }, "not whole sectors"),
        (Place { second: Some(4096 + 512), ..good }, "over each other"),
        (Place { second: Some(4096), ..good }, "over each other"),
    ] {
        let said = UBoot::open(&device, bad).unwrap_err().to_string();
        assert!(said.contains(why) && said.contains("[u_boot]"), "{said}");
    }
}

#[test]
fn lines_that_u_boot_could_not_read_back_are_refused() {
    for line in ["no value", "=x", "a=b\0c=d"] {
        assert!(Environment::from_lines([line].into_iter()).is_err(), "{line}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics_and_what_is_read_is_written_again(strings in proptest::collection::vec(any::<u8>(), 0..300), redundant: bool) {
        let mut bytes = vec![0; if redundant { 5 } else { 4 }];
        bytes.extend(&strings);
        let checksum = crc32(&strings);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        if let Ok(found) = Environment::decode(&bytes, redundant) {
            let again = found.encode(1024, redundant).unwrap();
            prop_assert_eq!(Environment::decode(&again, redundant).unwrap(), found);
        }
        let _ = Environment::decode(&strings, redundant);
    }

    #[test]
    fn other_variables_survive_byte_for_byte(values in proptest::collection::vec("[a-z]{1,8}=[^\0]{0,20}", 0..20)) {
        let before = Environment::from_lines(values.iter().map(String::as_str)).unwrap();
        prop_assume!(!values.iter().any(|value| value.starts_with("dd_")));
        let after = before.telling(&wanted(1)).telling(&wanted(2));
        let others: Vec<_> = after.strings().filter(|string| !string.starts_with(b"dd_")).collect();
        prop_assert_eq!(others, before.strings().collect::<Vec<_>>());
        prop_assert_eq!(after.observed().unwrap(), wanted(2).fresh());
    }
}
