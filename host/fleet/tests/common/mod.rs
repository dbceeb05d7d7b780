//! A folder with keys and the bundles of two releases, in which the tools are run as the documents say.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use drydock_bundle::create::{Input, Recipe, create, default_salt};
use drydock_fixtures::{COMPATIBLE, key, noise, private_pem, public_pem};
use drydock_format::Trusted;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for (name, seed) in [("key", 1), ("other", 2)] {
            fs::write(bench.path(&format!("{name}.pem")), private_pem(seed)).unwrap();
            fs::write(bench.path(&format!("{name}.pub.pem")), public_pem(seed)).unwrap();
        }
        bench.bundle("old.drydock", "1.0", &[1]);
        bench.bundle("new.drydock", "2.0", &[1]);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn bundle(&self, name: &str, version: &str, keys: &[u8]) {
        let image = self.path("image");
        fs::write(&image, noise(3 * 4096, 7)).unwrap();
        let recipe = Recipe {
            hooks: Default::default(),
            compatible: COMPATIBLE.into(),
            version: version.into(),
            security_version: 2,
            salt: default_salt(COMPATIBLE),
            frame_size: 512 << 10,
            level: 3,
            workers: 1,
            images: vec![Input { name: "root".into(), class: "root".into(), path: image }],
            pins: Vec::new(),
            bases: Vec::new(),
            keys: keys.iter().map(|seed| key(*seed)).collect(),
        };
        create(&recipe, &self.path(name), |_, _, _| ()).unwrap();
    }

    /// Runs a script as it stands in the documents.
    pub fn run(&self, script: &str) -> Output {
        let tool = Path::new(env!("CARGO_BIN_EXE_drydock-fleet")).parent().unwrap();
        let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap());
        let files =
            [("OLD", "old.drydock"), ("NEW", "new.drydock"), ("KEY", "key.pem"), ("PUBKEY", "key.pub.pem")];
        let bash = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .envs(files.map(|(name, file)| (name, self.path(file))))
            .output();
        bash.unwrap()
    }

    /// Runs one that must succeed, and returns what it printed.
    #[track_caller]
    pub fn good(&self, script: &str) -> String {
        let output = self.run(script);
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs one that must end with this code, and say these words.
    #[track_caller]
    pub fn refused(&self, script: &str, code: i32, words: &str) {
        let output = self.run(script);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{script}\n{said}");
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

/// Whom a device trusts.
pub fn trusted(seeds: &[u8], threshold: u32) -> Trusted {
    Trusted { keys: seeds.iter().map(|seed| key(*seed).public().unwrap()).collect(), threshold }
}

/// The block of `docs/channels.md` that is marked with this name.
pub fn documented(name: &str) -> String {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/channels.md")).unwrap();
    let marked = text.split_once(&format!("<!-- test: {name} -->\n```sh\n")).expect("no such block").1;
    marked.split_once("\n```\n").unwrap().0.to_string()
}
