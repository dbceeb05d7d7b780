//! Keys of people, and real `ssh-keygen`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The keys of people.
pub(crate) struct Keys(TempDir);

impl Keys {
    /// Those of `kim` and `lee`, whom the device trusts, and of `eve`, whom it does not.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for who in ["kim", "lee", "eve"] {
            let path = folder.path().join(who);
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
            assert!(made.unwrap().success());
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The public key of somebody, as a line.
    pub(crate) fn public(&self, who: &str) -> String {
        fs::read_to_string(self.path(&format!("{who}.pub"))).unwrap().trim().to_owned()
    }

    /// The answer of somebody, as `ssh-keygen` gives it.
    pub(crate) fn sign(&self, who: &str, line: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("line");
        fs::write(&file, line).unwrap();
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", "drydock-service", "-f"]).arg(self.path(who)).arg(&file);
        assert!(command.output().unwrap().status.success());
        fs::read_to_string(folder.path().join("line.sig")).unwrap()
    }
}
