//! What a subcommand has to say, and how the process ends.

use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For machines: `--json`.
    Json,
}

/// What a subcommand has to say, for people and for machines.
pub struct Reply {
    /// For people.
    pub text: Vec<u8>,
    /// For machines.
    pub json: Value,
}

impl Reply {
    /// Text, and the same for machines.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into().into_bytes(), json }
    }

    /// Bytes that go out as they are, whatever was asked for.
    pub fn raw(text: Vec<u8>) -> Self {
        Self { text, json: Value::Null }
    }
}

/// A path for JSON, which is UTF-8: what is not becomes U+FFFD. `json!` with the path itself panics on such names.
pub fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Why a subcommand has failed, and how the process is to end then.
pub trait Failure: Display {
    /// The exit code.
    fn exit_code(&self) -> u8;
}

/// Prints the result of a subcommand of `tool`. Returns how the process ends. A reader that has gone away is no reason to panic.
pub fn finish(tool: &str, reply: Result<Reply, impl Failure>, form: Form) -> ExitCode {
    let (out, code) = match reply {
        Ok(Reply { json, .. }) if form == Form::Json && !json.is_null() => {
            (format!("{json}\n").into_bytes(), 0)
        }
        Ok(Reply { text, .. }) => (text, 0),
        Err(error) => {
            let code = error.exit_code();
            let _ = writeln!(io::stderr(), "{tool}: {error}");
            let json = json!({"ok": false, "error": error.to_string(), "code": code});
            (if form == Form::Json { format!("{json}\n").into_bytes() } else { Vec::new() }, code)
        }
    };
    match io::stdout().write_all(&out).and_then(|()| io::stdout().flush()) {
        Err(error) if code == 0 && error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "{tool}: writing to standard output: {error}");
            ExitCode::from(1)
        }
        _ => ExitCode::from(code),
    }
}
