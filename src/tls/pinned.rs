//! Mutual TLS between institutions that recognise each other by keys (docs/federation.md): 1.3 between gateways, and with members' own systems
//! 1.2 as well. No authority vouches for anybody,
//! and the words and times in a certificate say nothing: what counts is that the peer has the key, and that its pin is known now.
//! Nothing of a connection is used for the next one: no tickets, no early data.

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError, PeerMisbehaved,
    ServerConfig, SignatureScheme, SupportedProtocolVersion,
};

use super::own::{Own, pin_of};
use super::{Unusable, provider};
use crate::member::{Shown, Spki, Unfit};

/// Whose keys are known at this moment.
pub type Known = Arc<dyn Fn(Spki) -> bool + Send + Sync>;

/// A peer has shown that it has a key, but nobody knows that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key {0} is not the one that the registry names")]
pub struct UnknownKey(pub Spki);

/// The signatures of TR-02102-2 among those that there are.
const SCHEMES: [SignatureScheme; 5] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];

/// For who takes connections.
///
/// # Errors
/// The certificate cannot be used.
pub fn taker(own: &Own, known: Known) -> Result<ServerConfig, Unusable> {
    server(own, &[&TLS13], by_pin(known))
}

/// For who opens them.
///
/// # Errors
/// The certificate cannot be used.
pub fn caller(own: &Own, known: Known) -> Result<ClientConfig, Unusable> {
    let provider = Arc::new(provider());
    let (chain, key) = own.pair();
    let unusable = |error: Error| Unusable::Pair(error.to_string());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Registered { provider, judge: by_pin(known) }))
        .with_client_auth_cert(chain, key)
        .map_err(unusable)?;
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Whether somebody's own system may call, who has shown this.
pub type Fits = Arc<dyn Fn(&Shown) -> Result<(), Unfit> + Send + Sync>;

/// For who takes calls of other institutions' own systems (docs/federation.md): as for links, but for TLS 1.2, too, which telephone
/// systems still need.
///
/// # Errors
/// The certificate cannot be used.
pub fn visited(own: &Own, fits: Fits) -> Result<ServerConfig, Unusable> {
    let judge = move |certificate: &CertificateDer<'_>| {
        let shown = Shown::read(certificate).map_err(|_| CertificateError::BadEncoding)?;
        Ok(fits(&shown).map_err(|unfit| CertificateError::Other(OtherError(Arc::new(unfit))))?)
    };
    server(own, &[&TLS13, &TLS12], Box::new(judge))
}

fn server(own: &Own, versions: &[&'static SupportedProtocolVersion], judge: Judge) -> Result<ServerConfig, Unusable> {
    let provider = Arc::new(provider());
    let (chain, key) = own.pair();
    let unusable = |error: Error| Unusable::Pair(error.to_string());
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(unusable)?
        .with_client_cert_verifier(Arc::new(Registered { provider, judge }))
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    // Whoever comes again shows again who they are.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// Whether somebody with this certificate is who was meant, or may come.
type Judge = Box<dyn Fn(&CertificateDer<'_>) -> Result<(), Error> + Send + Sync>;

fn by_pin(known: Known) -> Judge {
    Box::new(move |certificate| {
        let pin = pin_of(certificate)?;
        if known(pin) { Ok(()) } else { Err(CertificateError::Other(OtherError(Arc::new(UnknownKey(pin)))).into()) }
    })
}

/// Believes a certificate by what the registry says of it, and by the signature that shows that the peer has the key.
struct Registered {
    provider: Arc<CryptoProvider>,
    judge: Judge,
}

/// What was signed, by whose key, and how.
type Signed<'a> = (&'a [u8], &'a CertificateDer<'a>, &'a DigitallySignedStruct);

impl Registered {
    fn has_signed_12(&self, (message, certificate, signature): Signed<'_>) -> Result<HandshakeSignatureValid, Error> {
        is_advertised(signature)?;
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn has_signed_13(&self, (message, certificate, signature): Signed<'_>) -> Result<HandshakeSignatureValid, Error> {
        is_advertised(signature)?;
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }
}

fn is_advertised(signature: &DigitallySignedStruct) -> Result<(), Error> {
    if SCHEMES.contains(&signature.scheme) {
        return Ok(());
    }
    Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the members of the registry")
    }
}

impl ClientCertVerifier for Registered {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        (self.judge)(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_signed_12((message, certificate, signature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_signed_13((message, certificate, signature))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

impl ServerCertVerifier for Registered {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        (self.judge)(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_signed_12((message, certificate, signature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_signed_13((message, certificate, signature))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}
