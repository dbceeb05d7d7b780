use crate::{QemuError, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Sub;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The real nginx on the host, over TLS, for devices with a certificate. Ends with its value.
pub struct Server {
    nginx: Child,
    folder: PathBuf,
    port: u16,
}

/// What stands behind nginx, which tells it who asks by the certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behind<'b> {
    /// A hawkBit, by its address without TLS: what devices ask it.
    pub hawkbit: Option<&'b str>,
    /// What takes in reports, at [`Server::REPORTS`].
    pub collector: Option<SocketAddr>,
}

/// What a server has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Answers that are over: sent, or broken off.
    pub requests: u64,
    /// Their bytes, heads and bodies, before TLS wraps them.
    pub bytes: u64,
}

impl Server {
    /// The host's loopback, seen by a guest with QEMU's network for users.
    pub const HOST: &'static str = "10.0.2.2";

    /// Where reports go.
    pub const REPORTS: &'static str = "reports";

    /// Serves what is in `folder`, in which its log is as well. `certificates` is what `integration/demo/certificates.sh`
    /// has made.
    pub fn start(folder: &Path, certificates: &Path) -> Result<Self, QemuError> {
        Self::before(folder, certificates, Behind::default())
    }

    /// Stands before what speaks no TLS, too.
    pub fn before(folder: &Path, certificates: &Path, behind: Behind<'_>) -> Result<Self, QemuError> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.map_err(QemuError::io("find a port for nginx"))?.port();
        let (place, certified) = (folder.display(), certificates.display());
        let passed = passed(behind, port, &Self::authority(certificates)?);
        let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
        let config = format!(
            "{user} daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/error.log;
             events {{ worker_connections 64; }}
             http {{
               map $ssl_client_s_dn $device {{ default ''; '~(?:^|,)CN=(?<cn>[A-Za-z0-9._-]+)$' $cn; }}
               log_format sent '$status $bytes_sent [$http_range] $ssl_client_s_dn $request';
               access_log {place}/access.log sent;
               client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
               uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
               server {{
                 listen 127.0.0.1:{port} ssl; root {place};
                 ssl_certificate {certified}/server.pem; ssl_certificate_key {certified}/server.key;
                 ssl_client_certificate {certified}/device-ca.pem; ssl_verify_client on;
                 {passed}
               }}
             }}\n"
        );
        let path = folder.join("nginx.conf");
        std::fs::write(&path, config).map_err(QemuError::io(format!("write {}", path.display())))?;
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(&path).arg("-p").arg(folder).stdin(Stdio::null()).process_group(0);
        let nginx = command.spawn().map_err(QemuError::io("start nginx (tools/setup.sh installs it)"))?;
        let mut server = Self { nginx, folder: folder.into(), port };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// What hawkBit knows the devices' authority by: the SHA-256 fingerprint of its certificate.
    pub fn authority(certificates: &Path) -> Result<String, QemuError> {
        let mut openssl = Command::new("openssl");
        openssl
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(certificates.join("device-ca.pem"));
        let printed = run(&mut openssl)?;
        Ok(printed.chars().skip_while(|c| *c != '=').filter(char::is_ascii_hexdigit).collect())
    }

    fn wait_until_it_listens(&mut self) -> Result<(), QemuError> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.nginx.try_wait().map_err(QemuError::io("wait for nginx"))?;
            if ended.is_some() || Instant::now() > deadline {
                let output = std::fs::read_to_string(self.folder.join("error.log")).unwrap_or_default();
                return Err(QemuError::Program { command: "nginx".into(), output });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Its address for a guest.
    pub fn address(&self) -> String {
        format!("https://{}:{}", Self::HOST, self.port)
    }

    /// A file's address for a guest.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address())
    }

    /// What it has sent since it was started.
    pub fn served(&self) -> Result<Served, QemuError> {
        let path = self.folder.join("access.log");
        let log = std::fs::read_to_string(&path);
        let log = log.map_err(QemuError::io(format!("read {}", path.display())))?;
        let bytes = |line: &str| line.split_whitespace().nth(1).and_then(|bytes| bytes.parse::<u64>().ok());
        let sent: Vec<_> = log.lines().filter_map(bytes).collect();
        Ok(Served { requests: sent.len() as u64, bytes: sent.iter().sum() })
    }
}

/// What of nginx's configuration passes requests on. Whatever a device itself says of who it is does not get through, and what
/// comes from hawkBit goes out while it comes in.
fn passed(behind: Behind<'_>, port: u16, authority: &str) -> String {
    let mut passed = String::new();
    if let Some(hawkbit) = behind.hawkbit {
        passed += &format!(
            "location ~ ^/[^/]+/controller/ {{
               proxy_pass {hawkbit}; proxy_http_version 1.1; proxy_buffering off;
               proxy_set_header X-Controller-Id $device; proxy_set_header X-Authority {authority};
               proxy_set_header X-Authority-0 ''; proxy_set_header X-Authority-1 '';
               proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
               proxy_set_header X-Forwarded-Port {port}; proxy_set_header X-Forwarded-For $remote_addr;
             }}\n"
        );
    }
    if let Some(collector) = behind.collector {
        passed += &format!("location = /{} {{ proxy_pass http://{collector}; }}\n", Server::REPORTS);
    }
    passed
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not SIGKILL, so that its worker ends with it.
        if let Ok(pid) = i32::try_from(self.nginx.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.nginx.wait();
    }
}

impl Sub for Served {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { requests: self.requests - before.requests, bytes: self.bytes - before.bytes }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in {} answers", self.bytes, self.requests)
    }
}
