//! What is recorded: the first boot, updates and a factory reset of a small system that runs in QEMU.

use drydock_files::FileBytes;
use drydock_format::Bundle;
use drydock_qemu_tests::{
    Disk, Exit, Extra, Line, Qemu, QemuError, Script, SmallRelease, SmallSystem, repository, run,
    small_config, target_dir,
};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What differs from the small system of the tests: keys are derived at once, a factory reset keeps something, and recovery
/// hands over without a reset where it can. That is after a factory reset; a new release is started by a reset.
const CHANGES: [(&str, &str); 2] = [
    ("kdf_memory_kib = 8192", "kdf_memory_kib = 64"),
    (
        "[initramfs]\n",
        "[recovery]\nhandover = \"switch-root\"\n\n[factory_reset]\nkeep = [\"kept\"]\n\n[initramfs]\n",
    ),
];
/// What a device in the field has as well: a tree of files, and hooks before and after an update is written.
const FIELD: (&str, &str) = (
    "\n[layout]\n",
    "
[[slot]]
class = \"app\"
role = \"files\"

[[tree]]
class = \"app\"
at = \"/tmp\"

[[hook]]
name = \"by-config\"
at = \"before-write\"
builtin = \"BUILTIN\"

[layout]
",
);
/// The same of its layout.
const FIELD_SIZES: (&str, &str) = ("root = 20 }", "root = 20, app = 1 }");
/// The hook that its releases bring.
const HOOKS: &str = "[[hook]]\nname = \"by-release\"\nat = \"after-write\"\nprogram = \"tell\"\n";
/// What a device has as well that takes uploads over a second serial line.
const SERVICE: (&str, &str) =
    ("\n[layout]\n", "\n[service]\naccess = \"open\"\nidle_seconds = 30\n\n[layout]\n");
/// Its bootloader's menu is waited for, and its second line is a console, too.
const SERVED: [(&str, &str); 2] = [
    ("menu_seconds = 0", "menu_seconds = 5"),
    ("console=ttyS0,115200", "console=ttyS0,115200 console=ttyS1,115200"),
];
/// So fast is that line. No emulated one is too slow for it.
const BAUD: u32 = 1_000_000;
/// So long a screen may take to come on a busy host.
const SCREEN: Duration = Duration::from_secs(60);
/// The file in the tree that names its release.
pub const IN_TREE: &str = "/tmp/program";
const LIMIT: Duration = Duration::from_secs(300);
/// A bundle's way onto a device, and its boots until it is marked good.
const BOOTS: usize = 3;
/// An upload is installed in the boot in which it comes.
const UPLOAD_BOOTS: usize = 2;
/// The boots of a factory reset: recovery goes on into the system by itself.
const RESET_BOOTS: usize = 2;
/// Where a system has its machine id.
pub const MACHINE_ID: &str = "/etc/machine-id";

/// A file that a factory reset keeps, one that it does not keep, and what is in both.
pub const KEPT: &str = "/var/kept/file";
/// See [`KEPT`].
pub const LOST: &str = "/var/lost/file";
/// See [`KEPT`].
pub const WORD: &str = "known-by-this-word";

/// What kind of job it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The first boot after flashing: `data` is made.
    FirstBoot,
    /// An update.
    Update,
    /// A factory reset.
    Reset,
}

impl Task {
    /// All of them, each with its name in a recording.
    pub const ALL: [(Self, &str); 3] =
        [(Self::FirstBoot, "first-boot"), (Self::Update, "update"), (Self::Reset, "reset")];
}

/// Something that a device does, to be cut.
pub struct Job {
    /// Its name in messages.
    pub name: &'static str,
    /// The releases that are installed one after the other before it begins.
    pub before: Vec<SmallRelease>,
    /// How often the device is started from there to its end.
    pub boots: usize,
    /// The release that it ends in.
    pub target: SmallRelease,
    /// What kind of job it is.
    pub task: Task,
    /// Whether each release has a tree of files, and hooks.
    pub field: bool,
    system: SmallSystem,
}

/// The versions of the releases.
const VERSIONS: [(&str, u32); 3] = [("1.0.0", 1), ("2.0.0", 2), ("3.0.0", 3)];

impl Job {
    /// The names of all jobs.
    pub const NAMES: [&str; 7] = [
        "first-boot",
        "first-update",
        "update",
        "update-by-delta",
        "update-in-the-field",
        "upload",
        "factory-reset",
    ];

    /// The job of this name: `first-update` fills the set that is empty, `update` overwrites an old release,
    /// `update-by-delta` does so with nothing but deltas from the one that runs, and `update-in-the-field` with a tree
    /// of files and hooks. `upload` is an update by the menu of a recovery that was chosen, with a bundle that real `sz` sends.
    pub fn named(name: &str) -> Result<Self, QemuError> {
        // The releases before, the one after, and the boots from there to the end.
        let (name, task, before, after, boots) = match name {
            "first-boot" => (Self::NAMES[0], Task::FirstBoot, 1, 0, 1),
            "first-update" => (Self::NAMES[1], Task::Update, 1, 1, BOOTS),
            "update" => (Self::NAMES[2], Task::Update, 2, 2, BOOTS),
            "update-by-delta" => (Self::NAMES[3], Task::Update, 2, 2, BOOTS),
            "update-in-the-field" => (Self::NAMES[4], Task::Update, 2, 2, BOOTS),
            "upload" => (Self::NAMES[5], Task::Update, 1, 1, UPLOAD_BOOTS),
            "factory-reset" => (Self::NAMES[6], Task::Reset, 1, 0, RESET_BOOTS),
            _ => {
                let output = format!("there are only {:?}", Self::NAMES);
                return Err(QemuError::Program { command: format!("cuts boot {name}"), output });
            }
        };
        let field = name == "update-in-the-field";
        let system = if field {
            system_in_the_field()?
        } else if name == "upload" {
            let changes = [CHANGES[0], CHANGES[1], SERVICE, SERVED[0], SERVED[1]];
            SmallSystem::with_smaller_root("cuts-upload", &small_config(&changes))?
        } else {
            SmallSystem::with_smaller_root("cuts", &small_config(&CHANGES))?
        };
        let release = |n: usize| system.release(VERSIONS[n].0, VERSIONS[n].1);
        let before = (0..before).map(release).collect::<Result<Vec<_>, _>>()?;
        let mut target = release(after)?;
        if name == "update-by-delta" || name == "upload" {
            let running = &before[before.len() - 1];
            target.bundle = system.slim(running, VERSIONS[after].0, VERSIONS[after].1)?;
        }
        Ok(Self { name, before, boots, target, task, field, system })
    }

    /// What the init of the system that runs is told to do. The recovery and the next system are on their own.
    ///
    /// At the first boot [`WORD`] is written to this place of the disk as soon as the machine id is known to the system.
    pub fn script(&self, word_at: u64) -> Result<Script, QemuError> {
        let show = Script::default().then(&format!("show {MACHINE_ID}"));
        Ok(match self.task {
            Task::FirstBoot => show
                .then(&format!("overwrite /dev/vda {word_at} {WORD}"))
                .then(&format!("write {KEPT} {WORD}"))
                .then("drydock mark-good")
                .then("poweroff"),
            Task::Update => Script::stage(&self.target.bundle)?,
            Task::Reset => show.then("drydock mark-good").then("drydock factory-reset").then("reboot"),
        })
    }

    /// Does one boot of the job. Returns what the guest has said.
    pub fn boot(&self, n: usize, qemu: Qemu, script: &Path) -> Result<String, QemuError> {
        match (n, self.name) {
            (0, "upload") => self.upload(qemu),
            (0, _) => boot(&qemu.disk(Disk::file(script).read_only())),
            _ => boot(&qemu),
        }
    }

    /// Chooses the recovery, and sends the bundle over its second line.
    fn upload(&self, qemu: Qemu) -> Result<String, QemuError> {
        let folder = tempfile::tempdir().map_err(QemuError::io("make a folder for a line"))?;
        let mut line = Line::new(folder.path(), BAUD)?;
        let qemu = line.args().into_iter().fold(qemu, Qemu::arg);
        line.plug()?;
        let mut guest = qemu.start()?;
        guest.choose("Recovery")?;
        line.expect("Goes on by itself in 30 s.\r\n> ", LIMIT)?;
        for (entry, shown) in
            [("4", "0: back> "), ("3", "install? "), ("install", "It goes on by itself.\r\n")]
        {
            line.send(format!("{entry}\r").as_bytes())?;
            line.expect(shown, SCREEN)?;
        }
        let sent = line.lend(Command::new("sz").arg("-b").arg(&self.target.bundle))?;
        match (sent.output.status.success(), guest.wait_exit(LIMIT)?) {
            (true, Exit::Reset) => Ok(guest.said()),
            (_, exit) => Err(QemuError::Program {
                command: format!("sz: {}, QEMU: {exit:?}", sent.output.status),
                output: guest.said(),
            }),
        }
    }

    /// Flashes a disk. But for a first boot it then comes to rest in the release that the job begins with, with two files
    /// on `data`. Returns what the guests have said.
    pub fn prepare(&self, disk: &Path) -> Result<String, QemuError> {
        self.system.flash(&self.before[0], disk)?;
        if self.task == Task::FirstBoot {
            return Ok(String::new());
        }
        let device = machine(self.name).disk(Disk::file(disk));
        let path = disk.with_extension("script");
        let with = |script: &Script| {
            script.write(&path)?;
            boot(&device.clone().disk(Disk::file(&path).read_only()))
        };
        let write = |path: &str| format!("write {path} {WORD}");
        let files = Script::default().then("drydock mark-good").then(&format!("show {MACHINE_ID}"));
        let files = files.then(&write(KEPT)).then(&write(LOST));
        let said = with(&files.then("poweroff"))?;
        for release in &self.before[1..] {
            with(&Script::stage(&release.bundle)?)?;
            (1..BOOTS).try_for_each(|_| boot(&device).map(drop))?;
        }
        Ok(said)
    }

    /// The boot slots' image: the same in all releases.
    pub fn boot_image(&self) -> PathBuf {
        self.system.boot_image()
    }
}

/// A small system with a tree of files, and a hook by its configuration and by each release.
fn system_in_the_field() -> Result<SmallSystem, QemuError> {
    let folder = target_dir().join("boot-cuts/hooks");
    let (tell, hooks) = (folder.join("tell"), folder.join("hooks.toml"));
    let write = || fs::create_dir_all(&folder).and_then(|()| fs::write(&hooks, HOOKS));
    write().map_err(QemuError::io("write the hooks of a release"))?;
    let source = repository().join("hooks/examples/tell.c");
    run(Command::new("cc").args(["-static", "-Os", "-s", "-o"]).args([&tell, &source]))?;
    let more = FIELD.1.replace("BUILTIN", &tell.display().to_string());
    let changes = [CHANGES[0], CHANGES[1], (FIELD.0, &more), FIELD_SIZES];
    let extra = Extra { files: Vec::new(), hooks: Some(hooks) };
    SmallSystem::with_hooks("cuts-field", &small_config(&changes), extra)
}

/// The machine without its disks.
pub fn machine(name: &str) -> Qemu {
    Qemu::new(name).memory(256).cpus(1)
}

/// Boots until the guest resets or switches off by itself. Returns what it has said.
fn boot(qemu: &Qemu) -> Result<String, QemuError> {
    let mut guest = qemu.start()?;
    match guest.wait_exit(LIMIT)? {
        Exit::Reset | Exit::PowerOff => Ok(guest.said()),
        other => Err(QemuError::Program { command: format!("QEMU: {other:?}"), output: guest.said() }),
    }
}

/// The machine id in what a system has said, if it is one.
pub fn machine_id(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.split_once(&format!("DRYDOCK-TEST-FILE {MACHINE_ID} ")))?;
    let id = line.1.trim();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_owned())
}

/// What a whole slot holds, known without asking drydock.
pub struct Release {
    /// The version.
    pub version: String,
    /// The manifest's bytes, as they stand in a trailer.
    pub manifest: Vec<u8>,
    /// Slot class and image.
    pub images: Vec<(&'static str, Vec<u8>)>,
}

impl Release {
    /// Reads the bundle, and the images that it was made of.
    pub fn read(bundle: &Path, root: &Path, boot: &Path) -> std::io::Result<Self> {
        let opened =
            Bundle::open_unverified(FileBytes(File::open(bundle)?)).map_err(std::io::Error::other)?;
        Ok(Self {
            version: opened.manifest().version.clone(),
            manifest: opened.manifest_bytes().to_vec(),
            images: vec![("boot", fs::read(boot)?), ("root", fs::read(root)?)],
        })
    }
}
