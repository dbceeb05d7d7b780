//! SWUpdate: a signed `.swu` whose image streams into its raw handler.

use crate::measure::Installer;
use crate::tools::{certificate, run, sha256_of};
use crate::zstd::PACKED;
use crate::{Fallible, Job, Peer};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const PEER: Peer = Peer { programs: &["swupdate"], packages: "swupdate", prepare };

struct Swupdate {
    folder: PathBuf,
    target: PathBuf,
}

/// Takes the compressed image that is in the job's folder.
fn prepare(job: &Job) -> Fallible<Box<dyn Installer>> {
    let folder = job.folder.join("swupdate");
    fs::create_dir_all(&folder)?;
    fs::copy(job.folder.join(PACKED), folder.join(PACKED))?;
    let hash = sha256_of(File::open(folder.join(PACKED))?.into())?;
    let description = format!(
        r#"software = {{
version = "1.0.0";
hardware-compatibility: [ "1.0" ];
images: ( {{
    filename = "{PACKED}";
    device = "{}";
    type = "raw";
    compressed = "zstd";
    installed-directly = true;
    sha256 = "{hash}";
}} );
}}
"#,
        job.target.display()
    );
    fs::write(folder.join("sw-description"), description)?;
    let (cert, key) = certificate(&folder)?;
    let log = folder.join("log");
    let mut sign = Command::new("openssl");
    sign.args(["cms", "-sign", "-binary", "-nosmimecap", "-outform", "DER", "-in", "sw-description"]);
    sign.args(["-out", "sw-description.sig", "-signer"]).arg(cert).arg("-inkey").arg(key);
    run(sign.current_dir(&folder), &log)?;
    let pack = format!("printf '%s\\n' sw-description sw-description.sig {PACKED} | cpio -o -H crc > v1.swu");
    run(Command::new("sh").args(["-c", &pack]).current_dir(&folder), &log)?;
    fs::remove_file(folder.join(PACKED))?;
    Ok(Box::new(Swupdate { folder, target: job.target.clone() }))
}

impl Installer for Swupdate {
    fn name(&self) -> &'static str {
        "swupdate"
    }
    fn checks(&self) -> &'static str {
        "CMS signature (RSA) of the description; SHA-256 of the compressed image while it is written; installed-directly"
    }
    fn target(&self) -> &Path {
        &self.target
    }
    fn install(&mut self) -> Fallible<u64> {
        let mut command = Command::new("swupdate");
        command.args(["-H", "board:1.0", "--cert-purpose", "codeSigning", "-k", "cert.pem", "-i", "v1.swu"]);
        // Its sockets and temporary files.
        command.env("TMPDIR", &self.folder).env("RUNTIME_DIRECTORY", &self.folder);
        run(command.current_dir(&self.folder), &self.folder.join("log"))
    }
}
