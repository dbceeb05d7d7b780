//! `make bench`: drydock's full install beside that of others, on the same image, in alternating rounds.
//!
//! All read a file on the same filesystem, which is in the page cache, and write a file whose blocks are allocated, hold
//! zeros and are not in the page cache. Each ends with every byte on the disk, read back and hashed: drydock proves the
//! slot against the signed root hash; what the others wrote is read with `openssl dgst`, which uses the same instructions
//! of the CPU, on their time. `swupdate` and `rauc` are those of Debian; what is not installed is left out.
//!
//! Each round also measures what no such install can be faster than ([`limit`]), and drydock's ratio to it is told.
//!
//! `bench [IMAGE [ROUNDS]]`; without an image one is made of the files below /usr. `bench install FOLDER THREADS
//! [sparse]` installs once and says how much memory that took; the rounds and a test start it.

mod drydock;
mod limit;
mod measure;
mod rauc;
mod swupdate;
mod tools;
mod zstd;

use drydock_simulator::native::{self, Zeros};
use limit::Limit;
use measure::{Cost, Installer, measure};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The size of the image that is made if none is given, in bytes.
const IMAGE_SIZE: u64 = 500 << 20;
/// Everybody's compression, high enough to be real and low enough to be made in a minute.
const LEVEL: i32 = 12;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// What all installers are given.
struct Job {
    /// Where everything is made; absolute.
    folder: PathBuf,
    image: PathBuf,
    /// The file that all but drydock write, as large as the image.
    target: PathBuf,
}

/// An installer that a machine may have.
struct Peer {
    programs: &'static [&'static str],
    /// The Debian packages that they are in.
    packages: &'static str,
    prepare: fn(&Job) -> Fallible<Box<dyn Installer>>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["install", folder, threads] => install(folder, threads, Zeros::Written),
        ["install", folder, threads, "sparse"] => install(folder, threads, Zeros::AreHoles),
        [part @ ("unpack" | "read-back" | "write"), folder, threads] => limit::part(part, folder, threads),
        [] => compare(None, "3"),
        [image] => compare(Some(image), "3"),
        [image, rounds] => compare(Some(image), rounds),
        _ => Err("usage: bench [IMAGE [ROUNDS]]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn install(folder: &str, threads: &str, zeros: Zeros) -> Fallible<()> {
    native::install(Path::new(folder), native::BUNDLE, threads.parse()?, zeros)?;
    println!("{}", native::peak_kib());
    Ok(())
}

/// One installer and what its rounds took.
struct Contender {
    installer: Box<dyn Installer>,
    costs: Vec<Cost>,
}

fn compare(image: Option<&str>, rounds: &str) -> Fallible<()> {
    let folder = PathBuf::from("target/bench");
    fs::create_dir_all(&folder)?;
    let folder = fs::canonicalize(folder)?;
    let image = match image {
        Some(image) => fs::canonicalize(image)?,
        None => made_image(&folder.join("image"))?,
    };
    let size = fs::metadata(&image)?.len();
    let job = Job { target: folder.join("target"), folder, image };
    File::create(&job.target)?.set_len(size)?;
    println!("image {}, {} MiB, zstd level {LEVEL}", job.image.display(), size >> 20);

    let mut contenders = contenders(&job)?;
    for Contender { installer, .. } in &contenders {
        println!("{:12} {}", installer.name(), installer.checks());
    }
    println!(
        "Those that do not read back are given it: hash is a flush and `openssl dgst` of the target, and in wall and CPU."
    );
    println!(
        "The CPU time is that of the programs, not of the kernel's threads that write pages back or serve a loop device.\n"
    );
    println!("{:12} {:>8} {:>8} {:>8} {:>10}", "", "wall s", "hash s", "CPU s", "peak KiB");
    let hash = tools::sha256_of(File::open(&job.image)?.into())?;
    let limits = run(&mut contenders, &job.folder, rounds.parse()?, &hash, size)?;
    summary(&contenders);
    println!("\n{}", limit::summary(&limits, contenders[0].costs.iter().map(|cost| cost.wall)));
    Ok(())
}

/// Those that can run on this machine, drydock first.
fn contenders(job: &Job) -> Fallible<Vec<Contender>> {
    let contender = |installer| Contender { installer, costs: Vec::new() };
    let mut contenders = vec![contender(drydock::prepare(job)?), contender(zstd::prepare(job)?)];
    for peer in [swupdate::PEER, rauc::PEER] {
        if let Some(missing) = peer.programs.iter().find(|program| !tools::is_installed(program)) {
            println!("{missing} is not installed: left out (apt-get install {})", peer.packages);
            continue;
        }
        match (peer.prepare)(job) {
            Ok(installer) => contenders.push(contender(installer)),
            Err(why) => println!("{} cannot be prepared: left out: {why}", peer.programs[0]),
        }
    }
    Ok(contenders)
}

/// All rounds. Another one begins each; one that fails is left out, unless it is drydock, which must not. Returns the limit of
/// each round.
fn run(
    contenders: &mut Vec<Contender>,
    folder: &Path,
    rounds: usize,
    hash: &str,
    size: u64,
) -> Fallible<Vec<Limit>> {
    let mut limits = Vec::new();
    for round in 0..rounds {
        let mut failed = Vec::new();
        for nth in 0..contenders.len() {
            let nth = (nth + round) % contenders.len();
            let Contender { installer, costs } = &mut contenders[nth];
            let name = installer.name();
            match measure(&mut **installer, hash, size) {
                Ok(cost) => {
                    println!("{name:12} {cost}");
                    costs.push(cost);
                }
                Err(why) if name == drydock::NAME => return Err(why),
                Err(why) => {
                    println!("{name:12} failed: left out: {why}");
                    failed.push(name);
                }
            }
        }
        contenders.retain(|contender| !failed.contains(&contender.installer.name()));
        let limit = limit::measure(folder)?;
        println!("{:12} {limit}", "limit");
        limits.push(limit);
    }
    Ok(limits)
}

/// The medians of all, drydock first, and of drydock's ratio to each in the same round.
fn summary(contenders: &[Contender]) {
    let ours = &contenders[0].costs;
    println!("\n{:50}   drydock / this", "");
    println!(
        "{:12} {:>8} {:>8} {:>8} {:>10}   {:>6} {:>6} {:>6}",
        "median", "wall s", "hash s", "CPU s", "peak KiB", "wall", "CPU", "peak"
    );
    for Contender { installer, costs } in contenders {
        let ratio =
            |of: fn(&Cost) -> f64| native::median(ours.iter().zip(costs).map(|(our, its)| of(our) / of(its)));
        println!(
            "{:12} {}   {:6.2} {:6.2} {:6.2}",
            installer.name(),
            Cost {
                wall: native::median(costs.iter().map(|cost| cost.wall)),
                hash: native::median(costs.iter().map(|cost| cost.hash)),
                cpu: native::median(costs.iter().map(|cost| cost.cpu)),
                peak_kib: native::median(costs.iter().map(|cost| cost.peak_kib)),
            },
            ratio(|cost| cost.wall),
            ratio(|cost| cost.cpu),
            ratio(|cost| cost.peak_kib)
        );
    }
}

/// An image of real files: those below /usr, one after the other.
fn made_image(path: &Path) -> io::Result<PathBuf> {
    if fs::metadata(path).is_ok_and(|found| found.len() == IMAGE_SIZE) {
        return Ok(path.into());
    }
    let mut image = io::BufWriter::new(File::create(path)?);
    let mut left = IMAGE_SIZE;
    let mut folders = vec![PathBuf::from("/usr")];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                left -= io::copy(&mut File::open(entry.path())?.take(left), &mut image)?;
            }
        }
    }
    image.flush()?;
    image.get_ref().set_len(IMAGE_SIZE)?;
    Ok(path.into())
}
