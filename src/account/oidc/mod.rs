//! Sign-in by the institution's own system (OpenID Connect Core 1.0, the authorization code flow with PKCE of RFC 7636). In: random
//! bytes, what browsers come back with, claims and the time. Out: a [`Journey`] that has come to its end, and a role, or why
//! not. Pure: `oidc` asks the provider.
//!
//! A browser is sent there with three things drawn for this one journey: a state, which comes back with it; a nonce, which comes
//! back inside of what the provider signs; and the hash of a verifier, which only we know. It keeps a fourth, as a cookie, by
//! which it is known again. Each counts once, and for ten minutes.

mod callback;
mod journey;
mod roles;

pub use callback::{Answer, Callback, Garbled};
pub use journey::{Arrived, Bounds, Drawn, Journey, Journeys, OwnPath};
pub use roles::{Claims, Roles};

/// The address of ours to which the provider sends browsers back.
pub const CALLBACK: &str = "/api/v1/session/oidc/callback";

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// What the browser brought cannot be read.
    #[error("what the browser brought back cannot be read: {0}")]
    Garbled(Garbled),
    /// No such journey was begun here, or it has come to its end already.
    #[error("no sign-in with this state was begun here, or it was used already")]
    Unknown,
    /// It took too long.
    #[error("the sign-in took longer than ten minutes")]
    Expired,
    /// Another browser began it.
    #[error("another browser began this sign-in, or has begun another since")]
    OtherBrowser,
    /// Somebody else than the provider sent the browser back (RFC 9207).
    #[error("the answer does not name the provider that was asked")]
    OtherIssuer,
    /// The provider said no.
    #[error("the provider declined: {0}")]
    Declined(String),
    /// What the provider says of somebody does not hold.
    #[error("what the provider says does not hold: {0}")]
    Untrusted(String),
    /// The provider does not answer, or with nothing that makes sense.
    #[error("{0}")]
    Unreachable(String),
    /// Nothing may be sent to where the provider is.
    #[error("{0}")]
    NotPermitted(String),
    /// Somebody is known there, and has no role here.
    #[error("none of the groups has a role here")]
    NoRole,
    /// Too much at once, or too often in vain.
    #[error("too much at once")]
    Busy,
}

impl Stopped {
    /// As the audit and the pages write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Garbled(_) => "garbled",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::OtherBrowser => "otherBrowser",
            Self::OtherIssuer => "otherIssuer",
            Self::Declined(_) => "declined",
            Self::Untrusted(_) => "untrusted",
            Self::Unreachable(_) => "unreachable",
            Self::NotPermitted(_) => "notPermitted",
            Self::NoRole => "noRole",
            Self::Busy => "busy",
        }
    }
}
