//! A folder with an old and a new image, in which the tool is run.

use super::recipe;
use drydock_bundle::create::{Input, Known, Recipe, create};
use drydock_bundle::keys::{PrivateKey, write_public};
use drydock_fixtures::noise;
use drydock_format::Trusted;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A tool that is run as the documents say, in a folder with an old and a new image.
pub struct Workbench {
    folder: tempfile::TempDir,
    pub key: PrivateKey,
}

impl Workbench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate().unwrap();
        key.write(&folder.path().join("key.pem")).unwrap();
        write_public(&key.public().unwrap(), &folder.path().join("key.pub.pem")).unwrap();
        let old = noise(300 * 4096, 1);
        let mut new = old.clone();
        new.rotate_left(8192);
        new[100_000..100_100].fill(7);
        fs::write(folder.path().join("old.img"), old).unwrap();
        fs::write(folder.path().join("new.img"), new).unwrap();
        let bench = Self { folder, key };
        bench.bundle("old", &[]);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn bundle(&self, name: &str, bases: &[Known]) -> PathBuf {
        let input =
            Input { name: "root".into(), class: "root".into(), path: self.path(&format!("{name}.img")) };
        let path = self.path(&format!("{name}.drydock"));
        let recipe = Recipe {
            hooks: Default::default(),
            bases: bases.to_vec(),
            keys: vec![PrivateKey::read(&self.path("key.pem")).unwrap()],
            ..recipe(vec![input])
        };
        create(&recipe, &path, |_, _, _| ()).unwrap();
        path
    }

    pub fn run(&self, script: &str) -> Output {
        let tool = Path::new(env!("CARGO_BIN_EXE_drydock-bundle")).parent().unwrap();
        let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap());
        let variables = [
            ("OLD", "old.drydock"),
            ("IMAGE", "new.img"),
            ("RELEASE", "new.drydock"),
            ("KEY", "key.pem"),
            ("PUBKEY", "key.pub.pem"),
        ]
        .map(|(name, file)| (name, self.path(file)));
        let bash = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .envs(variables)
            .output();
        bash.unwrap()
    }

    pub fn trusted(&self) -> Trusted {
        Trusted { keys: vec![self.key.public().unwrap()], threshold: 1 }
    }
}

/// The block of `docs/deltas.md` that is marked with this name.
pub fn documented(name: &str) -> String {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deltas.md")).unwrap();
    let marked = text.split_once(&format!("<!-- test: {name} -->\n```sh\n")).expect("no such block").1;
    marked.split_once("\n```\n").unwrap().0.to_string()
}
