//! TLS for the doors, and for whom we call or ask: certificates, and what is agreed on. In: PEM files, or the names to make a
//! certificate for. Out: what a listener or a caller needs. TLS 1.2 with forward secrecy, or TLS 1.3, with the ciphers and curves of BSI TR-02102-2.

mod own;
mod pinned;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore, ServerConfig};

pub use own::{Own, pin_of};
pub use pinned::{Fits, Known, UnknownKey, caller, taker, visited};

/// Whose certificate a door shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// PEM files: the certificate with its chain, and its key.
    Files {
        /// The certificate with its chain.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// One of our own, made at each start: good for trying out.
    Made {
        /// The names and addresses it is for.
        names: Vec<String>,
    },
}

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A file of it.
    #[error("{}: {why}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key do not fit together, or none could be made.
    #[error("the certificate cannot be used: {0}")]
    Pair(String),
}

/// What a door offers.
///
/// # Errors
/// The certificate cannot be used.
pub fn server(certificate: &Certificate) -> Result<ServerConfig, Unusable> {
    let (chain, key) = match certificate {
        Certificate::Files { certificate, key } => (read_chain(certificate)?, read_key(key)?),
        Certificate::Made { names } => make(names)?,
    };
    let unusable = |error: rustls::Error| Unusable::Pair(error.to_string());
    ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)
}

/// What we ask for where we call: the same, and a certificate for which somebody vouches whom we trust: the authorities in `ca`,
/// or those of this machine.
///
/// # Errors
/// The file cannot be used, or this machine knows no authority.
pub fn client(ca: Option<&Path>) -> Result<ClientConfig, Unusable> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities(ca)?);
    let unusable = |error: rustls::Error| Unusable::Pair(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(unusable)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The same for who asks over HTTPS.
///
/// # Errors
/// The file cannot be used, or this machine knows no authority.
pub fn asking(ca: Option<&Path>) -> Result<ureq::tls::TlsConfig, Unusable> {
    let known = authorities(ca)?;
    let roots = known.iter().map(|known| ureq::tls::Certificate::from_der(known).to_owned());
    Ok(ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(Arc::new(provider()))
        .build())
}

/// Those whom we trust; at least one of them can be used.
fn authorities(ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let usual = AUTHORITIES.iter().map(Path::new).find(|file| file.exists());
    let file = ca.or(usual).ok_or_else(|| Unusable::Pair(String::from(NO_AUTHORITIES)))?;
    let known = read_chain(file)?;
    let (taken, _) = RootCertStore::empty().add_parsable_certificates(known.iter().cloned());
    if taken == 0 {
        let why = String::from("no certificate of an authority is in it");
        return Err(Unusable::File { file: file.to_owned(), why });
    }
    Ok(known)
}

/// Where distributions keep the authorities that a machine trusts.
const AUTHORITIES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

const NO_AUTHORITIES: &str =
    "this machine knows no certificate authority: install the package ca-certificates, or name the file in ca";

/// The suites of TR-02102-2 among those that there are, all with forward secrecy, and its curves.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| {
        matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_256_GCM_SHA384
                | CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        )
    });
    provider.kx_groups.retain(|group| matches!(group.name(), NamedGroup::secp256r1 | NamedGroup::secp384r1));
    provider
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let fails = |why: rustls::pki_types::pem::Error| Unusable::File { file: file.to_owned(), why: why.to_string() };
    CertificateDer::pem_file_iter(file).map_err(fails)?.collect::<Result<_, _>>().map_err(fails)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, Unusable> {
    PrivateKeyDer::from_pem_file(file).map_err(|why| Unusable::File { file: file.to_owned(), why: why.to_string() })
}

fn make(names: &[String]) -> Result<Pair, Unusable> {
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| Unusable::Pair(error.to_string()))?;
    let key =
        PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(|why| Unusable::Pair(why.to_owned()))?;
    Ok((vec![made.cert.der().clone()], key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_federal_office_recommends_is_offered() {
        let made = server(&Certificate::Made { names: vec![String::from("localhost")] }).expect("a certificate");
        let suites: Vec<_> =
            made.crypto_provider().cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
        assert_eq!(suites.len(), 6, "{suites:?}");
        assert!(suites.iter().all(|suite| suite.contains("GCM") && !suite.contains("TLS_RSA")), "{suites:?}");
        assert_eq!(made.crypto_provider().kx_groups.len(), 2);
    }

    #[test]
    fn a_caller_trusts_the_authorities_of_a_file_and_no_empty_one() {
        let folder = std::env::temp_dir().join(format!("einwahl-ca-{}.pem", std::process::id()));
        let made = rcgen::generate_simple_self_signed(vec![String::from("ca")]).expect("a certificate");
        std::fs::write(&folder, made.cert.pem()).expect("a file");
        assert!(client(Some(&folder)).is_ok());
        std::fs::write(&folder, "nothing").expect("a file");
        let error = client(Some(&folder)).expect_err("unusable").to_string();
        assert!(error.contains("no certificate of an authority"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let missing = Certificate::Files { certificate: "/nowhere/cert.pem".into(), key: "/nowhere/key.pem".into() };
        assert!(server(&missing).expect_err("unusable").to_string().contains("/nowhere/cert.pem"));
    }
}
