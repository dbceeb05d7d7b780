//! zstd, as the kernel's initramfs code and the kernel's module tools use it.

use crate::Error;
use crate::limit::LARGEST;
use zstd_safe::{CCtx, CParameter, DCtx, InBuffer, OutBuffer};

const LEVEL: i32 = 19;
/// A window of 1 MiB, which the kernel sets aside while it unpacks. The level's own would be of up to 8 MiB, for 0.3 % fewer
/// bytes of the usual modules.
const WINDOW_LOG: u32 = 20;
const STEP: usize = 1 << 20;

/// One frame with a checksum. The same bytes always give the same result.
pub fn compress(content: &[u8]) -> Result<Vec<u8>, Error> {
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(WINDOW_LOG),
        // A frame that says how long it is may be one segment: its window is then its whole content.
        CParameter::ContentSizeFlag(false),
        CParameter::ChecksumFlag(true),
    ] {
        context.set_parameter(parameter).map_err(zstd_error)?;
    }
    let mut output = vec![0; zstd_safe::compress_bound(content.len())];
    let length = context.compress2(output.as_mut_slice(), content).map_err(zstd_error)?;
    output.truncate(length);
    Ok(output)
}

/// The content of one or more whole frames.
pub fn decompress(frames: &[u8]) -> Result<Vec<u8>, Error> {
    let mut context = DCtx::create();
    let mut input = InBuffer::around(frames);
    let mut content = Vec::new();
    let mut step = vec![0; STEP];
    loop {
        let mut output = OutBuffer::around(step.as_mut_slice());
        let wanted = context.decompress_stream(&mut output, &mut input).map_err(zstd_error)?;
        let made = output.as_slice().len();
        content.extend_from_slice(output.as_slice());
        if content.len() > LARGEST {
            return Err(Error::Zstd("more than 1 GiB when unpacked"));
        }
        if input.pos == frames.len() && wanted == 0 {
            return Ok(content);
        }
        if input.pos == frames.len() && made < STEP {
            return Err(Error::Zstd("the file ends early"));
        }
    }
}

fn zstd_error(code: usize) -> Error {
    Error::Zstd(zstd_safe::get_error_name(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8878, section 3.1.1.1.2: the window's size, and that the frame is not a single segment.
    #[test]
    fn the_kernel_needs_no_more_than_1_mib_to_unpack() {
        let content: Vec<u8> =
            (0..3 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for length in [2 << 20, content.len()] {
            let frame = compress(&content[..length]).unwrap();
            assert_eq!(frame[4] & 0x20, 0, "a single segment");
            assert_eq!(1 << (10 + (frame[5] >> 3)), 1 << 20);
        }
    }

    /// What a delta between two releases lives on.
    #[test]
    fn what_stands_in_front_is_compressed_the_same_whatever_follows() {
        let program = std::fs::read("/proc/self/exe").unwrap();
        let program = &program[..program.len().min(4 << 20)];
        let compressed = |rest: &[u8]| compress(&[program, rest].concat()).unwrap();
        let (one, other) = (compressed(&[1; 100]), compressed(&[7; 3 << 20]));
        let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
        let all = compress(program).unwrap().len();
        assert!(same > all * 9 / 10, "{same} of {all}");
    }

    #[test]
    fn content_comes_back() {
        for length in [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP] {
            let content: Vec<u8> = (0..length).map(|i| (i / 7) as u8).collect();
            let frame = compress(&content).unwrap();
            assert_eq!(decompress(&frame).unwrap(), content, "{length}");
            assert!(decompress(&frame[..frame.len() - 1]).is_err(), "{length}");
        }
        assert!(decompress(b"not zstd").is_err());
    }
}
