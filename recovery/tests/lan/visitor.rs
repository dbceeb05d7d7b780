//! A client that says whatever it is told to.

use crate::bench::{KEYS, Served};
use drydock_format::{Bundle, sha256};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A connection to a page whose fingerprint was compared.
pub(crate) struct Visitor(pub(crate) StreamOwned<ClientConnection, TcpStream>);

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Believes the certificate of this SHA-256, and no other one.
#[derive(Debug)]
struct Known(drydock_format::Digest);

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        assert_eq!(sha256(certificate), self.0);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        panic!("the page speaks TLS 1.3 only")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let all = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &all)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

impl Visitor {
    /// Connects; `None` where there is no room.
    pub(crate) fn enter(site: &Served) -> Option<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap().dangerous();
        let known = Arc::new(Known(site.page.fingerprint.0));
        let config = builder.with_custom_certificate_verifier(known).with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(site.at).unwrap());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).ok()?;
        }
        Some(Self(stream))
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).and_then(|()| self.0.flush())
    }

    /// Reads one answer; `None` where the connection has ended.
    pub(crate) fn hear(&mut self) -> Option<Got> {
        let mut come = Vec::new();
        let mut byte = [0];
        while !come.ends_with(b"\r\n\r\n") {
            if self.0.read(&mut byte).ok()? == 0 {
                return None;
            }
            come.push(byte[0]);
        }
        let head = String::from_utf8(come).unwrap();
        let status = head[9..12].parse().unwrap();
        let length = head
            .split("Content-Length: ")
            .nth(1)
            .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some(Got { status, body: String::from_utf8(body).unwrap() })
    }

    /// Says something, and reads the answer to it.
    pub(crate) fn ask(&mut self, request: &str) -> Got {
        self.say(request.as_bytes()).unwrap();
        self.hear().expect("the connection has ended")
    }
}

/// A connection of its own for one request.
pub(crate) fn ask(site: &Served, request: &str) -> Got {
    Visitor::enter(site).unwrap().ask(request)
}

/// A request as the page itself makes it.
pub(crate) fn request(site: &Served, line: &str, token: Option<&str>, length: usize) -> String {
    let page = ask(site, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").body;
    let page = page.split("content=\"").find_map(|part| {
        let text = part.split('"').next().unwrap();
        (text.len() == 48).then_some(text)
    });
    let bearer = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let page = page.expect("the page has a token");
    format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Drydock-Page: {page}\r\n{bearer}Content-Length: {length}\r\n\r\n"
    )
}

/// Sends a request with a body as the page itself does.
pub(crate) fn post(site: &Served, path: &str, token: Option<&str>, body: &str) -> Got {
    ask(site, &(request(site, &format!("POST {path}"), token, body.len()) + body))
}

/// What the page would say of a bundle.
pub(crate) fn wish(bundle: &[u8]) -> String {
    let bundle = Bundle::open_unverified(bundle.to_vec()).unwrap();
    format!("install {} {}", bundle.manifest().version, bundle.manifest_digest())
}

/// Asks for a challenge. Returns its line.
pub(crate) fn challenge(site: &Served, wish: &str) -> String {
    let got = post(site, "/ask", None, wish);
    assert_eq!(got.status, 200, "{got:?}");
    got.body.split('"').nth(3).unwrap().to_owned()
}

/// Is let in for something. Returns the token.
pub(crate) fn admitted(site: &Served, wish: &str) -> String {
    let mut got;
    loop {
        let answer = KEYS.sign("kim", &challenge(site, wish));
        got = post(site, "/answer", None, &format!("{wish}\n{answer}"));
        if !got.body.contains("is looked at in") {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(got.status, 200, "{got:?}");
    got.body.split('"').nth(3).unwrap().to_owned()
}
