//! A desk of an operator: bundles, a password, a server, and devices.

use drydock_bundle::create::{Input, Recipe, create, default_salt};
use drydock_fixtures::{key, noise, public_pem};
use drydock_hawkbit::{Operator, Server};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The server that all tests share: what they make has names of its own.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::start();
        println!("against {}", server.which());
        server
    })
}

/// A name that no other test has.
pub(crate) fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A folder with a password, and with bundles for a kind of device that no other test has.
pub(crate) struct Desk {
    dir: tempfile::TempDir,
    pub(crate) compatible: String,
    url: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::at(&server().url())
    }

    /// A desk at another server.
    pub(crate) fn at(url: &str) -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap(), compatible: unique("pump"), url: url.into() };
        desk.password("admin:admin", 0o600);
        for seed in [1, 2] {
            fs::write(desk.path(&format!("{seed}.pem")), public_pem(seed)).unwrap();
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn password(&self, text: &str, mode: u32) {
        fs::write(self.path("password"), text).unwrap();
        fs::set_permissions(self.path("password"), Permissions::from_mode(mode)).unwrap();
    }

    /// Makes a bundle `VERSION.drydock`, signed with the first key, whose content is of this seed.
    pub(crate) fn bundle(&self, version: &str, seed: u64) -> String {
        let image = self.path("image");
        fs::write(&image, noise(100_000, seed)).unwrap();
        let recipe = Recipe {
            hooks: Default::default(),
            compatible: self.compatible.clone(),
            version: version.into(),
            security_version: 7,
            salt: default_salt(&self.compatible),
            frame_size: 512 << 10,
            level: 1,
            workers: 1,
            images: vec![Input { name: "root".into(), class: "root".into(), path: image }],
            pins: Vec::new(),
            bases: Vec::new(),
            keys: vec![key(1)],
        };
        let name = format!("{version}.drydock");
        create(&recipe, &self.path(&name), |_, _, _| ()).unwrap();
        name
    }

    /// Uploads a new release. Returns what the tool says.
    pub(crate) fn release(&self, version: &str) -> Value {
        let bundle = self.bundle(version, 1);
        self.done(&["push", &bundle])
    }

    pub(crate) fn tool(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drydock-fleet"));
        command.args(words).current_dir(self.dir.path());
        command.env("DRYDOCK_FLEET_SERVER", &self.url).env("DRYDOCK_FLEET_PASSWORD_FILE", "password");
        for name in
            ["DRYDOCK_FLEET_USER", "DRYDOCK_FLEET_PASSWORD", "DRYDOCK_FLEET_TENANT", "DRYDOCK_FLEET_CA"]
        {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    /// Calls the tool with `--json` and returns what it printed and its exit code.
    pub(crate) fn json(&self, words: &[&str]) -> (Value, i32) {
        let output = self.tool(&[&["--json"], words].concat());
        let value = serde_json::from_slice(&output.stdout);
        (
            value.unwrap_or_else(|error| panic!("{words:?}: {error}, {output:?}")),
            output.status.code().unwrap(),
        )
    }

    pub(crate) fn done(&self, words: &[&str]) -> Value {
        let (value, code) = self.json(words);
        assert_eq!(code, 0, "{words:?}: {value}");
        value
    }

    pub(crate) fn fails(&self, words: &[&str], code: i32, text: &str) {
        let (value, found) = self.json(words);
        assert_eq!(
            (found, &value["code"], &value["ok"]),
            (code, &code.into(), &false.into()),
            "{words:?}: {value}"
        );
        assert!(value["error"].as_str().unwrap().contains(text), "{words:?}: {value}");
    }
}

pub(crate) fn operator() -> Operator {
    server().operator()
}

/// A device that has called once, and says what it runs.
pub(crate) struct Device(pub(crate) String);

impl Device {
    pub(crate) fn new(runs: &[(&str, &str)]) -> Self {
        let device = Self(unique("dev"));
        device.send("GET", "", &Value::Null);
        if !runs.is_empty() {
            device.says(runs);
        }
        device
    }

    pub(crate) fn says(&self, runs: &[(&str, &str)]) {
        let data: serde_json::Map<_, _> =
            runs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        self.send("PUT", "/configData", &json!({"mode": "replace", "data": data}));
    }

    pub(crate) fn report(&self, action: u64, execution: &str, finished: &str, detail: &str) {
        let status = json!({"execution": execution, "result": {"finished": finished}, "details": [detail]});
        let path = format!("/deploymentBase/{action}/feedback");
        self.send("POST", &path, &json!({"status": status}));
    }

    fn send(&self, method: &str, path: &str, body: &Value) {
        let url = format!("{}/DEFAULT/controller/v1/{}{path}", server().url(), self.0);
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url)
            .header("Authorization", format!("GatewayToken {}", server().gateway_key()))
            .header("Content-Type", "application/json");
        let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
        match body {
            Value::Null => agent.run(request.body(()).unwrap()).unwrap(),
            body => agent.run(request.body(body.to_string()).unwrap()).unwrap(),
        };
    }
}

/// Adds a signature of the second key to a bundle, as a new file.
pub(crate) fn signed_again(from: &Path, to: &Path) {
    let mut parts = drydock_fixtures::Parts::of(&fs::read(from).unwrap());
    let manifest = parts.manifest().into_bytes();
    parts.sign(&manifest, &[&key(1), &key(2)]);
    fs::write(to, parts.bytes()).unwrap();
}
