//! Kernel modules: the ones that the configuration lists, in order, and the ones that a device asks for.

use super::uevent::Uevent;
use crate::sys;
use nix::errno::Errno;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The modules to load at start, one path a line. The initramfs builder has put dependencies first.
pub const LIST: &str = "/etc/drydock/modules";
/// The modules to load for a device: `PATTERN PATH[,PATH…]` a line, dependencies first.
pub const ALIASES: &str = "/etc/drydock/aliases";

/// Loads the modules of a list, in order, with the parameters that the kernel's command line has for them. A missing
/// list is an empty one. A module that cannot be loaded is reported and passed over: the machine may do without it.
pub fn load_list(list: &Path, command_line: &str, warn: &mut dyn FnMut(String)) {
    for line in read_lines(list, warn) {
        load(Path::new(&line), command_line, warn);
    }
}

/// Which modules drive which devices.
#[derive(Debug, Default)]
pub struct Aliases {
    rules: Vec<(String, Vec<PathBuf>)>,
    loaded: Vec<PathBuf>,
    command_line: String,
}

impl Aliases {
    /// Reads the alias file; modules get their parameters from the kernel's command line. A missing file is an empty one.
    pub fn read(file: &Path, command_line: &str, warn: &mut dyn FnMut(String)) -> Self {
        let lines = read_lines(file, warn);
        let rules = lines.iter().filter_map(|line| line.split_once(' '));
        let rules = rules.map(|(pattern, paths)| {
            (pattern.to_owned(), paths.split(',').map(|path| PathBuf::from(path.trim())).collect())
        });
        Self { rules: rules.collect(), loaded: vec![], command_line: command_line.to_owned() }
    }

    /// Loads what an event's device asks for.
    pub fn handle(&mut self, event: &Uevent, warn: &mut dyn FnMut(String)) {
        if let Some(modalias) = event.modalias.as_deref().filter(|_| event.action == "add") {
            self.load_for(modalias, warn);
        }
    }

    /// Loads what the devices that are there already ask for, by walking `/sys/devices`.
    pub fn coldplug(&mut self, warn: &mut dyn FnMut(String)) {
        let mut folders = if self.rules.is_empty() { vec![] } else { vec![PathBuf::from("/sys/devices")] };
        while let Some(folder) = folders.pop() {
            if let Ok(modalias) = fs::read_to_string(folder.join("modalias")) {
                self.load_for(modalias.trim_end(), warn);
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            folders.extend(inner.map(|entry| entry.path()));
        }
    }

    fn load_for(&mut self, modalias: &str, warn: &mut dyn FnMut(String)) {
        for (pattern, paths) in &self.rules {
            if !glob(pattern.as_bytes(), modalias.as_bytes()) {
                continue;
            }
            for path in paths {
                if !self.loaded.contains(path) {
                    self.loaded.push(path.clone());
                    load(path, &self.command_line, warn);
                }
            }
        }
    }
}

fn read_lines(file: &Path, warn: &mut dyn FnMut(String)) -> Vec<String> {
    match fs::read_to_string(file) {
        Ok(text) => text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
        Err(error) => {
            warn(format!("read {}: {error}; no modules are loaded from it", file.display()));
            vec![]
        }
    }
}

/// Loads one module, with the parameters that the kernel's command line has for it. That it is there already, or finds no
/// hardware (as `aesni` on a CPU without it), is no failure.
fn load(path: &Path, command_line: &str, warn: &mut dyn FnMut(String)) {
    let parameters = CString::new(parameters(path, command_line)).unwrap_or_default();
    let loaded = File::open(path).and_then(|file| sys::load_module(file, &parameters));
    match loaded.as_ref().map_err(io::Error::raw_os_error) {
        Ok(()) => {}
        Err(Some(code)) if code == Errno::EEXIST as i32 || code == Errno::ENODEV as i32 => {}
        Err(_) => {
            if let Err(error) = loaded {
                warn(format!("load kernel module {}: {error}", path.display()));
            }
        }
    }
}

/// The parameters for a module: what the command line has as `MODULE.NAME=VALUE`. The kernel reads those itself only for
/// what is built in; for modules it is the loader's part, as modprobe(8) tells. A `-` in the module's name counts as `_`.
fn parameters(path: &Path, command_line: &str) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let module = file.split('.').next().unwrap_or_default().replace('-', "_");
    let mut quoted = false;
    let words = command_line.trim_end().split(|c: char| {
        quoted ^= c == '"';
        c.is_ascii_whitespace() && !quoted
    });
    let ours = words.filter_map(|word| {
        let (name, parameter) = word.split_once('.')?;
        (name.replace('-', "_") == module).then_some(parameter)
    });
    ours.collect::<Vec<_>>().join(" ")
}

/// Matches a name against a pattern with `*`, `?` and `[a-z]`, as the kernel's module aliases have them.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go back to: behind the last `*`, and one byte later in the name.
    let mut retry = None;
    while n < name.len() || p < pattern.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, n + 1));
                p += 1;
                continue;
            }
            Some(&c) if n < name.len() => match_one(&pattern[p..], c, name[n]),
            _ => None,
        };
        match (step, retry) {
            (Some(len), _) => (p, n) = (p + len, n + 1),
            (None, Some((star, again))) if again <= name.len() => (p, n) = (star, again),
            _ => return false,
        }
    }
    true
}

/// Matches one byte; the answer is how much of the pattern that took.
fn match_one(pattern: &[u8], first: u8, byte: u8) -> Option<usize> {
    if first == b'['
        && let Some(end) = pattern.iter().position(|&b| b == b']')
    {
        let mut set = &pattern[1..end];
        let mut hit = false;
        while let Some(&low) = set.first() {
            let range = set.len() >= 3 && set[1] == b'-';
            let high = if range { set[2] } else { low };
            hit |= (low..=high).contains(&byte);
            set = &set[if range { 3 } else { 1 }..];
        }
        return hit.then_some(end + 1);
    }
    (first == b'?' || first == byte).then_some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_match_as_the_kernel_writes_them() {
        let cases = [
            ("virtio:d00000002v*", "virtio:d00000002v00001AF4", true),
            ("virtio:d00000002v*", "virtio:d00000003v00001AF4", false),
            ("pci:v*d*sv*sd*bc01sc08i02*", "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", true),
            ("pci:v*d*sv*sd*bc01sc08i02*", "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc06i01", false),
            ("usb:v0951p*d01[0-4]*dc*", "usb:v0951p1666d0134dc00", true),
            ("usb:v0951p*d01[0-4]*dc*", "usb:v0951p1666d0154dc00", false),
            ("of:N*T*Cmmc?", "of:NxTyCmmc1", true),
            ("of:N*T*Cmmc?", "of:NxTyCmmc", false),
            ("*", "", true),
            ("a*b*c", "aXXbYYbZc", true),
            ("a*b*c", "aXXbYYbZ", false),
            ("", "x", false),
            ("x[", "x[", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} against {name}");
        }
    }

    #[test]
    fn a_module_gets_its_parameters_from_the_command_line() {
        let line =
            "quiet i6300esb.heartbeat=5 dm-crypt.a=\"b c.d=1\" dm_crypt.e root=a.dm_crypt=1 dm_crypto.f=1\n";
        let of = |path: &str| parameters(Path::new(path), line);
        assert_eq!(of("/lib/modules/6.1.0/i6300esb.ko"), "heartbeat=5");
        assert_eq!(of("/lib/modules/6.1.0/dm-crypt.ko"), "a=\"b c.d=1\" e");
        assert_eq!(of("/lib/modules/6.1.0/erofs.ko"), "");
    }

    #[test]
    fn a_pattern_full_of_stars_ends_soon() {
        let pattern = "*a".repeat(40);
        assert!(!glob(pattern.as_bytes(), "a".repeat(39).as_bytes()));
    }

    #[test]
    fn a_missing_list_is_empty_and_a_missing_module_is_a_warning() {
        let mut warnings = vec![];
        load_list(Path::new("/nonexistent/list"), "", &mut |text| warnings.push(text));
        assert!(warnings.is_empty());
        let list = tempfile::NamedTempFile::new().unwrap();
        fs::write(list.path(), "\n/nonexistent/a.ko\n").unwrap();
        load_list(list.path(), "", &mut |text| warnings.push(text));
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("/nonexistent/a.ko"));
    }
}
