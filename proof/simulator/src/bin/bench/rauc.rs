//! RAUC: a signed bundle in its `plain` format, a squashfs with zstd. Its other formats need device-mapper, which not
//! every machine that this runs on has.
//!
//! Debian's build installs only through its D-Bus service, which runs on a private bus here.

use crate::measure::{Installer, peak_of};
use crate::tools::{Service, certificate, run};
use crate::{Fallible, Job, LEVEL, Peer};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the service may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);
const MANIFEST: &str = "\
[update]
compatible=bench
version=1
[bundle]
format=plain
[image.root]
filename=root.img
";

pub(crate) const PEER: Peer = Peer { programs: &["rauc", "dbus-daemon"], packages: "rauc dbus", prepare };

struct Rauc {
    folder: PathBuf,
    target: PathBuf,
    running: Option<Running>,
}

struct Running {
    /// The bus's address.
    address: String,
    service: Service,
    _bus: Service,
}

fn prepare(job: &Job) -> Fallible<Box<dyn Installer>> {
    let folder = job.folder.join("rauc");
    let (content, mount) = (folder.join("content"), folder.join("mount"));
    fs::create_dir_all(&content)?;
    fs::create_dir_all(&mount)?;
    let (cert, key) = certificate(&folder)?;
    let booted = folder.join("booted");
    File::create(&booted)?;
    let config = format!(
        "\
[system]
compatible=bench
bootloader=noop
bundle-formats=plain
mountprefix={}
[keyring]
path={}
check-purpose=codesign
[slot.root.0]
device={}
type=raw
bootname=system0
[slot.root.1]
device={}
type=raw
bootname=system1
",
        mount.display(),
        cert.display(),
        booted.display(),
        job.target.display()
    );
    fs::write(folder.join("system.conf"), config)?;
    fs::write(content.join("manifest.raucm"), MANIFEST)?;
    fs::copy(&job.image, content.join("root.img"))?;
    let bundle = folder.join("v1.raucb");
    if bundle.exists() {
        fs::remove_file(&bundle)?;
    }
    let mut command = Command::new("rauc");
    command.arg("bundle").arg("--cert").arg(cert).arg("--key").arg(key);
    command.arg(format!("--mksquashfs-args=-comp zstd -Xcompression-level {LEVEL}"));
    run(command.arg(&content).arg(&bundle), &folder.join("bundle.log"))?;
    fs::remove_dir_all(&content)?;
    Ok(Box::new(Rauc { folder, target: job.target.clone(), running: None }))
}

impl Rauc {
    /// `rauc` on its own bus, and with its own mounts, so that none stay whatever happens.
    fn command(&self, address: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "rauc", "-c"]).arg(self.folder.join("system.conf"));
        command.env("DBUS_SESSION_BUS_ADDRESS", address).env("DBUS_STARTER_BUS_TYPE", "session");
        command
    }
}

impl Installer for Rauc {
    fn name(&self) -> &'static str {
        "rauc"
    }
    fn checks(&self) -> &'static str {
        "CMS signature (RSA) of the whole bundle, format `plain`, before anything is written; nothing while writing"
    }
    fn target(&self) -> &Path {
        &self.target
    }
    fn start(&mut self) -> Fallible<()> {
        let mut bus = Command::new("dbus-daemon");
        bus.args(["--session", "--nofork", "--print-address=1"]).stdout(Stdio::piped());
        let mut bus = Service(bus.stderr(Stdio::null()).spawn()?);
        let mut address = String::new();
        BufReader::new(bus.0.stdout.take().ok_or("dbus-daemon has no output")?).read_line(&mut address)?;
        let address = address.trim().to_owned();
        let log = File::create(self.folder.join("service.log"))?;
        let mut service = self.command(&address);
        service.args(["service", "--override-boot-slot=system0"]).stdout(log.try_clone()?).stderr(log);
        let service = Service(service.spawn()?);
        let begun = Instant::now();
        while !self.command(&address).arg("status").output()?.status.success() {
            if begun.elapsed() > PATIENCE {
                return Err("its service does not answer".into());
            }
        }
        self.running = Some(Running { address, service, _bus: bus });
        Ok(())
    }
    fn install(&mut self) -> Fallible<u64> {
        let running = self.running.take().ok_or("its service was not started")?;
        let mut command = self.command(&running.address);
        let client =
            run(command.arg("install").arg(self.folder.join("v1.raucb")), &self.folder.join("install.log"))?;
        // Its time counts once it has ended, which it does here.
        Ok(client + peak_of(running.service.0.id()))
    }
}
