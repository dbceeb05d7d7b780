//! Certificates, made by openssl as an integrator makes them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An authority, in a folder of its own.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

/// A certificate and its key.
pub(crate) struct Certified {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

fn openssl(folder: &Path, line: &str) {
    let output = Command::new("openssl").args(line.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("req -x509 {EC} -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem");
        openssl(folder.path(), &line);
        Self { folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn pem(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    /// Certifies a key of this kind for a name.
    pub(crate) fn certify(&self, name: &str, kind: &str) -> Certified {
        self.ask(name, kind);
        let by = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext";
        self.openssl(&format!("x509 -req -in {name}.csr {by} -out {name}.pem"));
        self.certified(name)
    }

    /// The same for January 2020.
    pub(crate) fn certify_for_the_past(&self, name: &str, kind: &str) -> Certified {
        self.ask(name, kind);
        let folder = self.folder.path();
        let config = "[ca]\ndefault_ca=own\n[own]\ndatabase=known\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\n\
            policy=any\n[any]\ncommonName=supplied\n";
        std::fs::write(folder.join("ca.conf"), config).unwrap();
        std::fs::write(folder.join("known"), "").unwrap();
        let by = "-batch -config ca.conf -cert ca.pem -keyfile ca.key -extfile ext";
        let time = "-startdate 20200101000000Z -enddate 20200201000000Z";
        self.openssl(&format!("ca {by} {time} -in {name}.csr -out {name}.pem"));
        self.certified(name)
    }

    /// Makes a key, and asks for a certificate.
    fn ask(&self, name: &str, kind: &str) {
        let alternative = match name.parse::<std::net::IpAddr>() {
            Ok(_) => format!("subjectAltName=IP:{name}\n"),
            Err(_) => format!("subjectAltName=DNS:{name}\n"),
        };
        std::fs::write(self.folder.path().join("ext"), alternative).unwrap();
        self.openssl(&format!("req -new {kind} -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"));
    }

    /// What its certificate is known by: SHA-1, as nginx has it.
    #[cfg(feature = "fleet")]
    pub(crate) fn fingerprint(&self) -> String {
        let mut command = Command::new("openssl");
        command.args(["x509", "-noout", "-fingerprint", "-sha1", "-in"]).arg(self.file());
        let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
        said.split('=').nth(1).unwrap().trim().replace(':', "").to_lowercase()
    }

    fn openssl(&self, line: &str) {
        openssl(self.folder.path(), line);
    }

    fn certified(&self, name: &str) -> Certified {
        let path = |suffix: &str| self.folder.path().join(format!("{name}.{suffix}"));
        Certified { certificate: path("pem"), key: path("key") }
    }
}

/// The usual kind of key.
pub(crate) const EC: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
/// The other kind.
pub(crate) const RSA: &str = "-newkey rsa:2048";
