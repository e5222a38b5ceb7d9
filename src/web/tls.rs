//! The door's certificate.

use std::net::SocketAddr;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;

use super::Config;
use crate::tls::{self, Certificate};

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
    /// See [`tls::Unusable`].
    #[error(transparent)]
    Certificate(#[from] tls::Unusable),
}

pub(super) fn keys(config: &Config) -> Result<RustlsConfig, CannotServe> {
    let certificate = match &config.certificate {
        Some((certificate, key)) => Certificate::Files { certificate: certificate.clone(), key: key.clone() },
        None => Certificate::Made { names: names(config) },
    };
    let mut server = tls::server(&certificate)?;
    // WebSockets over HTTP/2 need more than browsers' pages do here.
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(server)))
}

/// The names by which this machine can be called here.
fn names(config: &Config) -> Vec<String> {
    config.listen.iter().map(|address| address.ip().to_string()).chain([String::from("localhost")]).collect()
}
