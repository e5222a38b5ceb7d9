//! The systems of other institutions, which call us by SIP over mutual TLS (RFC 5922, docs/federation.md). In: connections at addresses
//! of their own, and the registry. Out: whose system is at the other end of each, or why it is refused.
//!
//! Who shows no certificate, or one that is no member's, is refused while TLS is agreed on. What was true then is asked again with
//! each message: the registry may be another, a key's time may be over.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use rustls::{CertificateError, ServerConfig, ServerConnection};
use tokio::sync::mpsc;

use super::{Event, clock};
use crate::member::{Domain, Registry, Shown, Unfit};
use crate::observe::Observed;
use crate::tls::{self, Own};
use crate::wire::METHODS;
use crate::words::{Personal, Sieve};

/// How other institutions' systems may call.
#[derive(Debug)]
pub struct Joining {
    /// Where they are listened to, and nobody else.
    pub listen: Vec<SocketAddr>,
    /// The certificate that they are shown.
    pub own: Own,
    /// Who is a member.
    pub registry: Option<Arc<Registry>>,
}

/// Somebody was refused at these addresses, before there was a call.
#[derive(Debug)]
pub struct Refused {
    /// Where it came from.
    pub address: Personal<IpAddr>,
    /// Whose key it has, if it is a member's.
    pub member: Option<Domain>,
    /// Why.
    pub why: Why,
    /// So many others were refused before it, and not told.
    pub untold: u64,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No address of a member that may join so.
    #[error("the address is in the networks of no member that may join by SIP")]
    UnlistedAddress,
    /// No TLS as we speak it.
    #[error("no TLS as it has to be: {0}")]
    NoTls(String),
    /// It does not say who it is.
    #[error("it shows no certificate")]
    NoCertificate,
    /// Not a member's system, or not any more.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Two connections that nobody could tell apart.
    #[error("it has a connection from the same address and port already")]
    Twice,
    /// What somebody who takes part has no need of.
    #[error("it sends {0}, and may only call")]
    Method(String),
}

impl Why {
    /// The word of each.
    pub const WORDS: [&str; 9] = [
        "unlisted-address",
        "no-tls",
        "no-certificate",
        "unknown-key",
        "not-by-sip",
        "other-identity",
        "other-network",
        "twice",
        "method",
    ];

    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnlistedAddress => "unlisted-address",
            Self::NoTls(_) => "no-tls",
            Self::NoCertificate => "no-certificate",
            Self::Unfit(unfit) => unfit.word(),
            Self::Twice => "twice",
            Self::Method(_) => "method",
        }
    }

    const fn member(&self) -> Option<&Domain> {
        match self {
            Self::Unfit(unfit) => unfit.member(),
            Self::UnlistedAddress | Self::NoTls(_) | Self::NoCertificate | Self::Twice | Self::Method(_) => None,
        }
    }

    /// What TLS says of a handshake that failed.
    fn of_tls(error: &std::io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => {
                let unfit = other.0.downcast_ref::<Unfit>().cloned();
                unfit.map_or_else(|| Self::NoTls(error.to_string()), Self::Unfit)
            }
            Some(_) | None => Self::NoTls(error.to_string()),
        }
    }
}

/// Shared by all their connections.
#[derive(Clone)]
pub(super) struct Members(Arc<Inner>);

struct Inner {
    registry: RwLock<Option<Arc<Registry>>>,
    /// What was shown on each connection, by its other end.
    open: DashMap<SocketAddr, Shown>,
    sieve: Mutex<Sieve>,
    observed: Observed,
    events: mpsc::Sender<Event>,
}

impl Members {
    pub fn new(registry: Option<Arc<Registry>>, observed: Observed, events: mpsc::Sender<Event>) -> Self {
        observed.visit_refusals(&Why::WORDS);
        let (registry, sieve) = (RwLock::new(registry), Mutex::new(Sieve::new(clock::now())));
        Self(Arc::new(Inner { registry, open: DashMap::new(), sieve, observed, events }))
    }

    /// Another registry counts from now on.
    pub fn replace(&self, registry: Arc<Registry>) {
        *self.0.registry.write().unwrap_or_else(PoisonError::into_inner) = Some(registry);
    }

    /// What both sides of TLS agree on here.
    pub fn encryption(&self, own: &Own) -> Result<ServerConfig, tls::Unusable> {
        let members = self.clone();
        tls::visited(own, Arc::new(move |shown| members.registry().shown_by(shown).map(drop)))
    }

    /// Whether somebody may be at this address at all.
    pub fn is_listed(&self, address: IpAddr) -> bool {
        self.registry().lists(address)
    }

    /// Whose system has agreed on TLS with us. Refused, if it is none.
    pub fn takes(&self, peer: SocketAddr, session: &ServerConnection) -> Option<Visit> {
        self.visit(peer, session).map_err(|why| self.refuse(peer.ip(), None, why)).ok()
    }

    fn visit(&self, peer: SocketAddr, session: &ServerConnection) -> Result<Visit, Why> {
        let first = session.peer_certificates().and_then(|chain| chain.first()).ok_or(Why::NoCertificate)?;
        let shown = Shown::read(first).map_err(|error| Why::NoTls(error.to_string()))?;
        self.registry().calls_from(&shown, peer.ip())?;
        match self.0.open.entry(peer) {
            // A call is its member's by the address from which it came: no two may come from the same.
            Entry::Occupied(_) => Err(Why::Twice),
            Entry::Vacant(place) => {
                place.insert(shown.clone());
                Ok(Visit { members: self.clone(), peer, shown })
            }
        }
    }

    /// What whoever is at the other end of this connection has shown, and whose system it is now.
    pub fn whose(&self, peer: SocketAddr) -> Option<(Domain, Shown)> {
        let shown = self.0.open.get(&peer).map(|shown| shown.clone())?;
        let member = self.registry().calls_from(&shown, peer.ip()).ok()?;
        Some((member, shown))
    }

    /// What became of a handshake that failed.
    pub fn agrees_not(&self, address: IpAddr, error: &std::io::Error) {
        self.refuse(address, None, Why::of_tls(error));
    }

    /// Counts it, and tells the gateway now and then. Whoever is refused never makes anybody wait.
    pub fn refuse(&self, address: IpAddr, member: Option<Domain>, why: Why) {
        self.0.observed.visit_refused(why.word());
        let address = address.to_canonical();
        let mut sieve = self.0.sieve.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(untold) = sieve.lets_through(why.word(), Some(address), clock::now()) {
            let member = member.or_else(|| why.member().cloned());
            let refused = Refused { address: Personal::new(address), member, why, untold };
            drop(self.0.events.try_send(Event::MemberRefused(Box::new(refused))));
        }
    }

    fn registry(&self) -> Held {
        Held(self.0.registry.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// The registry at this moment.
struct Held(Option<Arc<Registry>>);

impl Held {
    fn lists(&self, address: IpAddr) -> bool {
        let now = clock::moment();
        let mut members = self.0.iter().flat_map(|registry| registry.members(now)).filter(|member| member.sip);
        members.any(|member| member.is_at(address))
    }

    fn shown_by(&self, shown: &Shown) -> Result<Domain, Unfit> {
        let registry = self.0.as_ref().ok_or(Unfit::UnknownKey(shown.key))?;
        registry.shown_by(shown, clock::moment()).map(|member| member.domain.clone())
    }

    fn calls_from(&self, shown: &Shown, address: IpAddr) -> Result<Domain, Unfit> {
        let registry = self.0.as_ref().ok_or(Unfit::UnknownKey(shown.key))?;
        registry.calls_from(shown, address, clock::moment()).map(|member| member.domain.clone())
    }
}

/// A connection of a member's system; its place is free again when this is dropped.
pub(super) struct Visit {
    members: Members,
    peer: SocketAddr,
    shown: Shown,
}

impl Visit {
    /// Whether a message goes on. An answer does, whoever is a member still: what it answers is our farewell.
    pub fn lets_in(&self, message: &[u8]) -> bool {
        let Some(method) = method_of(message) else { return true };
        match self.members.registry().calls_from(&self.shown, self.peer.ip()) {
            Err(unfit) => {
                self.members.refuse(self.peer.ip(), None, unfit.into());
                false
            }
            Ok(member) => {
                // It is told so by whoever answers it.
                if !METHODS.split(", ").any(|known| known == method) {
                    self.members.refuse(self.peer.ip(), Some(member), Why::Method(method.to_owned()));
                }
                true
            }
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.members.0.open.remove(&self.peer);
    }
}

/// Of a request; none of an answer, and of what is no message.
fn method_of(message: &[u8]) -> Option<&str> {
    let word = message.trim_ascii_start().split(|byte| byte.is_ascii_whitespace()).next()?;
    let word = std::str::from_utf8(word).ok()?;
    let is_token = (1..=16).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_token.then_some(word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_request_has_a_method_and_an_answer_has_none() {
        assert_eq!(method_of(b"REFER sip:rat@stadt-a.example SIP/2.0\r\n"), Some("REFER"));
        assert_eq!(method_of(b"\r\nINVITE sip:rat@stadt-a.example SIP/2.0\r\n"), Some("INVITE"));
        assert_eq!(method_of(b"SIP/2.0 200 OK\r\n"), None);
        assert_eq!(method_of(b"\xff\xfe"), None);
    }

    #[test]
    fn each_reason_has_a_word_of_its_own() {
        let of: Domain = "stadt-c.example".parse().expect("a domain");
        let key = crate::member::Spki::of(b"key");
        let every = [
            Why::UnlistedAddress,
            Why::NoTls(String::new()),
            Why::NoCertificate,
            Unfit::UnknownKey(key).into(),
            Unfit::NotBySip(of.clone()).into(),
            Unfit::OtherIdentity { of: of.clone(), shown: Vec::new() }.into(),
            Unfit::OtherNetwork(of).into(),
            Why::Twice,
            Why::Method(String::new()),
        ];
        let words: BTreeSet<_> = every.iter().map(Why::word).collect();
        assert_eq!(words, BTreeSet::from(Why::WORDS));
    }
}
