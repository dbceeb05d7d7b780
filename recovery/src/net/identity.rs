//! Who servers are certified by, and who this device is for them.

use drydock_engine::Error;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Who this device is: a certificate, and a key that signs for it. The key need not be in memory: [`CertifiedKey`] takes
/// any [`SigningKey`](rustls::sign::SigningKey), so that one in a TPM or behind PKCS#11 has its place here.
pub trait DeviceIdentity {
    /// Returns the certificate, with those between it and its authority, and what signs for it.
    fn certified(&self, provider: &CryptoProvider) -> Result<CertifiedKey, Error>;
}

/// A certificate and a key in PEM.
pub struct PemIdentity {
    /// The certificate, and those between it and its authority.
    pub certificate: Vec<u8>,
    /// The key, unencrypted.
    pub key: zeroize::Zeroizing<Vec<u8>>,
}

impl DeviceIdentity for PemIdentity {
    fn certified(&self, provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
        let unusable = |which: &str, why: String| {
            Error::Unusable(format!("network.{which}: {why}; correct the file on the data volume"))
        };
        let chain = certificates(&self.certificate).map_err(|why| unusable("client_certificate", why))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key);
        let key = key.map_err(|why| unusable("client_key", format!("no key in PEM ({why:?})")))?;
        let certified = CertifiedKey::from_der(chain, key, provider);
        certified.map_err(|why| unusable("client_key", why.to_string()))
    }
}

/// Returns the authorities in PEM files.
pub fn authorities(files: &[String]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for (index, pem) in files.iter().enumerate() {
        let unusable = |why: String| {
            Error::Unusable(format!("network.ca.{index}: {why}; correct it, and build the initramfs anew"))
        };
        for certificate in certificates(pem.as_bytes()).map_err(unusable)? {
            roots.add(certificate).map_err(|why| unusable(why.to_string()))?;
        }
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("no certificate in PEM".into()),
        Err(why) => Err(format!("no certificate in PEM ({why:?})")),
    }
}
