//! The door's certificate.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Config;

/// The door does not open.
#[derive(Debug, thiserror::Error)]
pub enum CannotServe {
    /// Somebody else listens there, or it is not an address of this machine.
    #[error("{address} (HTTPS): {why}")]
    Address {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
    /// A file of `web.certificate` or `web.key`.
    #[error("{}: {why}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key do not fit together, or none could be made.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
}

pub(super) fn keys(config: &Config) -> Result<RustlsConfig, CannotServe> {
    let (chain, key) = match &config.certificate {
        Some((certificate, key)) => (read_chain(certificate)?, read_key(key)?),
        None => make(config)?,
    };
    let unusable = |error: rustls::Error| CannotServe::Certificate(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    // WebSockets over HTTP/2 need more than browsers' pages do here.
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(server)))
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_chain(file: &PathBuf) -> Result<Vec<CertificateDer<'static>>, CannotServe> {
    let fails = |why: rustls::pki_types::pem::Error| CannotServe::File { file: file.clone(), why: why.to_string() };
    CertificateDer::pem_file_iter(file).map_err(fails)?.collect::<Result<_, _>>().map_err(fails)
}

fn read_key(file: &PathBuf) -> Result<PrivateKeyDer<'static>, CannotServe> {
    PrivateKeyDer::from_pem_file(file).map_err(|why| CannotServe::File { file: file.clone(), why: why.to_string() })
}

/// A certificate of our own for the names by which this machine can be called here.
fn make(config: &Config) -> Result<Pair, CannotServe> {
    let names = config.listen.iter().map(|address| address.ip().to_string());
    let names: Vec<String> = names.chain([String::from("localhost")]).collect();
    let made =
        rcgen::generate_simple_self_signed(names).map_err(|error| CannotServe::Certificate(error.to_string()))?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|why| CannotServe::Certificate(why.to_owned()))?;
    Ok((vec![made.cert.der().clone()], key))
}
