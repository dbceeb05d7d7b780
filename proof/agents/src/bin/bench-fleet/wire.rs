//! What an idle device sends and gets: the real agent with the device's own client, through a real nginx with TLS in front of the
//! server.

use crate::Fallible;
use crate::serve::Served;
use drydock_config::{Config, Fleet, Network, Seconds};
use drydock_engine::Error;
use drydock_engine::fetch::Fetched;
use drydock_engine::fleet::{Agent, Answer, Credentials, Host, Request};
use drydock_recovery::net::{Dial, Parts, SystemNames, Tls, Token, Wall, ask, authorities, client_config};
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::workshop::Workshop;
use drydock_state::{MaybeDigest, Record, SetName, Source};
use drydock_transfer::{Address, Trouble};
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/sbin/nginx";
/// How long nginx may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many polls are counted.
const POLLS: u64 = 20;
/// The name in the server's certificate.
const NAME: &str = "localhost";
/// How many packets an exchange of TLS 1.3 takes in both directions, from the first SYN to the last ACK, and what each costs
/// besides what is in it: the heads of IPv4 and TCP with timestamps.
const PACKETS: u64 = 16;
const HEADS: u64 = 52;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// Bytes that went through a relay.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes {
    up: u64,
    down: u64,
}

/// Counts, and prints.
pub(crate) fn wire(served: &Served, workshop: &Workshop) -> Fallible<()> {
    if !Path::new(PROGRAM).exists() {
        println!("  bytes of an idle device: left out, {PROGRAM} is not there (apt-get install nginx-light)");
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let proxy = Proxy::start(dir.path(), &served.url)?;
    let relay = Relay::start(proxy.port)?;
    let url = format!("https://{NAME}:{}", relay.port);
    let mut device =
        Device::new(workshop, &url, &served.key, &fs::read_to_string(dir.path().join("cert.pem"))?)?;
    // Registers, tells what it is, and learns what is known of it from then on.
    let first = relay.counts(|| (0..3).try_for_each(|_| device.poll(true)))?;
    println!("  the first three turns of a device by TLS: {} bytes up, {} down", first.up, first.down);
    for (what, anew) in [("TLS sessions resumed", false), ("a whole handshake each time", true)] {
        let bytes = relay.counts(|| (0..POLLS).try_for_each(|_| device.poll(anew)))?;
        let (up, down) = (bytes.up / POLLS, bytes.down / POLLS);
        let all = up + down + PACKETS * HEADS;
        println!(
            "  an idle poll, {what}: {up} bytes up, {down} down, about {all} with the heads of packets; {:.0} kB a day every 300 s, {:.0} kB every hour",
            (all * DAY / 300) as f64 / 1e3,
            (all * DAY / 3600) as f64 / 1e3,
        );
    }
    Ok(())
}

/// A device with the client that ships.
struct Device<'w> {
    device: SimDevice<'w>,
    agent: Agent,
    token: Token,
    authority: String,
    dial: Dial,
}

impl<'w> Device<'w> {
    fn new(workshop: &'w Workshop, url: &str, key: &str, authority: &str) -> Fallible<Self> {
        let mut device = SimDevice::new(workshop, workshop.flashed());
        if device.run() != End::Up(SetName::A) {
            return Err("the device does not come up".into());
        }
        device.config.fleet = Some(Fleet { server: Some(url.into()), ..Fleet::default() });
        let running = drydock_engine::context::RunningSet {
            set: SetName::A,
            root_hash: MaybeDigest::None,
            version: "1".into(),
            degraded: false,
        };
        let config: &Config = &device.config;
        let agent = Agent::new(config, "wire-000001", running)?;
        let place = Address::parse(url)?.place();
        let token = Token::new("GatewayToken", key, place).ok_or("the key is no token")?;
        let authority = authority.to_owned();
        let dial = dial(&authority)?;
        Ok(Self { device, agent, token, authority, dial })
    }

    /// One turn of the agent, which must go well. Where nothing is kept from the last one, the handshake is a whole one.
    fn poll(&mut self, anew: bool) -> Fallible<()> {
        if anew {
            self.dial = dial(&self.authority)?;
        }
        let machine = self.device.machine().in_live_system();
        let mut host = Wire { dial: &self.dial, token: &self.token };
        let round = self.agent.round(&machine, &mut host);
        round.trouble.map_or(Ok(()), |trouble| Err(trouble.into()))
    }
}

fn dial(authority: &str) -> Fallible<Dial> {
    let wall = Wall::of(&Record::default());
    let roots = authorities(&[authority.to_owned()])?;
    let tls = || Ok::<_, Error>(Tls { config: client_config(roots.clone(), wall, None)?, name: None });
    // As on a device, whose connections are over when the next poll is due.
    let network = Network { stall_seconds: Seconds(20), ..Network::default() };
    Ok(Dial::new(Parts { network, shown: tls()?, hidden: tls()?, names: Arc::new(SystemNames) })?)
}

/// A live system that can only ask.
struct Wire<'d> {
    dial: &'d Dial,
    token: &'d Token,
}

impl Host for Wire<'_> {
    fn ask(&mut self, request: &Request) -> Result<Answer, Trouble> {
        ask(self.dial, Some(self.token), request)
    }

    fn fetch(&mut self, _from: &Address, _credentials: Credentials) -> Result<(Source, Fetched), Error> {
        Err(Error::Refused("an idle device has nothing to fetch".into()))
    }

    fn boot(&self) -> String {
        "1".into()
    }

    fn since(&self) -> Duration {
        Duration::ZERO
    }

    fn gate(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn restart(&mut self) -> Result<(), Error> {
        Err(Error::Refused("an idle device has nothing to restart for".into()))
    }
}

/// nginx with a certificate of its own, which passes on what it gets.
struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    fn start(folder: &Path, to: &str) -> Fallible<Self> {
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(folder)
            .output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
        }
        let (here, port) = (folder.display(), free_port()?);
        let config = format!(
            "user root; daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error.log;
             events {{ worker_connections 64; }}
             http {{
               access_log off; client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;
               uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;
               server {{
                 listen 127.0.0.1:{port} ssl; ssl_certificate {here}/cert.pem; ssl_certificate_key {here}/key.pem;
                 ssl_session_cache shared:devices:1m; keepalive_timeout 0;
                 location / {{ proxy_pass {to}; proxy_set_header Host $http_host; }}
               }}
             }}"
        );
        fs::write(folder.join("nginx.conf"), config)?;
        let child = Command::new(PROGRAM).arg("-c").arg(folder.join("nginx.conf")).spawn()?;
        let mut proxy = Self { child, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > PATIENCE || proxy.child.try_wait()?.is_some() {
                return Err("nginx does not answer".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its worker ends with it, by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Passes bytes on, and counts them.
struct Relay {
    port: u16,
    counted: Arc<Counted>,
}

#[derive(Default)]
struct Counted {
    up: AtomicU64,
    down: AtomicU64,
}

impl Relay {
    fn start(to: u16) -> Fallible<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let counted = Arc::<Counted>::default();
        let theirs = counted.clone();
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else {
                    continue;
                };
                let (up, down) = (theirs.clone(), theirs.clone());
                thread::spawn(move || pass(client, server, &up.up));
                thread::spawn(move || pass(server_too, client_too, &down.down));
            }
        });
        Ok(Self { port, counted })
    }

    /// What goes through while this is done, and until nothing has for a moment.
    fn counts(&self, work: impl FnOnce() -> Fallible<()>) -> Fallible<Bytes> {
        let before = self.now();
        work()?;
        let mut after = self.now();
        loop {
            thread::sleep(Duration::from_millis(100));
            let now = self.now();
            if (now.up, now.down) == (after.up, after.down) {
                return Ok(Bytes { up: now.up - before.up, down: now.down - before.down });
            }
            after = now;
        }
    }

    fn now(&self) -> Bytes {
        let read = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Bytes { up: read(&self.counted.up), down: read(&self.counted.down) }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = [0; 16 << 10];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        count.fetch_add(len as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    // Whoever waits on the other side is told.
    let _ = to.shutdown(Shutdown::Write);
}
