//! TLS: whom to believe, and what is said when it is nobody.

use super::clock::Wall;
use super::identity::DeviceIdentity;
use drydock_engine::Error;
use drydock_state::UnixTime;
use drydock_transfer::Trouble;
use rustls::client::ClientConfig;
use rustls::sign::SingleCertAndKey;
use rustls::{ALL_VERSIONS, CertificateError, RootCertStore};
use rustls_pki_types::ServerName;
use std::sync::Arc;

/// How a connection is made.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Authorities, versions, and who we are.
    pub config: Arc<ClientConfig>,
    /// The name that the server must have, in place of the address's.
    pub name: Option<ServerName<'static>>,
}

/// Returns how connections are made: TLS 1.2 and 1.3, servers certified by these authorities at the time of that clock.
pub fn client_config(
    roots: RootCertStore,
    wall: Wall,
    identity: Option<&dyn DeviceIdentity>,
) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |why: rustls::Error| Error::Unusable(format!("TLS can't be set up: {why}"));
    let builder = ClientConfig::builder_with_details(provider.clone(), Arc::new(wall));
    let builder = builder.with_protocol_versions(ALL_VERSIONS).map_err(unusable)?;
    let builder = builder.with_root_certificates(roots);
    Ok(Arc::new(match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let certified = identity.certified(&provider)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
    }))
}

/// What an error of TLS means for the transfer.
pub(super) fn trouble(error: &rustls::Error, host: &str) -> Trouble {
    use rustls::AlertDescription as Alert;
    let clock = |time: &rustls_pki_types::UnixTime| UnixTime(time.as_secs());
    let certificate = |why: String| Trouble::Untrusted(format!("the certificate of {host} {why}"));
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(match error {
            CertificateError::ExpiredContext { time, not_after } => {
                format!("expired on {}, and this device's clock says {}", clock(not_after), clock(time))
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                format!(
                    "is valid from {} on, and this device's clock says {}",
                    clock(not_before),
                    clock(time)
                )
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                format!("is not for {}, but for {}", expected.to_str(), presented.join(", "))
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "is by no authority that `network.ca` names".into()
            }
            other => format!("is refused: {other}"),
        }),
        rustls::Error::NoCertificatesPresented => certificate("is missing".into()),
        rustls::Error::AlertReceived(
            alert @ (Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::CertificateRequired),
        ) => Trouble::Untrusted(format!("{host} refuses this device's certificate ({alert:?})")),
        other => Trouble::Broken(format!("TLS with {host} failed: {other}")),
    }
}
