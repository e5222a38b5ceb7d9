//! What a gateway is made with, and why one is not.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{MailConfig, OidcConfig, Place, PlanConfig, federation};
use crate::ivr::{self, Library};
use crate::links;
use crate::meeting::Book;
use crate::residency::{self, Residency};
use crate::room;
use crate::sip;
use crate::store;
use crate::web;
use crate::words::{Codec, Language};
use crate::workers;

/// How the gateway works.
#[derive(Clone, Debug)]
pub struct Config {
    /// The door for telephones.
    pub sip: sip::Config,
    /// How long calls may last once we are asked to stop.
    pub grace: Duration,
    /// The door for browsers.
    pub web: web::Config,
    /// Where browsers' media reaches us, if that is not where we listen for it.
    pub public: Vec<std::net::IpAddr>,
    /// The media thread.
    pub media: workers::Config,
    /// The codecs, the best first.
    pub codecs: Vec<Codec>,
    /// The language of the menu.
    pub language: Language,
    /// The menu.
    pub menu: ivr::Config,
    /// What callers hear.
    pub library: Library,
    /// What calls are for, and how that changes.
    pub dialplan: PlanConfig,
    /// The institution's time.
    pub zone: jiff::tz::TimeZone,
    /// What meetings hear when somebody comes or goes, unless they say themselves.
    pub announce: room::Announce,
    /// The meetings of the file.
    pub book: Book,
    /// The federation that we belong to.
    pub federation: Option<federation::Config>,
    /// Where something may be sent.
    pub residency: Residency,
    /// What the configuration says of that beside the processors, for the record of processing.
    pub sends: residency::Basis,
    /// Where it is kept what has to outlive a restart.
    pub place: Place,
    /// Days after which an entry of the audit is deleted.
    pub keep_days: NonZeroU32,
    /// How long accounts and sessions last.
    pub accounts: crate::config::Accounts,
    /// The institution's own sign-in.
    pub oidc: Option<OidcConfig>,
    /// Relays for browsers.
    pub relays: Option<crate::connection::Relays>,
    /// Invitations by mail.
    pub mail: Option<MailConfig>,
    /// Days after which the record of a call is deleted.
    pub calls_keep_days: NonZeroU32,
    /// Who may use the API.
    pub tokens: Vec<crate::config::Token>,
    /// The most meetings for which more may be made by API.
    pub most_meetings: usize,
}

/// The gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// See [`sip::CannotOpen`].
    #[error(transparent)]
    Sip(#[from] sip::CannotOpen),
    /// See [`web::CannotServe`].
    #[error(transparent)]
    Web(#[from] web::CannotServe),
    /// See [`crate::connection::CannotBegin`].
    #[error(transparent)]
    Browsers(#[from] crate::connection::CannotBegin),
    /// See [`links::CannotOpen`].
    #[error(transparent)]
    Links(#[from] links::CannotOpen),
    /// See [`store::CannotOpen`].
    #[error(transparent)]
    Store(#[from] store::CannotOpen),
    /// See [`crate::oidc::CannotAsk`].
    #[error(transparent)]
    Oidc(#[from] crate::oidc::CannotAsk),
    /// See [`crate::tls::Unusable`].
    #[error(transparent)]
    Mail(#[from] crate::tls::Unusable),
    /// No media thread.
    #[error("the media thread did not start: {0}")]
    Media(#[from] std::io::Error),
}
