//! How a server is reached, and why it can be trusted.

use crate::Error;
use crate::base::Base;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Proxy};

/// How long a name, and then a connection, may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// How long an answer may take: behind an upload the server hashes and stores what it has.
const ANSWER: Duration = Duration::from_secs(600);

/// Returns what makes connections. A proxy of the environment is used with TLS only: another one would see the password.
pub(crate) fn agent(base: &Base, ca: Option<&Path>) -> Result<Agent, Error> {
    let mut tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    if base.is_secure() {
        tls = tls.root_certs(RootCerts::new_with_certs(&authorities(ca)?));
    }
    let proxy = if base.is_secure() && !base.is_loopback() { Proxy::try_from_env() } else { None };
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("drydock-fleet/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_send_request(Some(SILENCE))
        .timeout_recv_response(Some(ANSWER))
        .timeout_per_read(Some(ANSWER))
        .timeout_per_write(Some(SILENCE));
    Ok(config.build().new_agent())
}

/// The certificates of authorities in a PEM file, or those of the system.
fn authorities(ca: Option<&Path>) -> Result<Vec<Certificate<'static>>, Error> {
    let none = |what: String, problem: &str| Error::Input { what, problem: problem.into() };
    let Some(path) = ca else {
        let found = rustls_native_certs::load_native_certs();
        let certificates: Vec<_> =
            found.certs.iter().map(|one| Certificate::from_der(one.as_ref()).to_owned()).collect();
        let problem = "there are none; install ca-certificates, or give the server's own with --ca";
        return match certificates.is_empty() {
            true => Err(none("the system's certificates of authorities".into(), problem)),
            false => Ok(certificates),
        };
    };
    let failed = |source| Error::File { doing: "reading the certificates in", path: path.into(), source };
    let pem = fs::read(path).map_err(failed)?;
    let items = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = items.collect();
    match certificates.is_empty() {
        true => Err(none(path.display().to_string(), "there is no certificate in it (PEM)")),
        false => Ok(certificates),
    }
}

/// What went wrong on the way, and what can be done.
pub(crate) fn told(error: &ureq::Error) -> String {
    let text = match error {
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    let hint = match error {
        ureq::Error::HostNotFound => "; is the name right?",
        ureq::Error::Timeout(_) => "; is it running, and is the way to it open?",
        _ if text.contains("InvalidContentType") => "; does it speak TLS on that port?",
        _ if text.contains("UnknownIssuer") => "; give the certificate of its authority with --ca",
        _ => "",
    };
    format!("{text}{hint}")
}
