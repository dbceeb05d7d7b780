//! A technician with a key and nothing but a serial line: real `ssh-keygen`, `drydock-bundle answer`, `sz` and `rz` at its
//! other end.

use crate::device::{Device, LIMIT, config, decrypted};
use drydock_lines::Noise;
use drydock_qemu_tests::{Exit, Guest, Line, SmallSystem, Tools, run, target_dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// So long a screen may take to come on a busy host.
const SCREEN: Duration = Duration::from_secs(60);
/// What a terminal program sends when its user gives a transfer up.
const CANCEL: [u8; 8] = [0x18; 8];

/// The technician's private key, made once. The public one is beside it.
fn key() -> &'static Path {
    static KEY: OnceLock<PathBuf> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = target_dir().join("small-systems/anna");
        if !key.exists() {
            fs::create_dir_all(key.parent().unwrap()).unwrap();
            let made = tempfile::tempdir_in(key.parent().unwrap()).unwrap().keep().join("anna");
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "anna@bench", "-f"])
                .arg(&made))
            .unwrap();
            for end in ["pub", ""] {
                fs::rename(made.with_extension(end), key.with_extension(end)).unwrap();
            }
            fs::remove_dir(made.parent().unwrap()).unwrap();
        }
        key
    })
}

/// A device with menu and key, whose second serial port is at this speed.
fn system(
    name: &str,
    baud: u32,
    make: fn(&str, &str) -> Result<SmallSystem, drydock_qemu_tests::QemuError>,
) -> SmallSystem {
    let public = fs::read_to_string(key().with_extension("pub")).unwrap();
    let service = format!(
        "[service]\naccess = \"keys\"\nidle_seconds = 600\n\n[[service.key]]\nname = \"anna\"\nkey = \"{}\"\n\n[layout]\n",
        public.trim()
    );
    let config = config(&[
        ("[layout]\n", &service),
        ("menu_seconds = 0", "menu_seconds = 60"),
        // The bootloader's is the first.
        ("console=ttyS0,115200", &format!("console=ttyS0,115200 console=ttyS1,{baud}")),
    ]);
    make(name, &config).unwrap()
}

/// A device in its menu, and the line that the technician sits at.
struct Bench {
    guest: Guest,
    line: Line,
    folder: tempfile::TempDir,
}

impl Bench {
    fn start(device: &Device, line: impl FnOnce(&Path) -> Line) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut line = line(folder.path());
        let machine = line.args().into_iter().fold(device.machine(None), |machine, arg| machine.arg(arg));
        line.plug().unwrap();
        let mut guest = machine.start().unwrap();
        guest.choose("Recovery").unwrap();
        line.expect("Goes on by itself in 600 s.\r\n> ", LIMIT).unwrap();
        Self { guest, line, folder }
    }

    /// Types an entry, and returns what follows it up to this.
    fn enter(&mut self, entry: &str, shown: &str) -> String {
        self.line.send(format!("{entry}\r").as_bytes()).unwrap();
        self.line.expect(shown, SCREEN).unwrap()
    }

    /// Asks for an upload, and returns the line that is to be signed.
    fn ask_for_upload(&mut self) -> String {
        self.enter("4", "0: back> ");
        self.enter("3", "install? ");
        let shown = self.enter("install", "Answer> ");
        let (_, asked) = shown.split_once("the answer:\r\n").unwrap();
        asked.split_once("\r\n(0: back)").unwrap().0.replace("\r\n", " ")
    }

    /// Signs as any OpenSSH does, and pastes what that gives.
    fn answer_by_ssh(&mut self, challenge: &str) {
        let file = self.folder.path().join("challenge");
        let signature = file.with_extension("sig");
        let _ = fs::remove_file(&signature);
        fs::write(&file, format!("{challenge}\n")).unwrap();
        let mut sign = Command::new("ssh-keygen");
        run(sign.args(["-q", "-Y", "sign", "-n", "drydock-service", "-f"]).args([key(), &file])).unwrap();
        let pasted = fs::read_to_string(signature).unwrap().replace('\n', "\r");
        self.line.send(pasted.as_bytes()).unwrap();
    }

    /// Signs with drydock's own tool, and types the groups.
    fn answer_by_hand(&mut self, challenge: &str) {
        let mut answer = Command::new(&Tools::with_field().unwrap().bundle);
        let groups = run(answer.args(["answer", "--key"]).arg(key()).arg(challenge)).unwrap();
        self.line.send(groups.replace('\n', "\r").as_bytes()).unwrap();
    }

    fn is_told_to_send(&mut self) {
        self.line.expect("It goes on by itself.\r\n", SCREEN).unwrap();
    }
}

/// The files of drydock's own on `data`, as others read them.
fn on_data(device: &Device) -> String {
    let plain = device.path("plain.img");
    fs::write(&plain, decrypted(&device.disk(), "data")).unwrap();
    run(Command::new("debugfs").args(["-R", "ls -p /lib/drydock"]).arg(&plain)).unwrap()
}

#[test]
fn a_delta_comes_over_a_line_at_115200_baud_that_breaks_and_the_power_does_and_is_installed() {
    let device = Device::flashed("technician", system("technician", 115_200, SmallSystem::with_smaller_root));
    let v1 = device.system.release("1.0.0", 1).unwrap();
    let slim = device.system.slim(&v1, "2.0.0", 2).unwrap();
    let length = fs::metadata(&slim).unwrap().len() as usize;
    assert!((120_000..600_000).contains(&length), "{length}");
    // So that there is a `data`.
    device.run(None, Exit::PowerOff);

    let mut bench = Bench::start(&device, |folder| Line::new(folder, 115_200).unwrap());
    let status = bench.enter("1", "0: back> ");
    assert!(status.contains("nothing waits for recovery"), "{status}");
    bench.enter("0", "600 s.\r\n> ");

    // What others are to see of the device.
    bench.enter("11", "0: back> ");
    bench.enter("2", "It goes on by itself.\r\n");
    let logs = bench.folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let received = bench.line.lend(Command::new("rz").arg("-b").current_dir(&logs)).unwrap();
    assert!(received.output.status.success(), "{received:?}");
    bench.line.expect("KiB were sent.", SCREEN).unwrap();
    let file = fs::read_dir(&logs).unwrap().next().unwrap().unwrap().path();
    let listing = run(Command::new("tar").arg("-tf").arg(&file)).unwrap();
    for name in ["status.json", "config.json", "kernel.log", "partitions.txt", "health.txt"] {
        assert!(listing.lines().any(|line| line == name), "{name} is not in {listing}");
    }
    bench.enter("0", "600 s.\r\n> ");

    let challenge = bench.ask_for_upload();
    assert!(challenge.starts_with("drydock-service/1 drydock-test "), "{challenge}");
    bench.answer_by_ssh(&challenge);
    bench.is_told_to_send();
    bench.line.lend_up_to(Command::new("sz").arg("-b").arg(&slim), length / 2).unwrap();
    bench.line.send(&CANCEL).unwrap();
    bench.line.expect("with ZMODEM it goes on from there", SCREEN).unwrap();
    bench.enter("0", "600 s.\r\n> ");

    // What was heard on the line is worth nothing; and then the power goes.
    let other = bench.ask_for_upload();
    bench.answer_by_ssh(&challenge);
    bench.line.expect("the answer is not one to this challenge; sign it again", SCREEN).unwrap();
    bench.line.expect("Answer> ", SCREEN).unwrap();
    bench.answer_by_hand(&other);
    bench.is_told_to_send();
    bench.line.lend_up_to(Command::new("sz").arg("-b").arg(&slim), length / 4).unwrap();
    bench.guest.power_cut();

    let mut bench = Bench::start(&device, |folder| Line::new(folder, 115_200).unwrap());
    let challenge = bench.ask_for_upload();
    bench.answer_by_ssh(&challenge);
    bench.is_told_to_send();
    let rest = bench.line.lend(Command::new("sz").arg("-b").arg(&slim)).unwrap();
    assert!(rest.output.status.success(), "{rest:?}");
    println!("{length} bytes in all; the rest were {} in {:?}", rest.sent, rest.took);
    // What was there when the first line broke does not come again; a cut of power may cost up to 64 KiB.
    assert!(rest.sent < length * 3 / 5, "{} of {length}", rest.sent);
    bench.guest.expect("trailers, state and boot environment: done", LIMIT).unwrap();
    assert_eq!(bench.guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert!(on_data(&device).contains("/uploaded.drydock/"), "{}", on_data(&device));

    let said = device.run(None, Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-UP set=b"), "{said}");
    let left = on_data(&device);
    assert!(left.contains("/machine-id/") && !left.contains("uploaded.drydock"), "{left}");
}

#[test]
fn at_9600_baud_and_with_noise_a_small_delta_is_installed_while_somebody_types_at_another_console() {
    let device = Device::flashed("slow-line", system("slow-line", 9600, SmallSystem::with_smallest_root));
    let v1 = device.system.release("1.0.0", 1).unwrap();
    let slim = device.system.slim(&v1, "2.0.0", 2).unwrap();
    let length = fs::metadata(&slim).unwrap().len();
    assert!(length < 24 << 10, "{length}");

    let noise = Noise::new(100, 5);
    let mut bench = Bench::start(&device, |folder| Line::new(folder, 9600).unwrap().noisy(noise));
    bench.guest.expect("Goes on by itself in 600 s.", LIMIT).unwrap();
    // Both type at once, each for himself; and the line has noise on it.
    bench.line.send(b"\x00\xff\x9b7\x1b[A5").unwrap();
    bench.guest.send("6").unwrap();
    bench.line.send(b"x\r").unwrap();
    bench.guest.send("\r").unwrap();
    let here = bench.line.expect("600 s.\r\n> ", SCREEN).unwrap();
    assert!(here.contains("drydock-test, in recovery"), "{here}");
    let there = bench.guest.expect("0: back> ", SCREEN).unwrap();
    assert!(there.contains("Give a set up for good"), "{there}");
    bench.guest.send("1\r").unwrap();
    bench.guest.expect("bad? ", SCREEN).unwrap();
    bench.guest.send("bad\r").unwrap();
    let challenge = bench.ask_for_upload();
    let there = bench.guest.expect("Answer> ", SCREEN).unwrap();
    assert!(there.contains(" mark-bad a"), "{there}");
    // The answer to what was asked at the one console is nothing at the other.
    let signature = bench.folder.path().join("challenge.sig");
    bench.answer_by_ssh(&challenge);
    bench.is_told_to_send();
    bench.guest.send(&fs::read_to_string(signature).unwrap().replace('\n', "\r")).unwrap();
    let sent = bench.line.lend(Command::new("sz").arg("-b").arg(&slim)).unwrap();
    assert!(sent.output.status.success(), "{sent:?}");
    println!("{length} bytes, {} with noise at 9600 baud, in {:?}", sent.sent, sent.took);
    bench.guest.expect("trailers, state and boot environment: done", LIMIT).unwrap();
    assert_eq!(bench.guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let said = device.run(None, Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-UP set=b"), "{said}");
}
