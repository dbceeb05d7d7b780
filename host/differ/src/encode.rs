//! Coding one section.

use crate::encoder::Encoder;
use crate::error::Error;
use crate::image::Image;
use drydock_delta::limits::MAX_PART;
use drydock_delta::streams::StreamWriter;
use drydock_delta::walk::{Ends, walk};
use drydock_delta::{Chain, Coding, ModelCoder, Plan};
use drydock_format::ReadAt;
use lzma_rust2::{LzmaOptions, LzmaWriter};
use std::io::{self, Write};
use zstd_safe::{CCtx, CParameter};

/// The parts of a section.
pub(crate) struct Coded {
    pub(crate) control: Vec<u8>,
    pub(crate) differences: Vec<u8>,
    pub(crate) literals: Vec<u8>,
}

/// zstd's level for literals and streams. They are small, and made once.
const LEVEL: i32 = 22;

/// Codes the `nth` section of a chain.
pub(crate) fn encode(
    base: &Image<'_>,
    target: &Image<'_>,
    chain: &Chain,
    nth: usize,
    coding: Coding,
) -> Result<Coded, Error> {
    let mut ends = Known { target, literals: Vec::new() };
    let defect = |error: drydock_delta::Error| Error::Defect { problem: error.to_string() };
    let differences = match coding {
        Coding::Model { table_bits } => {
            let mut writer = ModelCoder::new(Encoder::new(), table_bits);
            walk(chain, nth, base, &mut writer, &mut ends, nth).map_err(defect)?;
            writer.coder.finish()
        }
        Coding::Streams => {
            let mut writer = StreamWriter::default();
            walk(chain, nth, base, &mut writer, &mut ends, nth).map_err(defect)?;
            let StreamWriter { gaps, differences, .. } = writer;
            let packed = compress(&gaps)?;
            let lengths = [gaps.len(), differences.len(), packed.len()];
            let mut bytes: Vec<u8> = lengths.iter().flat_map(|len| (*len as u32).to_le_bytes()).collect();
            bytes.extend(packed);
            bytes.extend(compress(&differences)?);
            bytes
        }
    };
    let mut control = Encoder::new();
    if let Some(plan) = chain.plan(nth) {
        let coded = Plan::code(&mut control, base.plain().len() as u64, plan);
        if coded.as_ref() != Some(plan) {
            return Err(Error::Defect { problem: "a plan does not come back".into() });
        }
    }
    Ok(Coded { control: control.finish(), differences, literals: smallest(&ends.literals)? })
}

/// What an encoder knows, and the literals that it comes by.
struct Known<'t> {
    target: &'t Image<'t>,
    literals: Vec<u8>,
}

impl Ends for Known<'_> {
    fn literals(&mut self, position: u64, out: &mut [u8]) -> Result<(), drydock_delta::Error> {
        self.known(position, out)?;
        self.literals.extend_from_slice(out);
        Ok(())
    }

    fn known(&mut self, position: u64, out: &mut [u8]) -> Result<(), drydock_delta::Error> {
        self.target.read_at(position, out).map_err(|source| drydock_delta::Error::Data { source })
    }

    fn give(&mut self, _: u64, _: &[u8]) -> Result<(), drydock_delta::Error> {
        Ok(())
    }

    fn unreadable(&mut self, _: u64, _: io::Error) {}
}

/// Compresses literals in the way that is smaller.
fn smallest(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let (frame, stream) = (compress(bytes)?, lzma(bytes)?);
    Ok(if stream.len() < frame.len() { stream } else { frame })
}

/// Compresses some bytes with LZMA, without a header or an end; none into none.
fn lzma(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error: io::Error| Error::Pack { problem: error.to_string() };
    let mut options = LzmaOptions::with_preset(9);
    (options.lc, options.lp, options.pb, options.nice_len) = (3, 0, 2, 273);
    options.dict_size = MAX_PART as u32;
    let mut writer = LzmaWriter::new_no_header(Vec::new(), &options, false).map_err(failed)?;
    writer.write_all(bytes).map_err(failed)?;
    writer.finish().map_err(failed)
}

/// Compresses some bytes into one zstd frame; none into none.
fn compress(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |code| Error::Compress { problem: zstd_safe::get_error_name(code) };
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(23),
        CParameter::ContentSizeFlag(true),
        CParameter::ChecksumFlag(false),
    ] {
        context.set_parameter(parameter).map_err(failed)?;
    }
    let mut packed = vec![0; zstd_safe::compress_bound(bytes.len())];
    let len = context.compress2(packed.as_mut_slice(), bytes).map_err(failed)?;
    packed.truncate(len);
    Ok(packed)
}
