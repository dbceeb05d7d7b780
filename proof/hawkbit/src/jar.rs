//! A real server, from a jar that somebody else has brought.

use crate::operator::Operator;
use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use std::{fs, io};
use tempfile::TempDir;

/// How often a server that starts is asked whether it is there, and how long it is waited for between.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(500);

/// Ends the server when nobody holds the other end of the standard input any more, however that came.
const KEEPER: &str = r#"dir=$1; shift; "$@" </dev/null >"$dir/log" 2>&1 & server=$!
echo "$server" >"$dir/pid"; cat >/dev/null; kill "$server"; wait "$server"; rm -rf "$dir""#;

/// A server that runs. It ends when it is dropped, or with the process.
pub(crate) struct Jar {
    keeper: Child,
    port: u16,
}

impl Jar {
    /// Starts a server on a free port of loopback, with everything in memory but the artifacts.
    pub(crate) fn start(jar: &OsStr) -> Self {
        let dir = TempDir::new().expect("a directory for the server").keep();
        let port = free_port().expect("a free port of loopback");
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(&dir)
            .args(["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar"])
            .arg(jar)
            .args(["--server.address=127.0.0.1", "--server.forward-headers-strategy=NATIVE"])
            .arg(format!("--server.port={port}"))
            .arg("--spring.datasource.url=jdbc:h2:mem:drydock;MODE=LEGACY;DB_CLOSE_ON_EXIT=FALSE")
            .arg(format!("--org.eclipse.hawkbit.artifact.fs.path={}", dir.join("artifacts").display()))
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut server = Self { keeper, port };
        let operator = Operator::new(&server.url());
        for _ in 0..TRIES {
            if operator.try_request("GET", "/userinfo", None).is_ok_and(|said| said.status == 200) {
                return server;
            }
            if has_ended(&dir) {
                break;
            }
            thread::sleep(PAUSE);
        }
        let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
        server.end();
        let last: Vec<&str> = log.lines().rev().take(30).collect();
        panic!("the server of {} did not start:\n{}", jar.display(), last.join("\n"));
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn end(&mut self) {
        drop(self.keeper.stdin.take());
        // It has no other child than the server, which has been told to end.
        let _ = self.keeper.wait();
    }
}

impl Drop for Jar {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether the server's process is no more, though nobody has ended it.
fn has_ended(dir: &Path) -> bool {
    let Ok(pid) = fs::read_to_string(dir.join("pid")) else { return false };
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !pid.is_empty() && (state.is_empty() || state.contains(") Z "))
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
