//! Other people's programs.

use crate::{Fallible, measure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How many lines of its log tell why a program failed.
const LAST_LINES: usize = 4;

pub(crate) fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok()
}

/// Runs a program to its end. What it prints goes to `log`; its last lines are in the error. Returns its peak, in KiB.
pub(crate) fn run(command: &mut Command, log: &Path) -> Fallible<u64> {
    let file = File::create(log)?;
    let name = command.get_program().to_string_lossy().into_owned();
    let child =
        command.stdout(file.try_clone()?).stderr(file).spawn().map_err(|why| format!("{name}: {why}"))?;
    measure::watch(vec![child]).map_err(|why| {
        let said = fs::read(log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        format!("{name}: {why}: {}", lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ")).into()
    })
}

/// The SHA-256 of what is read from `content`, in hex.
pub(crate) fn sha256_of(content: Stdio) -> Fallible<String> {
    let output = Command::new("openssl").args(["dgst", "-sha256", "-r"]).stdin(content).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

/// Makes an RSA key and a certificate for signing code: the paths of the certificate and the key.
pub(crate) fn certificate(folder: &Path) -> Fallible<(PathBuf, PathBuf)> {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=bench"]);
    command.args(["-addext", "extendedKeyUsage=codeSigning", "-keyout"]).arg(&key).arg("-out").arg(&cert);
    run(&mut command, &folder.join("openssl.log"))?;
    Ok((cert, key))
}

/// A program that serves until this is dropped.
pub(crate) struct Service(pub(crate) Child);

impl Drop for Service {
    fn drop(&mut self) {
        // If it has ended by itself there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
