//! The real nginx, and what its log says of who fetched what.

use crate::Fallible;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/sbin/nginx";
/// How long it may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);
/// What its log has of each request.
const FORMAT: &str = "$status $bytes_sent $body_bytes_sent $request_length";

/// A server that runs until it is dropped.
pub(crate) struct Nginx {
    child: Child,
    folder: PathBuf,
    port: u16,
}

/// What a server has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Bytes of all answers, with their heads.
    pub(crate) bytes: u64,
    pub(crate) requests: u64,
}

pub(crate) fn missing() -> Option<String> {
    (!Path::new(PROGRAM).exists()).then(|| format!("{PROGRAM} is not there (apt-get install nginx-light)"))
}

impl Nginx {
    /// Serves a folder over HTTP, on a port of its own. `place` is a folder for what it writes, and is emptied.
    pub(crate) fn start(files: &Path, place: &Path) -> Fallible<Self> {
        if place.exists() {
            fs::remove_dir_all(place)?;
        }
        fs::create_dir(place)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (files, here) = (files.display(), place.display());
        // As root it would change to a user who need not be able to read the files.
        let user = if fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) { "user root;" } else { "" };
        let config = format!(
            "{user} daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error.log;
             events {{ worker_connections 64; }}
             http {{
               log_format told '{FORMAT}'; access_log {here}/access.log told;
               client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;
               uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;
               server {{ listen 127.0.0.1:{port}; root {files}; }}
             }}"
        );
        let path = place.join("nginx.conf");
        fs::write(&path, config)?;
        let child = Command::new(PROGRAM).arg("-c").arg(&path).arg("-p").arg(place).spawn()?;
        let mut server = Self { child, folder: place.into(), port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > PATIENCE || server.child.try_wait()?.is_some() {
                return Err(format!("nginx does not answer; {here}/error.log may say why").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Ends it, and returns what it has sent: a request is logged when its answer is over.
    pub(crate) fn sent(mut self) -> Fallible<Sent> {
        self.end("quit")?;
        read(&fs::read_to_string(self.folder.join("access.log"))?)
    }

    fn end(&mut self, how: &str) -> Fallible<()> {
        let config = self.folder.join("nginx.conf");
        Command::new(PROGRAM).arg("-c").arg(config).arg("-p").arg(&self.folder).args(["-s", how]).output()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            // Without it there is nobody to tell.
            let _ = self.end("stop");
        }
    }
}

fn is_root(own: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    own.uid() == 0
}

/// Adds up a log. A request that was not answered with a file or parts of one is an error: its bytes are none of the bundle.
fn read(log: &str) -> Fallible<Sent> {
    let mut sent = Sent::default();
    for line in log.lines() {
        let words: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [200 | 206, bytes, body, _asked] = words[..] else {
            return Err(format!("nginx has logged `{line}`").into());
        };
        if body > bytes {
            return Err(format!("nginx has logged a body that is longer than its answer: `{line}`").into());
        }
        sent.bytes += bytes;
        sent.requests += 1;
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_log_is_added_up_and_what_is_no_file_is_not_counted() {
        let log = "206 2330 2048 118\n206 100300 100000 410\n200 5200 5000 90\n";
        assert_eq!(read(log).unwrap(), Sent { bytes: 107_830, requests: 3 });
        assert_eq!(read("").unwrap(), Sent::default());
        for bad in ["404 300 150 90\n", "206 10 20 30\n", "206 10\n", "206 10 5 - \n", "206 10 5 3 9\n"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_real_one_counts_what_it_sends() {
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("files");
        fs::create_dir(&files).unwrap();
        fs::write(files.join("x"), [7; 10_000]).unwrap();
        let server = Nginx::start(&files, &dir.path().join("nginx")).unwrap();
        let address = server.url("x");
        let (host, _) = address.trim_start_matches("http://").split_once('/').unwrap();
        let mut got = 0;
        for range in ["0-99", "500-599,700-799"] {
            let mut stream = TcpStream::connect(host).unwrap();
            let ask =
                format!("GET /x HTTP/1.1\r\nHost: x\r\nRange: bytes={range}\r\nConnection: close\r\n\r\n");
            stream.write_all(ask.as_bytes()).unwrap();
            got += stream.read_to_end(&mut Vec::new()).unwrap();
        }
        assert_eq!(server.sent().unwrap(), Sent { bytes: got as u64, requests: 2 });
    }
}
