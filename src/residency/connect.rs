//! Opens what is permitted.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::Residency;
use super::permit::Refused;
use super::processor::Purpose;

/// So long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(5);

/// No connection.
#[derive(Debug, thiserror::Error)]
pub enum CannotConnect {
    /// See [`Refused`].
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody answers there.
    #[error("{address}: {why}")]
    Silent {
        /// Where.
        address: SocketAddr,
        /// What the operating system says.
        why: std::io::Error,
    },
    /// Nothing came back in time.
    #[error("{address}: no answer within {seconds} s", seconds = PATIENCE.as_secs())]
    TooSlow {
        /// Where.
        address: SocketAddr,
    },
}

impl Residency {
    /// A connection to an address; `host` is the name that led to it.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub async fn tcp(
        &self,
        purpose: Purpose,
        host: Option<&str>,
        address: SocketAddr,
    ) -> Result<TcpStream, CannotConnect> {
        self.permit(purpose, host, address.ip())?;
        #[allow(clippy::disallowed_methods, reason = "permitted above")]
        let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
        connected.map_err(|_| CannotConnect::TooSlow { address })?.map_err(|why| CannotConnect::Silent { address, why })
    }

    /// A socket that speaks with one address alone.
    ///
    /// # Errors
    /// It is refused, or there is no way there.
    pub async fn udp(
        &self,
        purpose: Purpose,
        host: Option<&str>,
        address: SocketAddr,
    ) -> Result<UdpSocket, CannotConnect> {
        self.permit(purpose, host, address.ip())?;
        let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
        #[allow(clippy::disallowed_methods, reason = "permitted above")]
        let connected = async {
            let socket = UdpSocket::bind((any, 0)).await?;
            socket.connect(address).await?;
            Ok(socket)
        };
        connected.await.map_err(|why| CannotConnect::Silent { address, why })
    }

    /// Those addresses of a name that may be used, in their order. The operating system looks them up, by its own servers.
    ///
    /// # Errors
    /// There is none, or none may be used.
    pub async fn resolve(&self, purpose: Purpose, host: &str, port: u16) -> Result<Vec<SocketAddr>, CannotConnect> {
        #[allow(clippy::disallowed_methods, reason = "what is found is checked below")]
        let found = timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
        let nowhere = SocketAddr::from(([0; 4], port));
        let found = found.map_err(|_| CannotConnect::TooSlow { address: nowhere })?;
        let found = found.map_err(|why| CannotConnect::Silent { address: nowhere, why })?;
        let mut refused = None;
        let mut permitted = Vec::new();
        for address in found {
            match self.permit(purpose, Some(host), address.ip()) {
                Ok(_) => permitted.push(address),
                Err(why) => refused = Some(why),
            }
        }
        match refused {
            Some(why) if permitted.is_empty() => Err(why.into()),
            Some(_) | None => Ok(permitted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_is_reached_and_elsewhere_is_refused_before_a_packet_leaves() {
        let residency = Residency::default();
        #[allow(clippy::disallowed_methods, reason = "somebody has to answer")]
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address");
        assert!(residency.tcp(Purpose::Smtp, None, here).await.is_ok());
        let there = "192.0.2.1:25".parse().expect("an address");
        let refused = residency.tcp(Purpose::Smtp, Some("mail.example"), there).await;
        assert!(matches!(refused, Err(CannotConnect::Refused(Refused::Undeclared { .. }))));
        let refused = residency.udp(Purpose::Ntp, None, there).await;
        assert!(matches!(refused, Err(CannotConnect::Refused(_))));
        let counts: Vec<(u64, u64)> =
            residency.sights().iter().map(|sight| (sight.count.permitted, sight.count.refused)).collect();
        assert_eq!(counts, [(1, 0), (0, 1), (0, 1)]);
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_looked_up_and_permitted() {
        let found = Residency::default().resolve(Purpose::Oidc, "localhost", 443).await.expect("found");
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
    }
}
