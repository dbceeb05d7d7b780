use drydock_block::SectorSize;
use nix::libc;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

mod raw {
    nix::ioctl_read!(size64, 0x12, 114, u64);
    nix::ioctl_read_bad!(sector_size, nix::request_code_none!(0x12, 104), nix::libc::c_int);
    nix::ioctl_write_ptr_bad!(discard, nix::request_code_none!(0x12, 119), [u64; 2]);
    nix::ioctl_none!(flush_buffers, 0x12, 97);
    nix::ioctl_write_ptr_bad!(partition, nix::request_code_none!(0x12, 105), super::PartitionRequest);
}

/// `struct blkpg_ioctl_arg` of linux/blkpg.h.
#[repr(C)]
pub(super) struct PartitionRequest {
    op: libc::c_int,
    flags: libc::c_int,
    data_len: libc::c_int,
    data: *mut Partition,
}

/// `struct blkpg_partition` of linux/blkpg.h.
#[repr(C)]
struct Partition {
    start: libc::c_longlong,
    length: libc::c_longlong,
    number: libc::c_int,
    device_name: [u8; 64],
    volume_name: [u8; 64],
}

/// The size of a block device in bytes.
pub fn size(device: impl AsFd) -> io::Result<u64> {
    let mut size = 0;
    // SAFETY: BLKGETSIZE64 writes one u64 to the pointer, which is valid for the call.
    unsafe { raw::size64(device.as_fd().as_raw_fd(), &mut size) }?;
    Ok(size)
}

/// The logical sector size of a block device. One that is not known here is [`io::ErrorKind::InvalidData`].
pub fn sector_size(device: impl AsFd) -> io::Result<SectorSize> {
    let mut size = 0;
    // SAFETY: BLKSSZGET writes one int to the pointer, which is valid for the call.
    unsafe { raw::sector_size(device.as_fd().as_raw_fd(), &mut size) }?;
    u32::try_from(size).ok().and_then(SectorSize::from_bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Discards `len` bytes at `offset`. [`io::ErrorKind::Unsupported`] where the device cannot.
pub fn discard(device: impl AsFd, offset: u64, len: u64) -> io::Result<()> {
    // SAFETY: BLKDISCARD reads two u64 from the pointer, which is valid for the call.
    unsafe { raw::discard(device.as_fd().as_raw_fd(), &[offset, len]) }?;
    Ok(())
}

/// Writes back and drops the page cache of a block device, so that the next read asks the medium.
pub fn flush_buffers(device: impl AsFd) -> io::Result<()> {
    // SAFETY: BLKFLSBUF takes no argument.
    unsafe { raw::flush_buffers(device.as_fd().as_raw_fd()) }?;
    Ok(())
}

/// Tells the kernel of a partition that it did not find by itself. `start` and `len` are in bytes. Nothing is
/// written to the disk.
pub fn add_partition(disk: impl AsFd, number: u32, start: u64, len: u64) -> io::Result<()> {
    const ADD: libc::c_int = 1;
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut partition = Partition {
        start: start.try_into().map_err(invalid)?,
        length: len.try_into().map_err(invalid)?,
        number: number.try_into().map_err(invalid)?,
        device_name: [0; 64],
        volume_name: [0; 64],
    };
    let data_len = size_of::<Partition>() as libc::c_int;
    let request = PartitionRequest { op: ADD, flags: 0, data_len, data: &mut partition };
    // SAFETY: BLKPG reads the request and the partition that it points to; both outlive the call.
    unsafe { raw::partition(disk.as_fd().as_raw_fd(), &request) }?;
    Ok(())
}
