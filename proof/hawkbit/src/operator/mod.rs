//! An operator: the Management API over plain HTTP, against the double or a real server.

mod orders;
mod rollout;

pub use orders::Kind;
pub use rollout::RolloutOf;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// `admin:admin`, with which a new server lets one in.
const ADMIN: &str = "Basic YWRtaW46YWRtaW4=";
const BOUNDARY: &str = "drydock-no-such-line-in-any-file-7f3a";

/// Somebody who may do everything on one server.
#[derive(Clone, Debug)]
pub struct Operator {
    base: String,
    agent: ureq::Agent,
}

/// What a server has said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// The body, as text.
    pub text: String,
}

impl Said {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

impl Operator {
    /// Somebody for the server at that URL.
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        Self { base: format!("{url}/rest/v1"), agent: config.new_agent() }
    }

    /// Asks for anything at all; `path` is what follows `/rest/v1`.
    ///
    /// # Errors
    /// The server can't be reached, or its answer can't be read. Whatever it answers is no error.
    pub fn try_request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Said, ureq::Error> {
        let body = body.map(|body| ("application/json".to_owned(), body.to_string().into_bytes()));
        self.send(method, path, body)
    }

    /// The same.
    ///
    /// # Panics
    /// If the server can't be reached.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Said {
        self.try_request(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn send(&self, method: &str, path: &str, body: Option<(String, Vec<u8>)>) -> Result<Said, ureq::Error> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", ADMIN);
        let mut response = match body {
            Some((kind, body)) => self.agent.run(request.header("Content-Type", kind).body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
        Ok(Said { status: response.status().as_u16(), text })
    }

    /// Asks for something that must be granted.
    fn granted(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let said = self.request(method, path, body);
        assert!((200..300).contains(&said.status), "{method} {path}: {} {}", said.status, said.text);
        said.json()
    }

    /// Adds a device. Returns its token.
    ///
    /// # Panics
    /// As all that follows: if the server does not do it.
    pub fn create_target(&self, id: &str) -> String {
        let made = self.granted("POST", "/targets", Some(&json!([{"controllerId": id, "name": id}])));
        made[0]["securityToken"].as_str().expect("a token").to_owned()
    }

    /// A device, as the server shows it.
    pub fn target(&self, id: &str) -> Value {
        self.granted("GET", &format!("/targets/{id}"), None)
    }

    /// A device's token.
    pub fn token(&self, id: &str) -> String {
        self.target(id)["securityToken"].as_str().expect("a token").to_owned()
    }

    /// Gives a device another token.
    pub fn set_token(&self, id: &str, token: &str) {
        self.granted("PUT", &format!("/targets/{id}"), Some(&json!({"securityToken": token})));
    }

    /// Has the device asked for its attributes.
    pub fn request_attributes(&self, id: &str) {
        self.granted("PUT", &format!("/targets/{id}"), Some(&json!({"requestAttributes": true})));
    }

    /// Forgets a device.
    pub fn delete_target(&self, id: &str) {
        self.granted("DELETE", &format!("/targets/{id}"), None);
    }

    /// A device's attributes.
    pub fn attributes(&self, id: &str) -> BTreeMap<String, String> {
        let said = self.granted("GET", &format!("/targets/{id}/attributes"), None);
        let pairs = said.as_object().into_iter().flatten();
        pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    }

    /// The ids of the devices that a search finds.
    pub fn find(&self, search: &str) -> Vec<String> {
        let encoded: String = search.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let said = self.granted("GET", &format!("/targets?limit=500&q={encoded}"), None);
        let found = said["content"].as_array().into_iter().flatten();
        found.filter_map(|target| target["controllerId"].as_str().map(str::to_owned)).collect()
    }

    /// Makes a software module of the type `os`. Returns its number.
    pub fn module(&self, name: &str, version: &str) -> u64 {
        let module = json!([{"name": name, "version": version, "type": "os"}]);
        self.granted("POST", "/softwaremodules", Some(&module))[0]["id"].as_u64().expect("a number")
    }

    /// Puts a file into a module. Returns what the server says.
    pub fn try_upload(&self, module: u64, file: &str, bytes: &[u8]) -> Said {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend(bytes);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let path = format!("/softwaremodules/{module}/artifacts");
        self.send("POST", &path, Some((kind, body))).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Puts a file into a module.
    pub fn upload(&self, module: u64, file: &str, bytes: &[u8]) {
        let said = self.try_upload(module, file, bytes);
        assert_eq!(said.status, 201, "{}", said.text);
    }

    /// Makes a distribution set of the type `os`. Returns its number.
    pub fn distribution_set(&self, name: &str, version: &str, modules: &[u64]) -> u64 {
        let modules: Vec<Value> = modules.iter().map(|id| json!({"id": id})).collect();
        let set = json!([{"name": name, "version": version, "type": "os", "modules": modules}]);
        self.granted("POST", "/distributionsets", Some(&set))[0]["id"].as_u64().expect("a number")
    }

    /// Writes something to a module, for devices to see or not.
    pub fn module_metadata(&self, module: u64, key: &str, value: &str, visible: bool) {
        let entry = json!([{"key": key, "value": value, "targetVisible": visible}]);
        self.granted("POST", &format!("/softwaremodules/{module}/metadata"), Some(&entry));
    }

    /// Changes a setting of the tenant.
    pub fn configure(&self, key: &str, value: Value) {
        self.granted("PUT", &format!("/system/configs/{key}"), Some(&json!({"value": value})));
    }
}
