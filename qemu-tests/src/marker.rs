//! Programs of a few bytes that stand in for bootloaders and kernels.

/// The device whose port ends QEMU with a status that the guest chooses.
pub(crate) const DEBUG_EXIT: &str = "isa-debug-exit,iobase=0xf4,iosize=1";
/// QEMU's exit status once a boot sector or a marker kernel is through.
pub(crate) const PROBE_STATUS: i32 = 0x21;

/// Prints the NUL-terminated string at (E)SI and a newline to the first serial port, then ends QEMU through
/// [`DEBUG_EXIT`]; without that device it halts. The bytes mean the same in 16-bit and in 32-bit code but
/// for the immediates of `mov dx`, which therefore differ between the two.
fn print_and_exit(wide: bool) -> Vec<u8> {
    let mov_dx = |port: u16| match wide {
        true => [&[0xba][..], &u32::from(port).to_le_bytes()].concat(),
        false => [&[0xba][..], &port.to_le_bytes()].concat(),
    };
    // wait: in al, dx; test al, 0x20; jz wait        (the transmitter is empty)
    let wait = [&mov_dx(0x3fd)[..], &[0xec, 0xa8, 0x20, 0x74, 0xfb]].concat();
    // out dx, al                                      (the character)
    let send = [&mov_dx(0x3f8)[..], &[0xee]].concat();
    // next: lodsb; test al, al; jz done; mov ah, al; wait; mov al, ah; send; jmp next
    let body = [&[0x88, 0xc4][..], &wait, &[0x88, 0xe0], &send].concat();
    let forward = body.len() as u8 + 2;
    let back = 0u8.wrapping_sub(body.len() as u8 + 7);
    let mut code = [&[0xac, 0x84, 0xc0, 0x74, forward][..], &body, &[0xeb, back]].concat();
    // done: wait; mov al, 10; send
    code.extend([&wait[..], &[0xb0, 10], &send].concat());
    // out 0xf4, al with PROBE_STATUS = 2 * al + 1; halt: hlt; jmp halt
    code.extend(mov_dx(0xf4));
    code.extend([0xb0, (PROBE_STATUS / 2) as u8, 0xee, 0xf4, 0xeb, 0xfd]);
    code
}

/// A boot sector that prints `text` to the serial port and ends QEMU.
pub fn boot_sector(text: &str) -> [u8; 512] {
    let code = print_and_exit(false);
    // xor si, si; mov ds, si; mov si, TEXT; cld
    let start = [0x31, 0xf6, 0x8e, 0xde, 0xbe, 0, 0, 0xfc];
    let at = start.len() + code.len();
    let mut sector = [0; 512];
    sector[..start.len()].copy_from_slice(&start);
    sector[5..7].copy_from_slice(&(0x7c00 + at as u16).to_le_bytes());
    sector[start.len()..at].copy_from_slice(&code);
    sector[at..at + text.len()].copy_from_slice(text.as_bytes());
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

/// A Linux kernel as far as a bootloader can tell, in 1.5 KiB: it prints its command line to the serial port and
/// ends QEMU. It has a 16-bit and a 32-bit entry, so both of GRUB's `linux16` and `linux` start it (BIOS only).
pub fn marker_kernel() -> Vec<u8> {
    let mut kernel = vec![0; 3 * 512];
    let mut put = |at: usize, bytes: &[u8]| kernel[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[1]); // setup_sects: one sector after the first
    put(0x1f4, &32u32.to_le_bytes()); // syssize: 512 bytes in units of 16
    put(0x1fe, &0xaa55u16.to_le_bytes());
    put(0x200, &[0xeb, 0x6e]); // entry: jmp 0x270
    put(0x202, b"HdrS");
    put(0x206, &0x020au16.to_le_bytes()); // boot protocol 2.10
    put(0x211, &[1]); // loadflags: LOADED_HIGH
    put(0x214, &0x100000u32.to_le_bytes()); // code32_start
    put(0x22c, &0x37ffffffu32.to_le_bytes()); // initrd_addr_max
    put(0x230, &0x200000u32.to_le_bytes()); // kernel_alignment
    put(0x234, &[1, 21]); // relocatable_kernel, min_alignment
    put(0x238, &2047u32.to_le_bytes()); // cmdline_size
    put(0x258, &0x1000000u64.to_le_bytes()); // pref_address
    put(0x260, &0x10000u32.to_le_bytes()); // init_size

    // 16 bits, DS = the header's segment: mov eax, [0x228]; mov si, ax; and si, 15; shr eax, 4; mov ds, ax; cld
    let real =
        [0x66, 0xa1, 0x28, 0x02, 0x89, 0xc6, 0x83, 0xe6, 0x0f, 0x66, 0xc1, 0xe8, 0x04, 0x8e, 0xd8, 0xfc];
    put(0x270, &real);
    put(0x270 + real.len(), &print_and_exit(false));
    // 32 bits, ESI = boot parameters: mov esi, [esi + 0x228]; cld
    let protected = [0x8b, 0xb6, 0x28, 0x02, 0x00, 0x00, 0xfc];
    put(0x400, &protected);
    put(0x400 + protected.len(), &print_and_exit(true));
    kernel
}

/// An EFI application as far as the firmware can tell, in 1 KiB: it prints `text` to the serial port and ends QEMU, or
/// halts for ever where that can't be ended. For the reference device's processor.
pub fn marker_efi(text: &str) -> Vec<u8> {
    const PAGE: u32 = 0x1000;
    const FILE: usize = 512;
    // lea rsi, [rip + what follows]; cld
    let mut code = vec![0xfc];
    code.extend(print_and_exit(true));
    let code = [&[0x48, 0x8d, 0x35][..], &(code.len() as u32).to_le_bytes(), &code, text.as_bytes()].concat();
    assert!(code.len() < FILE, "the text is too long");

    let mut image = vec![0; 2 * FILE];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(60, &64u32.to_le_bytes());
    put(64, b"PE\0\0");
    put(68, &0x8664u16.to_le_bytes()); // machine
    put(70, &1u16.to_le_bytes()); // sections
    put(84, &240u16.to_le_bytes()); // size of the optional header
    put(86, &0x22u16.to_le_bytes()); // executable, large addresses
    let header = 88;
    put(header, &0x20bu16.to_le_bytes()); // PE32+
    put(header + 4, &(FILE as u32).to_le_bytes()); // size of code
    put(header + 16, &PAGE.to_le_bytes()); // entry point
    put(header + 20, &PAGE.to_le_bytes()); // base of code
    put(header + 32, &PAGE.to_le_bytes()); // alignment in memory
    put(header + 36, &(FILE as u32).to_le_bytes()); // alignment in the file
    put(header + 56, &(2 * PAGE).to_le_bytes()); // size of the image
    put(header + 60, &(FILE as u32).to_le_bytes()); // size of the headers
    put(header + 68, &10u16.to_le_bytes()); // EFI application
    put(header + 108, &16u32.to_le_bytes()); // directories, all of them empty
    let section = header + 240;
    put(section, b".text");
    put(section + 8, &(FILE as u32).to_le_bytes());
    put(section + 12, &PAGE.to_le_bytes());
    put(section + 16, &(FILE as u32).to_le_bytes());
    put(section + 20, &(FILE as u32).to_le_bytes());
    put(section + 36, &0x6000_0020u32.to_le_bytes()); // code, readable, executable
    put(FILE, &code);
    image
}
