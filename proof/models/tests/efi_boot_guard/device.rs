//! Two partitions, a record, and the loader.

use drydock_block::{BlockDevice, Flush, MemoryDevice, SectorSize, read_vec};
use drydock_fixtures::sh;
use drydock_models::efi_boot_guard::decide;
use drydock_state::efi_boot_guard::{ENV_SIZE, EfiBootGuard, Image, Names};
use drydock_state::{CopyName, SetName, fat};
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

pub(crate) const A: SetName = SetName::A;
pub(crate) const B: SetName = SetName::B;

/// What was done to the partitions.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Write(usize, u64, Vec<u8>),
    Flush,
}

/// A partition that remembers what was done to it.
#[derive(Debug)]
pub(crate) struct Partition {
    index: usize,
    pub(crate) memory: MemoryDevice,
    log: Arc<Mutex<Vec<Op>>>,
}

impl BlockDevice for Partition {
    fn size(&self) -> u64 {
        self.memory.size()
    }
    fn sector_size(&self) -> SectorSize {
        self.memory.sector_size()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.memory.read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.log.lock().unwrap().push(Op::Write(self.index, offset, buf.to_vec()));
        self.memory.write_at(offset, buf)
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.log.lock().unwrap().push(Op::Flush);
        self.memory.flush(guard)
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.memory.discard(offset, len)
    }
}

/// Both partitions.
pub(crate) struct Device {
    pub(crate) partitions: [Partition; 2],
    pub(crate) log: Arc<Mutex<Vec<Op>>>,
}

pub(crate) fn names() -> Names {
    Names { boot: "boot".into(), recovery: "recovery".into() }
}

/// A FAT with an empty file BGENV.DAT of the right size.
pub(crate) fn blank() -> Vec<u8> {
    static BLANK: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("BGENV.DAT"), vec![0; ENV_SIZE]).unwrap();
        sh(dir.path(), "mkfs.fat -F 12 -C fs 512; mcopy -i fs BGENV.DAT ::");
        std::fs::read(dir.path().join("fs")).unwrap()
    };
    BLANK.get_or_init(make).clone()
}

impl Device {
    /// With these contents.
    pub(crate) fn of(contents: [Vec<u8>; 2]) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let [first, second] = contents;
        let partition = |index, bytes| Partition {
            index,
            memory: MemoryDevice::from_bytes(bytes, SectorSize::S512),
            log: log.clone(),
        };
        Self { partitions: [partition(0, first), partition(1, second)], log: log.clone() }
    }

    /// Never told anything.
    pub(crate) fn new() -> Self {
        Self::of([blank(), blank()])
    }

    pub(crate) fn contents(&self) -> [Vec<u8>; 2] {
        self.partitions.each_ref().map(|partition| partition.memory.snapshot())
    }

    /// drydock's side.
    pub(crate) fn loader(&self) -> EfiBootGuard<&Partition> {
        EfiBootGuard::open(self.partitions.each_ref().map(Ok), names(), 0).unwrap()
    }

    /// What drydock's side is where a partition is gone.
    pub(crate) fn loader_without(&self, gone: usize) -> EfiBootGuard<&Partition> {
        let mut all = self.partitions.each_ref().map(Ok);
        all[gone] = Err("the partition is gone".to_owned());
        EfiBootGuard::open(all, names(), 0).unwrap()
    }

    fn ranges(&self, n: usize) -> Option<Vec<std::ops::Range<u64>>> {
        let file = fat::find(&self.partitions[n].memory, b"BGENV   DAT").ok()?;
        Some(fat::ranges(&self.partitions[n].memory, &file).unwrap())
    }

    /// The file on a partition.
    pub(crate) fn file(&self, n: usize) -> Option<Vec<u8>> {
        let read = |range: std::ops::Range<u64>| {
            read_vec(&self.partitions[n].memory, range.start, (range.end - range.start) as usize).unwrap()
        };
        Some(self.ranges(n)?.into_iter().flat_map(read).collect())
    }

    /// Overwrites the file on a partition.
    pub(crate) fn put(&self, n: usize, file: &[u8]) {
        let mut at = 0;
        for range in self.ranges(n).unwrap() {
            let len = (range.end - range.start) as usize;
            let mut piece =
                read_vec(&self.partitions[n].memory, range.start, len.next_multiple_of(512)).unwrap();
            piece[..len].copy_from_slice(&file[at..at + len]);
            self.partitions[n].memory.write_at(range.start, &piece).unwrap();
            at += len;
        }
    }

    /// A reset: what the loader starts.
    pub(crate) fn start(&self) -> Image {
        let files = [self.file(0), self.file(1)];
        let decision = decide([files[0].as_deref(), files[1].as_deref()]);
        for (n, (old, new)) in files.iter().zip(&decision.files).enumerate() {
            if let Some(new) = new
                && Some(new) != old.as_ref()
            {
                self.put(n, new);
            }
        }
        let images =
            [Image::Set(A), Image::Set(B), Image::Recovery(CopyName::A), Image::Recovery(CopyName::B)];
        let found = images.into_iter().find(|image| names().of(*image) == decision.kernel);
        found.unwrap_or_else(|| panic!("it starts `{}`", decision.kernel))
    }
}
