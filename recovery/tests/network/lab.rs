//! Two machines and the cables between them: network namespaces with a server in one and drydock in the other.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than anything here takes; a test that waits so long has failed.
const LIMIT: Duration = Duration::from_secs(90);

pub(crate) struct Lab {
    id: String,
    folder: tempfile::TempDir,
    files: AtomicU32,
}

impl Lab {
    /// Two machines without a cable.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let id = format!("drydock-{}-{number}", std::process::id());
        let lab = Self { id, folder: tempfile::tempdir().unwrap(), files: AtomicU32::new(0) };
        for name in [lab.server(), lab.client()] {
            let made = Command::new("ip").args(["netns", "add", &name]).output().unwrap();
            assert!(
                made.status.success(),
                "these tests need network namespaces, so root where `ip netns add` works: {}",
                String::from_utf8_lossy(&made.stderr)
            );
            ip(&["-n", &name, "link", "set", "lo", "up"]);
        }
        lab
    }

    /// Two machines with a cable from the client's `e0` to the server's `s0`, which has 10.99.0.1.
    pub(crate) fn wired() -> Self {
        let lab = Self::new();
        lab.cable(0);
        lab.on_server("addr add 10.99.0.1/24 dev s0");
        lab.on_server("link set s0 up");
        lab
    }

    /// The same, where the client has 10.99.0.2 already, as a live system that somebody else keeps in a network.
    pub(crate) fn connected() -> Self {
        let lab = Self::wired();
        lab.on_client("addr add 10.99.0.2/24 dev e0");
        lab.on_client("link set e0 up");
        lab
    }

    /// Waits until so many bytes have come to the client's interface, whatever they are.
    pub(crate) fn await_received(&self, interface: &str, bytes: u64) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let links = self.on_client(&format!("-s -o link show dev {interface}"));
            let received = links.split("RX:").nth(1).and_then(|rest| rest.split('\\').nth(1));
            let received: u64 = received.unwrap().split_whitespace().next().unwrap().parse().unwrap();
            if received >= bytes {
                return;
            }
            assert!(Instant::now() < deadline, "only {received} bytes have come");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A cable from the client's interface of that number to the server's. The server's is off, so there is no carrier.
    pub(crate) fn cable(&self, number: u8) {
        let (client, server) = (self.client(), self.server());
        let (here, there) = (format!("e{number}"), format!("s{number}"));
        ip(&[
            "link", "add", &here, "netns", &client, "type", "veth", "peer", "name", &there, "netns", &server,
        ]);
    }

    pub(crate) fn server(&self) -> String {
        format!("{}-s", self.id)
    }

    pub(crate) fn client(&self) -> String {
        format!("{}-c", self.id)
    }

    /// Does it on the server: the words behind `ip`.
    pub(crate) fn on_server(&self, words: &str) {
        ip(&["-n", &self.server()].into_iter().chain(words.split(' ')).collect::<Vec<_>>());
    }

    /// Does it on the client.
    pub(crate) fn on_client(&self, words: &str) -> String {
        ip(&["-n", &self.client()].into_iter().chain(words.split(' ')).collect::<Vec<_>>())
    }

    /// The hardware address of an interface of the client's.
    pub(crate) fn hardware_address(&self, interface: &str) -> String {
        let links = self.on_client(&format!("-br link show dev {interface}"));
        links.split_whitespace().nth(2).unwrap().into()
    }

    /// Whether a machine has an interface of this name, with an address.
    pub(crate) fn has(&self, machine: &str, interface: &str) -> bool {
        ip(&["-n", machine, "-4", "-br", "addr"]).lines().any(|line| {
            line.split_whitespace().next().is_some_and(|name| name == interface) && line.contains("10.99.0.")
        })
    }

    /// All that the client's kernel knows of its network. Counters and what a kernel does by itself are left out.
    pub(crate) fn state(&self) -> String {
        let settings = "for f in accept_ra disable_ipv6 ignore_routes_with_linkdown; do cat /proc/sys/net/ipv6/conf/e0/$f; done";
        let mut command = Command::new("ip");
        let settings = text(command.args(["netns", "exec", &self.client(), "sh", "-c", settings]));
        let links = self.on_client("-br link");
        // Whether there is a carrier the other end decides.
        let links = links.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let links: Vec<_> = links.map(|words| [words[0], words[words.len() - 1]].join(" ")).collect();
        format!("{links:?}{}{}{settings}", self.on_client("-4 -br addr"), self.on_client("-4 route"))
    }

    /// Starts dnsmasq on `s0`, as DHCP server for 10.99.0.50 to 60 and DNS server, unless `more` says otherwise.
    pub(crate) fn dnsmasq(&self, more: &[&str]) -> Running {
        let leases = self.folder.path().join("leases");
        let mut command = self.exec(&self.server(), "dnsmasq");
        command.args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"]);
        command.args(["--bind-dynamic", "--interface=s*", "--no-ping", "--log-dhcp", "--dhcp-authoritative"]);
        command.arg(format!("--dhcp-leasefile={}", leases.display())).args(more);
        self.start(command)
    }

    /// What the server has lent is forgotten.
    pub(crate) fn forget_leases(&self) {
        let _ = fs::remove_file(self.folder.path().join("leases"));
    }

    /// Starts any server.
    pub(crate) fn serve(&self, program: &str, arguments: &[&str]) -> Running {
        let mut command = self.exec(&self.server(), program);
        command.args(arguments);
        self.start(command)
    }

    /// Puts a text into a file.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs a function in the server's network, in a thread.
    pub(crate) fn inside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.inside_of(&self.server(), work)
    }

    /// Runs a function in the network of one of the two, in a thread.
    pub(crate) fn inside_of<T: Send + 'static>(
        &self,
        machine: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let namespace = File::open(format!("/run/netns/{machine}")).unwrap();
        thread::spawn(move || {
            nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            work()
        })
    }

    /// Starts `drydock network test` on all of the client's interfaces that are called `e…`. `network` is what the
    /// configuration has there.
    pub(crate) fn drydock(&self, network: &str, arguments: &[&str]) -> Running {
        let config =
            format!(r#"{{"compatible":"x","slot":[],"signatures":{{"keys":[]}},"network":{network}}}"#);
        let config = self.file("config.json", &config);
        let script = "mount -t tmpfs none /run && mkdir /run/drydock && cp \"$1\" /run/drydock/config.json && shift && exec \"$@\"";
        let mut command = self.exec(&self.client(), "sh");
        command.args(["-c", script, "sh"]).arg(config).arg(env!("CARGO_BIN_EXE_drydock"));
        command.args(["network", "test", "--interface", "e*"]).args(arguments);
        self.start(command)
    }

    /// The same, to its end.
    pub(crate) fn try_drydock(&self, network: &str, arguments: &[&str]) -> (bool, String) {
        self.drydock(network, arguments).wait()
    }

    /// A program, in the network of one of the two.
    pub(crate) fn exec(&self, namespace: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]);
        command
    }

    /// Starts it. What it says is kept.
    pub(crate) fn start(&self, mut command: Command) -> Running {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let said = self.folder.path().join(format!("said-{number}"));
        let file = File::create(&said).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Running { child: command.spawn().unwrap(), said }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in [self.server(), self.client()] {
            let _ = Command::new("ip").args(["netns", "del", &name]).status();
        }
    }
}

fn ip(words: &[&str]) -> String {
    text(Command::new("ip").args(words))
}

fn text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A program that runs in a lab. It ends with the test.
pub(crate) struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// The memory that it has in use, in KiB.
    #[cfg(feature = "lan")]
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap().trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits until it says this.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        self.expect_times(text, 1);
    }

    /// Waits until it has said this so many times.
    #[track_caller]
    pub(crate) fn expect_times(&mut self, text: &str, times: usize) {
        let deadline = Instant::now() + LIMIT;
        loop {
            // Before what it said is read, so that nothing falls in between.
            let ended = self.child.try_wait().unwrap();
            if self.said().matches(text).count() >= times {
                return;
            }
            assert!(ended.is_none(), "it has ended without saying `{text}`:\n{}", self.said());
            assert!(Instant::now() < deadline, "it does not say `{text}`:\n{}", self.said());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for its end: whether it went well, and all that it said.
    #[track_caller]
    pub(crate) fn wait(mut self) -> (bool, String) {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.success(), self.said());
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.said());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
