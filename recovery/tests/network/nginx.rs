//! The real nginx, on a port of its own.

use crate::certificates::{Authority, Certified, EC};
use crate::lab::Lab;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

/// A server that runs until it is dropped.
pub(crate) struct Nginx {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) port: u16,
}

/// A line of its access log.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) status: u16,
    /// Bytes of bodies, with the heads of parts.
    pub(crate) bytes: u64,
    pub(crate) verified: String,
    pub(crate) protocol: String,
    pub(crate) range: String,
}

/// Where it listens in a lab.
const LISTEN: &str = "listen 10.99.0.1:443 ssl; listen 10.99.0.1:80;";

/// A port that nobody uses now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Nginx {
    /// Serves what is in its folder over TLS, to clients with a certificate of this authority. `more` goes into the server's
    /// block.
    pub(crate) fn start(authority: &Authority, certified: &Certified, more: &str) -> Self {
        let port = free_port();
        let listen = format!("listen 127.0.0.1:{port} ssl;");
        let block = format!("{listen} ssl_verify_client on; {more}");
        Self::launch(Command::new("/usr/sbin/nginx"), port, authority, certified, "", &block)
    }

    /// The same on the server of a lab: on 10.99.0.1, TLS on port 443, and none on port 80.
    pub(crate) fn in_lab(lab: &Lab, authority: &Authority, certified: &Certified, more: &str) -> Self {
        let command = lab.exec(&lab.server(), "/usr/sbin/nginx");
        let block = format!("{LISTEN} ssl_verify_client on; {more}");
        Self::launch(command, 443, authority, certified, "", &block)
    }

    /// The same, but that it passes everything on to a server on loopback, and asks clients for a certificate as `verify` says.
    /// `maps` goes before the server's block, `more` into it.
    #[cfg(feature = "fleet")]
    pub(crate) fn in_front(
        lab: &Lab,
        authority: &Authority,
        certified: &Certified,
        [verify, maps, more]: [&str; 3],
        to: &str,
    ) -> Self {
        let command = lab.exec(&lab.server(), "/usr/sbin/nginx");
        let pass = format!(
            "location / {{ proxy_pass {to}; proxy_set_header Host $http_host;
             proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Port $server_port; {more} }}"
        );
        let block = format!("{LISTEN} ssl_verify_client {verify}; {pass}");
        Self::launch(command, 443, authority, certified, maps, &block)
    }

    fn launch(
        mut command: Command,
        port: u16,
        authority: &Authority,
        certified: &Certified,
        maps: &str,
        block: &str,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        let (certificate, key) = (certified.certificate.display(), certified.key.display());
        let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
        fs::create_dir(folder.path().join("files")).unwrap();
        let config = format!(
            "{user} daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log;
             events {{ worker_connections 64; }}
             http {{
               ssl_protocols TLSv1.2 TLSv1.3;
               log_format told '$status $body_bytes_sent $ssl_client_verify $ssl_protocol [$http_range]';
               access_log {place}/access.log told;
               client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
               uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
               {maps}
               server {{
                 root {place}/files;
                 ssl_certificate {certificate}; ssl_certificate_key {key};
                 ssl_client_certificate {ca};
                 {block}
               }}
             }}",
            ca = authority.file().display()
        );
        let path = folder.path().join("nginx.conf");
        fs::write(&path, config).unwrap();
        let child = command.arg("-c").arg(&path).arg("-p").arg(folder.path()).spawn();
        let mut server = Self { child: child.expect("nginx is installed (tools/setup.sh)"), folder, port };
        // It is written once the ports are open.
        let pid = server.folder.path().join("pid");
        while fs::read(&pid).map_or(true, |pid| pid.is_empty()) {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "{:?}", fs::read_to_string(server.folder.path().join("error.log")));
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// The usual one, certified for this address.
    pub(crate) fn usual(authority: &Authority, more: &str) -> Self {
        Self::start(authority, &authority.certify("127.0.0.1", EC), more)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.files().join(name);
        // Another file, not the same one with other bytes in it.
        let _ = fs::remove_file(&path);
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("https://127.0.0.1:{}/{name}", self.port)
    }

    /// Ends it, and returns what it has logged: a request is logged when its answer is over.
    pub(crate) fn log(mut self) -> Vec<Line> {
        self.end(Signal::SIGQUIT);
        read_log(&self.folder.path().join("access.log"))
    }

    fn end(&mut self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
        let _ = self.child.wait();
    }
}

fn read_log(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let (head, range) = line.split_once('[').unwrap();
        let words: Vec<_> = head.split_whitespace().collect();
        Line {
            status: words[0].parse().unwrap(),
            bytes: words[1].parse().unwrap(),
            verified: words[2].into(),
            protocol: words[3].into(),
            range: range.trim_end_matches(']').into(),
        }
    };
    text.lines().map(line).collect()
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not SIGKILL, so that its worker ends with it. What has ended already is not there to be sent anything.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end(Signal::SIGTERM);
        }
    }
}
