//! Makes and applies deltas between two raw images, to measure them: `differ make BASE TARGET OUT [streams] [packed]`, `differ
//! apply BASE DELTA OUT`.

use drydock_delta::{Coding, Index, decode};
use drydock_differ::{Options, make};
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["make", base, target, out, rest @ ..] => {
            let coding = match rest {
                ["streams", ..] => Coding::Streams,
                _ => Coding::Model { table_bits: 17 },
            };
            let unpack = !rest.contains(&"packed");
            let threads = std::thread::available_parallelism()?.get();
            let (base, target) = (std::fs::read(base)?, std::fs::read(target)?);
            let start = Instant::now();
            let made = make(&base, &target, Options { coding, unpack, threads })?;
            let index = Index::parse(&made.index, made.data.len() as u64)?;
            let sum = |part: fn(&drydock_delta::Section) -> u32| {
                index.sections.iter().map(|s| u64::from(part(s))).sum::<u64>()
            };
            println!(
                "{} bytes (index {}, control {}, differences {}, literals {}) in {} sections, {:.1} s",
                made.index.len() + made.data.len(),
                made.index.len(),
                sum(|s| s.control),
                sum(|s| s.differences),
                sum(|s| s.literals),
                index.sections.len(),
                start.elapsed().as_secs_f64()
            );
            let mut out = File::create(out)?;
            out.write_all(&(made.index.len() as u32).to_le_bytes())?;
            out.write_all(&made.index)?;
            out.write_all(&made.data)?;
        }
        ["apply", base, delta, out] => {
            let delta = std::fs::read(delta)?;
            let (head, rest) = delta.split_first_chunk::<4>().ok_or("too short")?;
            let (index, data) =
                rest.split_at_checked(u32::from_le_bytes(*head) as usize).ok_or("too short")?;
            let index = Index::parse(index, data.len() as u64)?;
            let (base, out) = (Pread(File::open(base)?), File::create(out)?);
            let start = Instant::now();
            for section in 0..index.sections.len() {
                let mut at = index.target(section).start;
                let mut sink = |bytes: &[u8]| {
                    let written = out.write_all_at(bytes, at).is_ok();
                    at += bytes.len() as u64;
                    written
                };
                decode(&index, section, &data, &base, &mut sink)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            println!("{:.2} s, {:.0} MB/s", seconds, index.target_size as f64 / 1e6 / seconds);
            let status = std::fs::read_to_string("/proc/self/status")?;
            status
                .lines()
                .filter(|line| line.starts_with("VmHWM") || line.starts_with("RssAnon"))
                .for_each(|line| println!("{line}"));
        }
        _ => {
            return Err("differ make BASE TARGET OUT [streams] [packed] | differ apply BASE DELTA OUT".into());
        }
    }
    Ok(())
}

struct Pread(File);

impl drydock_format::ReadAt for Pread {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }
}
