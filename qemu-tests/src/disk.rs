use std::path::PathBuf;

/// A disk of a guest.
#[derive(Clone, Debug)]
pub struct Disk {
    pub(crate) backing: Backing,
    pub(crate) bus: Bus,
    serial: Option<String>,
    addr: Option<String>,
    sector_size: u32,
    read_only: bool,
    snapshot: bool,
}

#[derive(Clone, Debug)]
/// Where its bytes are.
pub(crate) enum Backing {
    File(PathBuf),
    Node(String),
}

/// What a disk is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// virtio-blk: `/dev/vda`.
    Virtio,
    /// virtio-blk behind a PCIe port of its own, so that it can be pulled out while the guest runs.
    VirtioPort,
    /// NVMe: `/dev/nvme0n1`.
    Nvme,
    /// An NVMe drive with two controllers, at the PCI addresses 04.0 and 05.0, that share its one namespace:
    /// `/dev/nvme0n1`, which the kernel shows below their subsystem.
    NvmeShared,
    /// AHCI: `/dev/sda`.
    Sata,
    /// An SD card, which has a power of two of bytes: `/dev/mmcblk0`.
    Mmc,
    /// A removable USB stick behind xHCI: `/dev/sda`, a second after the driver is there.
    Usb,
}

impl Disk {
    /// A raw image file on virtio-blk with 512-byte sectors, written to by the guest.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Backing::File(path.into()))
    }

    /// A block node that the test defines itself with `-blockdev` (see [`Qemu::arg`](crate::Qemu::arg)), to
    /// log writes or to inject faults.
    pub fn node(name: &str) -> Self {
        Self::new(Backing::Node(name.into()))
    }

    fn new(backing: Backing) -> Self {
        let (serial, addr) = (None, None);
        Self { backing, bus: Bus::Virtio, serial, addr, sector_size: 512, read_only: false, snapshot: false }
    }

    /// Attaches the disk to another bus.
    pub fn bus(mut self, bus: Bus) -> Self {
        self.bus = bus;
        self
    }

    /// The serial number that the guest sees.
    pub fn serial(mut self, serial: &str) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// The PCI address of a virtio-blk or NVMe disk, as in `04.0`.
    pub fn addr(mut self, addr: &str) -> Self {
        self.addr = Some(addr.into());
        self
    }

    /// The logical sector size: 512 or 4096. BIOS firmware does not boot from the latter.
    pub fn sector_size(mut self, bytes: u32) -> Self {
        self.sector_size = bytes;
        self
    }

    /// The guest's writes fail.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The guest's writes go to a temporary file and are gone when it ends.
    pub fn snapshot(mut self) -> Self {
        self.snapshot = true;
        self
    }

    /// QEMU's arguments for the disk with this number. The device's id is `diskN`.
    pub(crate) fn args(&self, n: usize) -> Vec<String> {
        let mut args = Vec::new();
        let drive = match &self.backing {
            Backing::Node(name) => name.clone(),
            Backing::File(path) => {
                let path = path.to_string_lossy().replace(',', ",,");
                let read_only = if self.read_only { ",readonly=on" } else { "" };
                let snapshot = if self.snapshot { ",snapshot=on" } else { "" };
                args.push("-drive".into());
                args.push(format!(
                    "if=none,id=drive{n},file={path},format=raw,cache=unsafe,discard=unmap{read_only}{snapshot}"
                ));
                format!("drive{n}")
            }
        };
        let mut device = match self.bus {
            Bus::Virtio => "virtio-blk-pci".to_owned(),
            Bus::VirtioPort => {
                let port = format!("pcie-root-port,id=port{n},chassis={0},slot={0}", n + 1);
                args.extend(["-device".into(), port]);
                format!("virtio-blk-pci,bus=port{n}")
            }
            Bus::Nvme => "nvme".to_owned(),
            Bus::NvmeShared => {
                args.extend(["-device".into(), format!("nvme-subsys,id=subsystem{n}")]);
                for addr in ["04.0", "05.0"] {
                    let at = format!("id=nvme{n}-{addr},serial=disk{n},subsys=subsystem{n},addr={addr}");
                    args.extend(["-device".into(), format!("nvme,{at}")]);
                }
                format!("nvme-ns,bus=nvme{n}-04.0,nsid=1,shared=on")
            }
            Bus::Sata => format!("ide-hd,bus=ide.{n}"),
            Bus::Mmc => {
                args.extend(["-device".into(), format!("sdhci-pci,id=sdhci{n}")]);
                // It has a sector size and a serial number of its own, and nobody boots from it by its index.
                args.extend(["-device".into(), format!("sd-card,id=disk{n},drive={drive}")]);
                return args;
            }
            Bus::Usb => "usb-storage,bus=xhci.0,removable=on".to_owned(),
        };
        // 0 is what a kernel has that QEMU starts itself.
        device += &format!(",id=disk{n},drive={drive},bootindex={}", n + 1);
        device += &format!(",logical_block_size={0},physical_block_size={0}", self.sector_size);
        match (&self.serial, self.bus) {
            (Some(serial), _) => device += &format!(",serial={serial}"),
            (None, Bus::Nvme) => device += &format!(",serial=disk{n}"),
            (None, _) => {}
        }
        if let Some(addr) = &self.addr {
            device += &format!(",addr={addr}");
        }
        args.extend(["-device".into(), device]);
        args
    }
}
