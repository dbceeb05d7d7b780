use nix::libc;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// How long a disk may take to answer, in milliseconds.
const ANSWER: u32 = 5000;

mod raw {
    nix::ioctl_readwrite_bad!(sg_io, 0x2285, super::SgIo);
    nix::ioctl_readwrite!(nvme_admin, b'N', 0x41, super::NvmeCommand);
    nix::ioctl_readwrite!(mmc_command, 179, 0, super::MmcCommand);
}

/// `struct sg_io_hdr` of scsi/sg.h.
#[repr(C)]
pub(super) struct SgIo {
    interface_id: libc::c_int,
    direction: libc::c_int,
    command_len: u8,
    max_sense_len: u8,
    iovec_count: u16,
    data_len: u32,
    data: *mut u8,
    command: *const u8,
    sense: *mut u8,
    timeout: u32,
    flags: u32,
    pack_id: libc::c_int,
    user: *mut libc::c_void,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_written: u8,
    host_status: u16,
    driver_status: u16,
    residual: libc::c_int,
    duration: u32,
    info: u32,
}

/// `struct nvme_admin_cmd` of linux/nvme_ioctl.h.
#[repr(C)]
#[derive(Default)]
pub(super) struct NvmeCommand {
    opcode: u8,
    flags: u8,
    reserved1: u16,
    namespace: u32,
    cdw2: u32,
    cdw3: u32,
    metadata: u64,
    address: u64,
    metadata_len: u32,
    data_len: u32,
    cdw10: u32,
    cdw11: u32,
    cdw12: u32,
    cdw13: u32,
    cdw14: u32,
    cdw15: u32,
    timeout_ms: u32,
    result: u32,
}

/// `struct mmc_ioc_cmd` of linux/mmc/ioctl.h.
#[repr(C)]
#[derive(Default)]
pub(super) struct MmcCommand {
    write_flag: libc::c_int,
    is_acmd: libc::c_int,
    opcode: u32,
    argument: u32,
    response: [u32; 4],
    flags: u32,
    block_size: u32,
    blocks: u32,
    postsleep_min_us: u32,
    postsleep_max_us: u32,
    data_timeout_ns: u32,
    command_timeout_ms: u32,
    padding: u32,
    data: u64,
}

/// The SMART data of an ATA disk, 512 bytes: SMART READ DATA (ACS-4, 7.44.2) by ATA PASS-THROUGH (16) (SAT-4, 12.2.3).
pub fn smart_data(disk: impl AsFd) -> io::Result<[u8; 512]> {
    // PIO data-in; one block of 512 bytes from the device, its number in the count field.
    let mut command = [0_u8; 16];
    for (at, byte) in
        [(0, 0x85), (1, 4 << 1), (2, 0x0e), (4, 0xd0), (6, 1), (10, 0x4f), (12, 0xc2), (14, 0xb0)]
    {
        command[at] = byte;
    }
    let (mut data, mut sense) = ([0; 512], [0; 64]);
    let mut request = SgIo {
        interface_id: libc::c_int::from(b'S'),
        direction: -3,
        command_len: 16,
        max_sense_len: 64,
        iovec_count: 0,
        data_len: 512,
        data: data.as_mut_ptr(),
        command: command.as_ptr(),
        sense: sense.as_mut_ptr(),
        timeout: ANSWER,
        flags: 0,
        pack_id: 0,
        user: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        message_status: 0,
        sense_written: 0,
        host_status: 0,
        driver_status: 0,
        residual: 0,
        duration: 0,
        info: 0,
    };
    // SAFETY: SG_IO reads 16 bytes of the command, writes at most 512 bytes of data and 64 of sense; all outlive the call.
    unsafe { raw::sg_io(disk.as_fd().as_raw_fd(), &mut request) }?;
    match (request.status, request.host_status, request.residual) {
        (0, 0, 0) => Ok(data),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// The health information of an NVMe drive, 512 bytes: Get Log Page, page 02h (NVM Express 1.4, 5.14.1.2).
pub fn nvme_health(disk: impl AsFd) -> io::Result<[u8; 512]> {
    let mut data = [0; 512];
    let mut command = NvmeCommand {
        opcode: 0x02,
        namespace: u32::MAX,
        address: data.as_mut_ptr() as u64,
        data_len: 512,
        // The number of double words less one, and the page.
        cdw10: (512 / 4 - 1) << 16 | 0x02,
        timeout_ms: ANSWER,
        ..NvmeCommand::default()
    };
    // SAFETY: the command writes at most 512 bytes to the address, which is valid for the call.
    let status = unsafe { raw::nvme_admin(disk.as_fd().as_raw_fd(), &mut command) }?;
    if status == 0 { Ok(data) } else { Err(io::ErrorKind::Unsupported.into()) }
}

/// The extended registers of an eMMC, 512 bytes: SEND_EXT_CSD (JESD84-B51, 6.10.4, CMD8).
pub fn mmc_ext_csd(disk: impl AsFd) -> io::Result<[u8; 512]> {
    /// R1 and a data transfer: MMC_RSP_SPI_R1 | MMC_RSP_R1 | MMC_CMD_ADTC of linux/mmc/core.h.
    const FLAGS: u32 = 1 << 7 | 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5;
    let mut data = [0; 512];
    let mut command = MmcCommand {
        opcode: 8,
        flags: FLAGS,
        block_size: 512,
        blocks: 1,
        data: data.as_mut_ptr() as u64,
        ..MmcCommand::default()
    };
    // SAFETY: the command writes 512 bytes to the address, which is valid for the call.
    unsafe { raw::mmc_command(disk.as_fd().as_raw_fd(), &mut command) }?;
    Ok(data)
}
