use crate::accel::accelerator;
use crate::disk::{Bus, Disk};
use crate::guest::{Guest, Launch, Log};
use crate::marker::DEBUG_EXIT;
use crate::paths::target_subdir;
use crate::serial::Sink;
use crate::slots::Slot;
use crate::{ARCHITECTURE, QemuError};
use drydock_architecture::{Architecture, EfiFirmware};
use std::fs::File;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A guest to be: what the machine has and what it starts from.
#[derive(Clone, Debug)]
pub struct Qemu {
    name: String,
    architecture: Architecture,
    memory_mib: u32,
    cpus: u32,
    firmware: Firmware,
    serial: Serial,
    disks: Vec<Disk>,
    watchdog: bool,
    network: bool,
    /// A port of the host's loopback, and the guest's that it leads to.
    forwarded: Option<(u16, u16)>,
    debug_exit: bool,
    kernel: Option<(PathBuf, PathBuf, String)>,
    log_file: Option<PathBuf>,
    echo: bool,
    args: Vec<String>,
}

/// The machine's firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS, where the machine has it.
    Bios,
    /// EFI firmware, with its variables in this file. Where the file does not exist it becomes a copy of Debian's
    /// template; the guest writes to it, so each device has its own and keeps it over reboots.
    Efi(PathBuf),
    /// U-Boot, from this file.
    UBoot(PathBuf),
    /// EFI firmware that knows Secure Boot. What it trusts is among its variables: see [`EfiVariables`](crate::EfiVariables).
    SecureBoot(PathBuf),
}

/// The first serial port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serial {
    /// Read as fast as it comes.
    Fast,
    /// Read no faster than a terminal at this many baud; the guest's FIFO fills up.
    Throttled(u32),
    /// There is no port: nothing can be expected from this guest but its end.
    Absent,
}

impl Qemu {
    /// A machine with 512 MiB, two CPUs, BIOS, a serial port and nothing else. The name goes into its log's.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            architecture: ARCHITECTURE,
            memory_mib: 512,
            cpus: 2,
            firmware: Firmware::Bios,
            serial: Serial::Fast,
            disks: Vec::new(),
            watchdog: false,
            network: false,
            forwarded: None,
            debug_exit: false,
            kernel: None,
            log_file: None,
            echo: false,
            args: Vec::new(),
        }
    }

    /// The processor. Another than the host's is always emulated.
    pub fn architecture(mut self, architecture: Architecture) -> Self {
        self.architecture = architecture;
        self
    }

    /// The size of the memory.
    pub fn memory(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    /// The number of CPUs.
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    /// The firmware.
    pub fn firmware(mut self, firmware: Firmware) -> Self {
        self.firmware = firmware;
        self
    }

    /// The serial port.
    pub fn serial(mut self, serial: Serial) -> Self {
        self.serial = serial;
        self
    }

    /// Adds a disk. The firmware tries them in the order in which they were added.
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// Adds a watchdog (Intel 6300ESB) that resets the machine. Debian's cloud kernel has no driver for it, the
    /// generic one does.
    pub fn watchdog(mut self) -> Self {
        self.watchdog = true;
        self
    }

    /// Adds a virtio interface with QEMU's network for users: DHCP, and the host's loopback at
    /// [`Server::HOST`](crate::Server::HOST). [`Guest::cable`](crate::Guest::cable) pulls it out and plugs it in.
    pub fn network(mut self) -> Self {
        self.network = true;
        self
    }

    /// Lets the host reach a port of the guest's in that network, at this one of its own loopback.
    pub fn forward(mut self, host: u16, guest: u16) -> Self {
        self.forwarded = Some((host, guest));
        self
    }

    /// Adds the port through which a [`marker_kernel`](crate::marker_kernel) ends QEMU.
    pub fn debug_exit(mut self) -> Self {
        self.debug_exit = true;
        self
    }

    /// Starts this kernel without a bootloader.
    pub fn kernel(
        mut self,
        kernel: impl Into<PathBuf>,
        initramfs: impl Into<PathBuf>,
        cmdline: &str,
    ) -> Self {
        self.kernel = Some((kernel.into(), initramfs.into(), cmdline.into()));
        self
    }

    /// Appends the serial log to this file and keeps it.
    pub fn log_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.log_file = Some(path.into());
        self
    }

    /// Shows on stdout what the guest says, while it says it.
    pub fn echo(mut self) -> Self {
        self.echo = true;
        self
    }

    /// Adds an argument of QEMU's own.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Waits for a free core, then starts the guest. `-no-reboot`: a guest that reboots ends, and the test starts
    /// the next one on the same disks, which is quicker than a reboot inside QEMU.
    pub fn start(&self) -> Result<Guest, QemuError> {
        let slot = Slot::acquire()?;
        let files = tempfile::tempdir().map_err(QemuError::io("make a folder for the guest's sockets"))?;
        let (log, sink) = self.open_log()?;
        let socket = files.path().join("qmp");
        let listener = UnixListener::bind(&socket).map_err(QemuError::io("listen for QEMU's monitor"))?;
        let stderr = files.path().join("stderr");
        let errors = File::create(&stderr).map_err(QemuError::io("create QEMU's error log"))?;

        let machine = self.architecture.machine();
        let secure = machine.secure_boot.filter(|_| matches!(self.firmware, Firmware::SecureBoot(_)));
        let board = match &self.firmware {
            Firmware::UBoot(_) => machine.u_boot,
            _ => secure.map_or(machine.machine, |secure| secure.machine),
        };
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", machine.program]);
        command.args(["-machine", board, "-cpu", machine.cpu, "-accel", accelerator(self.architecture)]);
        command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        command.args(["-m", &self.memory_mib.to_string(), "-smp", &self.cpus.to_string()]);
        command.arg("-chardev").arg(format!("socket,id=qmp,path={}", socket.display()));
        command.args(["-mon", "chardev=qmp,mode=control"]);
        match self.serial {
            Serial::Absent => command.args(["-serial", "none"]),
            _ => command.args(["-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial"]),
        };
        match &self.firmware {
            Firmware::Bios => {}
            Firmware::Efi(variables) | Firmware::SecureBoot(variables) => {
                let code = secure.map_or(machine.efi.code, |secure| secure.code);
                command.args(efi_args(machine.efi, code, variables)?);
            }
            Firmware::UBoot(file) => drop(command.arg("-bios").arg(file)),
        }
        if let Some(secure) = secure {
            command.args(["-global", secure.global]);
        }
        if self.watchdog {
            command.args(["-device", "i6300esb", "-action", "watchdog=reset"]);
        }
        if self.network {
            let forwarded =
                self.forwarded.map(|(host, guest)| format!(",hostfwd=tcp:127.0.0.1:{host}-:{guest}"));
            command.arg("-netdev").arg(format!("user,id=net{}", forwarded.unwrap_or_default()));
            // At a place of its own, so that disks stay where they are without it; and the firmware does not boot from it.
            command.args(["-device", "virtio-net-pci,id=nic,netdev=net,romfile=,addr=10.0"]);
        }
        if self.debug_exit {
            command.args(["-device", DEBUG_EXIT]);
        }
        if self.disks.iter().any(|disk| disk.bus == Bus::Usb) {
            command.args(["-device", "qemu-xhci,id=xhci"]);
        }
        if let Some((kernel, initramfs, cmdline)) = &self.kernel {
            command.arg("-kernel").arg(kernel).arg("-initrd").arg(initramfs).args(["-append", cmdline]);
        }
        command.args(&self.args);
        for (n, disk) in self.disks.iter().enumerate() {
            command.args(disk.args(n));
        }
        command.stderr(errors).process_group(0);

        let baud = match self.serial {
            Serial::Throttled(baud) => Some(baud),
            _ => None,
        };
        Launch { command, program: machine.program, sink, baud, log, listener, stderr, files, slot }.start()
    }

    fn open_log(&self) -> Result<(Log, Sink), QemuError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut options = File::options();
        let (path, file) = match &self.log_file {
            Some(path) => (path.clone(), options.append(true).create(true).open(path)),
            None => {
                let n = COUNT.fetch_add(1, Ordering::Relaxed);
                let path = target_subdir("qemu-logs")?.join(format!("{}.{n}.log", self.name));
                let file = options.write(true).create(true).truncate(true).open(&path);
                (path, file)
            }
        };
        let log = file.map_err(QemuError::io(format!("create the serial log {}", path.display())))?;
        Ok((Log { path, keep: self.log_file.is_some() }, Sink { log, echo: self.echo }))
    }
}

/// The firmware's code is shared; its variables belong to one machine.
fn efi_args(efi: EfiFirmware, code: &str, variables: &PathBuf) -> Result<[String; 4], QemuError> {
    if !variables.exists() {
        let doing =
            format!("copy {} (Debian's package {}) to {}", efi.variables, efi.package, variables.display());
        std::fs::copy(efi.variables, variables).map_err(QemuError::io(doing))?;
    }
    let flash = |n: u32, file: &str, more: &str| format!("if=pflash,unit={n},format=raw,file={file}{more}");
    let variables = variables.to_string_lossy().replace(',', ",,");
    Ok(["-drive".into(), flash(0, code, ",readonly=on"), "-drive".into(), flash(1, &variables, "")])
}
