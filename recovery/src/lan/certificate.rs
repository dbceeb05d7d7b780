//! The page's certificate: made when the page comes up, signed by its own key, and known by its fingerprint alone.
//!
//! Neither is kept: a key that lies on a device waits to be taken from it, and there is no place for it that is there whenever
//! the page is. The fingerprint is on the console, where whoever comes stands anyway. It is ECDSA on P-256 because browsers
//! take no Ed25519, and is valid from 1970 to 9999 (RFC 5280, section 4.1.2.5), because the clock of the device may say
//! anything, and nobody relies on its dates.

use super::der::{INTEGER, OCTETS, SEQUENCE, SET, SHORT_TIME, TIME, UTF8, bits, object, pair, value};
use crate::keys::random;
use drydock_engine::Error;
use drydock_format::{Digest, sha256};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2.
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// id-ecPublicKey, 1.2.840.10045.2.1.
const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// prime256v1, 1.2.840.10045.3.1.7.
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// id-ce-subjectAltName, 2.5.29.17.
const OTHER_NAMES: &[u8] = &[0x55, 0x1d, 17];
/// id-ce-extKeyUsage, 2.5.29.37, and id-kp-serverAuth, 1.3.6.1.5.5.7.3.1.
const USE: &[u8] = &[0x55, 0x1d, 37];
const SERVER: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// [2], a name of DNS, among other names.
const DNS: u8 = 0x82;

/// The SHA-256 of a certificate. For a person it is shown as browsers do, in groups that can be compared at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub Digest);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.0.chunks(2).enumerate() {
            f.write_str(if index == 0 { "" } else { " " })?;
            pair.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        }
        Ok(())
    }
}

/// What is told of a page on a console: how whoever opens it sees that it is this device's.
pub fn announce(fingerprint: &Fingerprint) -> [String; 2] {
    let text = fingerprint.to_string();
    let (first, second) = text.split_at(text.len() / 2);
    [
        format!("SHA-256 of its certificate: {}", first.trim()),
        format!("                            {}", second.trim()),
    ]
}

/// Returns how a page is served by TLS, and by which fingerprint it is known. It speaks TLS 1.3 and no other version.
///
/// # Errors
/// The kernel has no entropy.
pub(super) fn serve(names: &[String]) -> Result<(Arc<ServerConfig>, Fingerprint), Error> {
    let mut serial = [0; 16];
    random::for_keys(&mut serial).map_err(Error::doing("make the page's key"))?;
    // The first bit would make it negative, and the first byte must not be zero.
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    let unusable = |why: String| Error::Unusable(format!("the page's certificate can't be made: {why}"));
    let source = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &source).map_err(|why| unusable(why.to_string()))?;
    let key = Zeroizing::new(key.as_ref().to_vec());
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, &key, &source).map_err(|why| unusable(why.to_string()))?;
    let contents = contents(&serial, pair.public_key().as_ref(), names);
    let signature = pair.sign(&source, &contents).map_err(|why| unusable(why.to_string()))?;
    let algorithm = value(SEQUENCE, &[&object(ECDSA_SHA256)]);
    let certificate = value(SEQUENCE, &[&contents, &algorithm, &bits(signature.as_ref())]);
    let fingerprint = Fingerprint(sha256(&certificate));

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]);
    let builder = builder.map_err(|why| unusable(why.to_string()))?.with_no_client_auth();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
    let config = builder.with_single_cert(vec![CertificateDer::from(certificate)], key);
    let mut config = config.map_err(|why| unusable(why.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nothing is remembered of who was here.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok((Arc::new(config), fingerprint))
}

/// What is signed: TBSCertificate of RFC 5280.
fn contents(serial: &[u8], key: &[u8], names: &[String]) -> Vec<u8> {
    let version = value(0xa0, &[&value(INTEGER, &[&[2]])]);
    let serial = value(INTEGER, &[serial]);
    let algorithm = value(SEQUENCE, &[&object(ECDSA_SHA256)]);
    let common = pair(&object(COMMON_NAME), &value(UTF8, &[b"drydock"]));
    let name = value(SEQUENCE, &[&value(SET, &[&common])]);
    let valid = pair(&value(SHORT_TIME, &[b"700101000000Z"]), &value(TIME, &[b"99991231235959Z"]));
    let key = pair(&pair(&object(EC_KEY), &object(P256)), &bits(key));
    let names: Vec<_> = ["drydock"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let names: Vec<u8> = names.iter().flat_map(|name| value(DNS, &[name.as_bytes()])).collect();
    let names = pair(&object(OTHER_NAMES), &value(OCTETS, &[&value(SEQUENCE, &[&names])]));
    let server = value(SEQUENCE, &[&object(SERVER)]);
    let server = pair(&object(USE), &value(OCTETS, &[&server]));
    let more = value(0xa3, &[&pair(&names, &server)]);
    value(SEQUENCE, &[&version, &serial, &algorithm, &name, &valid, &name, &key, &more])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_shown_in_groups() {
        let text = Fingerprint(sha256(b"")).to_string();
        assert!(text.starts_with("E3B0 C442 98FC 1C14 "), "{text}");
        assert_eq!(text.split(' ').count(), 16);
    }

    #[test]
    fn each_page_has_a_key_of_its_own() {
        let (_, one) = serve(&[]).unwrap();
        let (_, other) = serve(&[]).unwrap();
        assert_ne!(one, other);
    }
}
