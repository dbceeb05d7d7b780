//! `make bench`: drydock's full install beside `zstd -dc | dd`, on the same image, in alternating rounds.
//!
//! Both start from a file on the same filesystem and write past the page cache; both end with every byte read back and
//! hashed: drydock proves the slot against the signed root hash, the other reads it with
//! `openssl dgst`, which uses the same instructions of the CPU.
//! `bench [IMAGE [ROUNDS]]`; without an image one is made of the files below /usr. `bench install FOLDER THREADS
//! [sparse]` installs once and says how much memory that took; the rounds and a test start it.

use drydock_simulator::native;
use nix::sys::resource::{UsageWho, getrusage};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The size of the image that is made if none is given, in bytes.
const IMAGE_SIZE: u64 = 500 << 20;
/// Compression of both, high enough to be real and low enough to be made in a minute.
const LEVEL: i32 = 12;
/// How often the memory of the running programs is looked at.
const LOOK: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["install", folder, threads] => install(folder, threads, false),
        ["install", folder, threads, "sparse"] => install(folder, threads, true),
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

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn install(folder: &str, threads: &str, sparse: bool) -> Fallible<()> {
    native::install(Path::new(folder), threads.parse()?, sparse)?;
    println!("{}", native::peak_kib());
    Ok(())
}

/// What one run took.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

fn compare(image: Option<&str>, rounds: &str) -> Fallible<()> {
    let folder = PathBuf::from("target/bench");
    fs::create_dir_all(&folder)?;
    let image = match image {
        Some(image) => PathBuf::from(image),
        None => made_image(&folder.join("image"))?,
    };
    let size = fs::metadata(&image)?.len();
    println!("image {}, {} MiB; compressing at level {LEVEL}", image.display(), size >> 20);
    native::prepare(&folder, &image, LEVEL)?;
    let packed = folder.join("image.zst");
    let level = format!("-{LEVEL}");
    check(
        Command::new("zstd").args(["-q", "-f", "-T0", &level]).arg(&image).arg("-o").arg(&packed).spawn()?,
    )?;
    let hash = sha256_of(&image)?;
    let target = folder.join("target");
    File::create(&target)?.set_len(size)?;
    let threads = std::thread::available_parallelism()?.to_string();

    println!("{:24} {:>8} {:>8} {:>10}", "", "wall s", "CPU s", "peak KiB");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds.parse()? {
        ours.push(measure("drydock", || {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("install").arg(&folder).arg(&threads).stdout(Stdio::null());
            watch(vec![command.spawn()?])
        })?);
        theirs.push(measure("zstd -dc | dd, openssl", || {
            let mut zstd = Command::new("zstd").arg("-dc").arg(&packed).stdout(Stdio::piped()).spawn()?;
            let mut dd = Command::new("dd");
            dd.args(["bs=4M", "iflag=fullblock", "oflag=direct", "conv=notrunc,fsync", "status=none"]);
            dd.arg(format!("of={}", target.display()));
            dd.stdin(Stdio::from(zstd.stdout.take().ok_or("zstd has no output")?));
            let peak = watch(vec![zstd, dd.spawn()?])?;
            if sha256_of(&target)? == hash { Ok(peak) } else { Err("the hash is wrong".into()) }
        })?);
        // What is in place already would not be written again.
        native::blank_slot(&folder, size)?;
    }
    let (ours, theirs) = (best(&ours), best(&theirs));
    println!(
        "best rounds: drydock takes {:.2} times the wall time, {:.2} times the CPU time, {:.2} times the memory",
        ours.wall.as_secs_f64() / theirs.wall.as_secs_f64(),
        ours.cpu.as_secs_f64() / theirs.cpu.as_secs_f64(),
        ours.peak_kib as f64 / theirs.peak_kib as f64
    );
    Ok(())
}

fn best(costs: &[Cost]) -> Cost {
    costs.iter().copied().min_by_key(|cost| cost.wall).unwrap_or_default()
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

fn measure(name: &str, run: impl FnOnce() -> Fallible<u64>) -> Fallible<Cost> {
    let (begun, before) = (Instant::now(), cpu()?);
    let peak_kib = run()?;
    let cost = Cost { wall: begun.elapsed(), cpu: cpu()? - before, peak_kib };
    println!("{name:24} {:8.2} {:8.2} {:10}", cost.wall.as_secs_f64(), cost.cpu.as_secs_f64(), cost.peak_kib);
    Ok(cost)
}

/// The time that all programs that have ended took of the CPUs.
fn cpu() -> Fallible<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |value: nix::sys::time::TimeVal| {
        Duration::from_secs(value.tv_sec() as u64) + Duration::from_micros(value.tv_usec() as u64)
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

/// Waits for programs that run at once, and gives the memory in KiB that they had resident at most, added up.
fn watch(children: Vec<Child>) -> Fallible<u64> {
    let mut running: Vec<(Child, u64)> = children.into_iter().map(|child| (child, 0)).collect();
    let mut sum = 0;
    while !running.is_empty() {
        let mut still = Vec::new();
        for (mut child, peak) in running {
            let peak = peak.max(peak_of(child.id()));
            match child.try_wait()? {
                Some(status) if status.success() => sum += peak,
                Some(status) => return Err(format!("a program ended with {status}").into()),
                None => still.push((child, peak)),
            }
        }
        running = still;
        std::thread::sleep(LOOK);
    }
    Ok(sum)
}

fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}

fn check(mut child: Child) -> Fallible<()> {
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("a program ended with {status}").into()) }
}

fn sha256_of(path: &Path) -> Fallible<String> {
    let output = Command::new("openssl").args(["dgst", "-sha256", "-r"]).arg(path).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}
