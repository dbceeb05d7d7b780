//! Who is trusted with the password.

use crate::common::Desk;
use drydock_fixtures::sh;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

/// Makes an authority, another one, and a certificate for `localhost` of the first.
fn authority(dir: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    sh(
        dir,
        &format!("openssl req -x509 {key} -keyout ca.key -out ca.crt -subj /CN=lab -days 30 2>/dev/null"),
    );
    sh(
        dir,
        &format!(
            "openssl req -x509 {key} -keyout other.key -out other.crt -subj /CN=other -days 30 2>/dev/null"
        ),
    );
    sh(dir, &format!("openssl req {key} -keyout s.key -out s.csr -subj /CN=localhost 2>/dev/null"));
    sh(dir, "printf 'subjectAltName=DNS:localhost\\nextendedKeyUsage=serverAuth\\n' > ext");
    sh(
        dir,
        "openssl x509 -req -in s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out s.crt 2>/dev/null",
    );
}

/// A server with that certificate, which has no rollouts. Returns its port.
fn serve(dir: &Path) -> u16 {
    let chain = vec![CertificateDer::from_pem_file(dir.join("s.crt")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.join("s.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let mut asked = [0; 4096];
            if stream.read(&mut asked).is_ok_and(|count| count > 0) {
                let body = r#"{"content":[],"total":0}"#;
                let head =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}

#[test]
fn only_a_server_that_an_authority_vouches_for_is_told_the_password() {
    let dir = tempfile::tempdir().unwrap();
    authority(dir.path());
    let port = serve(dir.path());
    let desk = Desk::at(&format!("https://localhost:{port}"));
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    desk.done(&["rollouts", "--ca", &file("ca.crt")]);
    desk.fails(&["rollouts", "--ca", &file("other.crt")], 5, "UnknownIssuer");
    desk.fails(&["rollouts"], 5, "--ca");
    // The certificate is not for the address.
    desk.fails(
        &["rollouts", "--ca", &file("ca.crt"), "--server", &format!("https://127.0.0.1:{port}")],
        5,
        "not valid for",
    );
    desk.fails(&["rollouts", "--ca", &file("ca.key")], 1, "no certificate in it");
    desk.fails(&["rollouts", "--ca", &file("nothing")], 1, "No such file");
}
