//! A fleet: hawkBit's double on the server of a lab, behind nginx, and a device that follows it.

use crate::certificates::{Authority, Certified, EC};
use crate::device::{Device, HOST, impatient};
use crate::lab::Lab;
use crate::nginx::Nginx;
use crate::setup::bundle;
use drydock_config::{Fleet, Network, Seconds};
use drydock_hawkbit::{Kind, Operator, Server};

/// What the device is called.
pub(crate) const NAME: &str = "pump-7";
/// Where its name and its token are.
pub(crate) const NAME_FILE: &str = "keys/name";
pub(crate) const TOKEN_FILE: &str = "keys/token";

/// A server, and the nginx in front of it, which serves TLS and plain HTTP.
pub(crate) struct Site<'l> {
    lab: &'l Lab,
    /// There until the end.
    server: Option<Server>,
    pub(crate) authority: Authority,
    nginx: Option<Nginx>,
}

impl<'l> Site<'l> {
    /// A server without devices. nginx asks nobody for a certificate; `more` is for its place of all that is passed on.
    pub(crate) fn new(lab: &'l Lab, more: &str) -> Self {
        Self::with(lab, |_| ["off".into(), String::new(), more.into()])
    }

    /// The same, with what nginx is told: see [`Nginx::in_front`].
    pub(crate) fn with(lab: &'l Lab, told: impl FnOnce(&Authority) -> [String; 3]) -> Self {
        let server = lab.inside(Server::start).join().unwrap();
        let authority = Authority::new();
        let certified = authority.certify(HOST, EC);
        let told = told(&authority);
        let told = told.each_ref().map(String::as_str);
        let nginx = Nginx::in_front(lab, &authority, &certified, told, &server.url());
        Self { lab, server: Some(server), authority, nginx: Some(nginx) }
    }

    /// Ends nginx, and returns how many requests it has had.
    pub(crate) fn requests(&mut self) -> usize {
        self.nginx.take().map_or(0, |nginx| nginx.log().len())
    }

    /// From now on the server does not believe the proxy, and all its links are of `http`. A real one is told that when it is started.
    pub(crate) fn believes_no_proxy(&self) {
        let double = self.server.as_ref().unwrap().double();
        double.expect("the double").settings().forwarded_headers = false;
    }

    /// The token that all devices of the gateway have.
    pub(crate) fn gateway_key(&self) -> String {
        self.server.as_ref().unwrap().gateway_key().to_owned()
    }

    /// Lets the operator do something.
    pub(crate) fn operator<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Operator) -> T + Send + 'static,
    ) -> T {
        let operator = self.server.as_ref().unwrap().operator();
        self.lab.inside(move || work(&operator)).join().unwrap()
    }

    /// A device that knows this server's authority, with what else its configuration says of the fleet.
    pub(crate) fn device(&self, own: &Certified, fleet: Fleet) -> Device<'l> {
        let network = Network { ca: vec![self.authority.pem()], ..impatient() };
        let device = Device::with(self.lab, network, own, |config| config.fleet = Some(fleet));
        device.on_data(&format!("printf '%s\\n' {NAME} > {NAME_FILE}"));
        device
    }

    /// The usual one, which has been given its token.
    pub(crate) fn usual_device(&self) -> (Device<'l>, String) {
        let device = self.device(&self.authority.certify("somebody", EC), usual());
        let token = self.operator(|operator| operator.create_target(NAME));
        device.on_data(&format!("umask 077; echo {token} > {TOKEN_FILE}"));
        (device, token)
    }

    /// Offers version 3, and orders the device to have it. Returns the order's number.
    pub(crate) fn order(&self) -> u64 {
        self.operator(|operator| {
            let module = operator.module("pump", "3");
            operator.upload(module, "3.drydock", bundle());
            let set = operator.distribution_set("pump", "3", &[module]);
            operator.assign(NAME, set, Kind::Forced)
        })
    }
}

impl Drop for Site<'_> {
    fn drop(&mut self) {
        // It ends by connecting to itself, which it can only in its own network.
        let server = self.server.take();
        let _ = self.lab.inside(move || drop(server)).join();
    }
}

/// How the usual device follows the server.
pub(crate) fn usual() -> Fleet {
    Fleet {
        server: Some(format!("https://{HOST}")),
        id_file: Some(format!("/{NAME_FILE}")),
        token_file: Some(TOKEN_FILE.into()),
        poll_seconds: Seconds(30),
        reboot_command: vec!["sh".into(), "-c".into(), "echo restarted >> /srv/restarts".into()],
        ..Fleet::default()
    }
}
