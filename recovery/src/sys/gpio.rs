use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// The most lines of one request, and the most attributes of its configuration.
const LINES: usize = 64;
const ATTRIBUTES: usize = 10;
/// `GPIO_V2_LINE_FLAG_INPUT`.
const INPUT: u64 = 1 << 2;

/// `struct gpio_v2_line_attribute` and the mask of its lines, none of which is used.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Attribute {
    id: u32,
    padding: u32,
    value: u64,
    mask: u64,
}

/// `struct gpio_v2_line_request` of linux/gpio.h, with its configuration.
#[repr(C)]
pub(super) struct Request {
    offsets: [u32; LINES],
    consumer: [u8; 32],
    flags: u64,
    num_attrs: u32,
    padding_of_config: [u32; 5],
    attrs: [Attribute; ATTRIBUTES],
    num_lines: u32,
    event_buffer_size: u32,
    padding: [u32; 5],
    fd: i32,
}

/// `struct gpio_v2_line_values`.
#[repr(C)]
pub(super) struct Values {
    bits: u64,
    mask: u64,
}

mod raw {
    nix::ioctl_readwrite!(get_line, 0xB4, 0x07, super::Request);
    nix::ioctl_readwrite!(get_values, 0xB4, 0x0E, super::Values);
}

/// Reads the level of one line of a GPIO chip, as an input for as long as the call takes. Returns whether it is high.
pub fn gpio_level(chip: impl AsFd, line: u32) -> io::Result<bool> {
    let mut request = Request {
        offsets: [0; LINES],
        consumer: [0; 32],
        flags: INPUT,
        num_attrs: 0,
        padding_of_config: [0; 5],
        attrs: [Attribute { id: 0, padding: 0, value: 0, mask: 0 }; ATTRIBUTES],
        num_lines: 1,
        event_buffer_size: 0,
        padding: [0; 5],
        fd: -1,
    };
    request.offsets[0] = line;
    request.consumer[..7].copy_from_slice(b"drydock");
    // SAFETY: GPIO_V2_GET_LINE_IOCTL reads and writes one struct gpio_v2_line_request, whose layout `Request` has.
    unsafe { raw::get_line(chip.as_fd().as_raw_fd(), &mut request) }?;
    // SAFETY: the kernel has opened this descriptor for us just now, and nobody else knows it.
    let line = File::from(unsafe { OwnedFd::from_raw_fd(request.fd) });
    let mut values = Values { bits: 0, mask: 1 };
    // SAFETY: GPIO_V2_LINE_GET_VALUES_IOCTL reads and writes one struct gpio_v2_line_values, whose layout `Values` has.
    unsafe { raw::get_values(line.as_raw_fd(), &mut values) }?;
    Ok(values.bits & 1 == 1)
}

/// The sizes that linux/gpio.h gives them: a kernel refuses a request of another one.
const _: () = {
    assert!(size_of::<Attribute>() == 24);
    assert!(size_of::<Request>() == 592);
    assert!(size_of::<Values>() == 16);
};
