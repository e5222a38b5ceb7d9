//! Hands letters to the institution's mail server (submission, RFC 6409; TLS from the first byte or by STARTTLS, RFC 8314). In: a
//! letter and those who get it. Out: what became of it for each.
//!
//! The server is looked up here, and only an address that `residency` permits for mail is connected to; nothing but a greeting is
//! said before TLS has proved who it is. Each person gets a letter of their own: nobody sees who else is invited.

mod letter;
mod opening;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::{Error, response};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::names::Names;
use crate::post::{Addressee, Tried, Trouble};
use crate::tls::{self, Unusable};
use crate::words::{MailAddress, Personal, Purpose, Secret};

pub use letter::Letter;

/// Whom to hand mail to, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The server: a name, or an address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How it is protected.
    pub security: Security,
    /// Who we are to it; nobody, if it knows us by our address.
    pub account: Option<(String, Secret)>,
    /// Who sends.
    pub from: Sender,
    /// The authorities that vouch for it, as a PEM file; those of this machine, if none is named.
    pub ca: Option<PathBuf>,
}

/// When TLS begins. Without it nothing is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// At once.
    #[default]
    Tls,
    /// After a greeting.
    StartTls,
}

impl Security {
    /// Where such servers usually are (RFC 8314 section 3.3, RFC 6409 section 3.1).
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
        }
    }
}

/// Who sends: `Stadt A <einwahl@stadt-a.example>`, or the address alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    mailbox: Mailbox,
    address: MailAddress,
}

/// Nobody who could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no sender: write Stadt A <einwahl@stadt-a.example>, or the address alone")]
pub struct InvalidSender;

impl Sender {
    /// Their address.
    pub const fn address(&self) -> &MailAddress {
        &self.address
    }
}

impl FromStr for Sender {
    type Err = InvalidSender;

    fn from_str(text: &str) -> Result<Self, InvalidSender> {
        let mailbox: Mailbox = text.parse().map_err(|_| InvalidSender)?;
        let address = mailbox.email.to_string().parse().map_err(|_| InvalidSender)?;
        if text.contains(char::is_control) { Err(InvalidSender) } else { Ok(Self { mailbox, address }) }
    }
}

/// The way to a mail server.
#[derive(Clone)]
pub struct Mailer {
    config: Config,
    names: Names,
    tls: TlsConnector,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail by {}", self.config.server)
    }
}

/// To open a connection, and for each letter.
const PATIENCE: Duration = Duration::from_secs(10);

/// For all letters together: who invites waits for it.
const WHOLE: Duration = Duration::from_secs(45);

impl Mailer {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// The authorities cannot be used.
    pub fn new(config: Config, names: Names) -> Result<Self, Unusable> {
        let tls = TlsConnector::from(std::sync::Arc::new(tls::client(config.ca.as_deref())?));
        Ok(Self { config, names, tls })
    }

    /// Who sends.
    pub const fn from(&self) -> &Sender {
        &self.config.from
    }

    /// Hands it over for each of these, and says what became of each.
    pub async fn deliver(&self, letter: &Letter, to: &[Addressee]) -> Vec<(usize, Tried)> {
        let mut done = Vec::with_capacity(to.len());
        let all = async {
            let opened = timeout(PATIENCE, self.enter()).await.unwrap_or_else(|_| Err(Tried::Later(silent())));
            let mut opened = opened?;
            for (place, address) in to {
                let handed = timeout(PATIENCE, self.hand_over(&mut opened, letter, address)).await;
                let tried = handed.unwrap_or_else(|_| Err(Tried::Later(silent())))?;
                done.push((*place, tried));
            }
            // It has taken all: how it says good-bye does not matter.
            drop(timeout(PATIENCE, opened.quit()).await);
            Ok(())
        };
        let ended = timeout(WHOLE, all).await.unwrap_or_else(|_| Err(Tried::Later(silent())));
        // Whoever is left meets what has ended it.
        if let Err(tried) = ended {
            let left: Vec<_> = to.iter().skip(done.len()).map(|(place, _)| (*place, tried.clone())).collect();
            done.extend(left);
        }
        done
    }

    /// A connection on which letters are taken.
    async fn enter(&self) -> Result<AsyncSmtpConnection, Tried> {
        let opened = opening::open(&self.config, &self.names, &self.tls).await?;
        let hello = opened.hello();
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(opened), &hello)
            .await
            .map_err(|why| of_error(&why))?;
        if let Some((user, password)) = &self.config.account {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            let asked = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            asked.map_err(|why| match code(&why) {
                Some(code) if why.is_permanent() => Tried::Never(Trouble::NotLetIn { code }),
                Some(_) => of_error(&why),
                // It offers no way to show a password, or breaks off.
                None if why.is_client() => Tried::Never(Trouble::NotLetIn { code: NO_AUTH }),
                None => of_error(&why),
            })?;
        }
        Ok(connection)
    }

    /// One letter. `Err` is what ends the connection.
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        letter: &Letter,
        to: &Personal<MailAddress>,
    ) -> Result<Tried, Tried> {
        let to = to.reveal(Purpose::Invitation);
        let Some((envelope, bytes)) = letter.written(&self.config.from, to) else {
            return Ok(Tried::Never(Trouble::Declined { code: NOT_WRITTEN, told: String::from("no such mailbox") }));
        };
        let asked = async {
            connection.command(Mail::new(envelope.from().cloned(), Vec::new())).await?;
            for to in envelope.to() {
                connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
            }
            connection.command(Data).await?;
            connection.message(&bytes).await
        };
        let Err(why) = asked.await else { return Ok(Tried::Taken) };
        if code(&why).is_none() {
            return Err(of_error(&why));
        }
        // The server has said no, and is there for the next.
        match connection.command(Rset).await {
            Ok(_) => Ok(of_error(&why)),
            Err(_) => Err(of_error(&why)),
        }
    }
}

/// RFC 4954 section 6: what a server would say that has no mechanism of ours.
const NO_AUTH: u16 = 504;

/// RFC 5321 section 4.2.2: a mailbox whose name is not allowed.
const NOT_WRITTEN: u16 = 553;

fn silent() -> Trouble {
    Trouble::Unreachable(String::from("it takes too long"))
}

fn code(error: &Error) -> Option<u16> {
    error.status().map(|code: response::Code| u16::from(code))
}

fn of_error(error: &Error) -> Tried {
    let told = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    match code(error) {
        Some(code) if error.is_permanent() => Tried::Never(Trouble::Declined { code, told }),
        Some(code) => Tried::Later(Trouble::Declined { code, told }),
        None => Tried::Later(Trouble::Unreachable(told)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_name_with_an_address_or_an_address() {
        for good in
            ["Stadt A <einwahl@stadt-a.example>", "einwahl@stadt-a.example", "\"Stadt, A\" <einwahl@stadt-a.example>"]
        {
            let sender: Sender = good.parse().expect(good);
            assert_eq!(sender.address().as_str(), "einwahl@stadt-a.example");
        }
        for bad in ["", "Stadt A", "a@b", "A <a@stadt.example>, B <b@stadt.example>", "A\r\nBcc: x <a@stadt.example>"] {
            assert!(bad.parse::<Sender>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_port_follows_from_how_it_is_protected() {
        assert_eq!((Security::Tls.port(), Security::StartTls.port()), (465, 587));
    }
}
