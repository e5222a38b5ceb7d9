//! Sign-in by the institution's own system: from a browser that sets out, to one that is back, to a session. The provider is asked
//! where nobody waits; what comes of it is a [`Proof`]. Who fails is noted, and who fails often is answered slower and slower.

use std::net::IpAddr;
use std::sync::Arc;

use super::access::network;
use super::chance::random;
use super::sign_in::{Reply, fresh};
use super::slow::{Proof, Slow};
use super::{CannotStart, Gateway, clock};
use crate::account::oidc::{Bounds, Callback, Drawn, Garbled, Journeys, OwnPath, Roles, Stopped};
use crate::account::{Stage, Who};
use crate::ivr::{Guard, GuardConfig};
use crate::names::Names;
use crate::oidc::{self, Led, Person, Provider};
use crate::records::Deed;
use crate::web::session::Done;
use crate::web::{Refusal, Shown};
use crate::words::{AccountName, Personal, Secret};

/// How people come in by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whom to ask.
    pub provider: oidc::Config,
    /// Which group has which role.
    pub roles: Roles,
    /// The claim with the groups.
    pub claim: String,
    /// The claim with the name.
    pub name: String,
    /// What the institution calls it.
    pub button: String,
}

/// Who asks, and who is on the way.
pub(super) struct Oidc {
    provider: Arc<Provider>,
    roles: Roles,
    claim: String,
    name: String,
    issuer: String,
    journeys: Journeys,
    guard: Guard<Personal<IpAddr>, AccountName>,
    slow: Slow,
}

/// People begin anew, and their provider may be down: so many failures cost nothing.
const FREE: u32 = 20;

impl Oidc {
    pub(super) fn new(config: Config, names: Names, slow: Slow) -> Result<Self, CannotStart> {
        let Config { provider, roles, claim, name, .. } = config;
        let issuer = provider.issuer.as_str().to_owned();
        let provider = Arc::new(Provider::new(provider, names)?);
        let guard = Guard::new(GuardConfig { free: FREE, ..GuardConfig::default() });
        Ok(Self { provider, roles, claim, name, issuer, journeys: Journeys::new(Bounds::default()), guard, slow })
    }

    /// Whom to ask, if this network may, now.
    fn ready(&self, from: &Personal<IpAddr>) -> Result<Arc<Provider>, Stopped> {
        let wait = self.guard.closed_for(Some(&network(from)), None, clock::now());
        if !wait.is_zero() || !self.slow.has_place() {
            return Err(Stopped::Busy);
        }
        Ok(Arc::clone(&self.provider))
    }
}

impl Gateway {
    /// A browser is to be sent to the provider.
    pub(super) fn departs(&mut self, from: Personal<IpAddr>, to: OwnPath, reply: Reply) {
        let Some(oidc) = &self.access.oidc else { return drop(reply.send(Err(Refusal::NoAddress))) };
        let bytes: Result<Vec<[u8; 32]>, _> = std::iter::repeat_with(random).take(4).collect();
        let drawn = bytes.ok().and_then(|bytes| <[[u8; 32]; 4]>::try_from(bytes).ok()).map(Drawn::new);
        let (provider, drawn) = match (oidc.ready(&from), drawn) {
            (Ok(provider), Some(drawn)) => (provider, drawn),
            (Err(why), _) => return drop(reply.send(Ok(self.stopped(&from, &why)))),
            (Ok(_), None) => return drop(reply.send(Err(Refusal::Busy))),
        };
        let now = clock::now();
        oidc.slow.run(move || {
            let led = provider.lead(&drawn, now);
            Proof::Led { from, drawn, to, led, reply }
        });
    }

    /// The provider is known: the browser goes there.
    pub(super) fn led(
        &mut self,
        from: &Personal<IpAddr>,
        drawn: &Drawn,
        to: OwnPath,
        led: Result<Led, Stopped>,
    ) -> Result<Done, Refusal> {
        let led = match led {
            Ok(led) => led,
            Err(why) => return Ok(self.stopped(from, &why)),
        };
        let oidc = self.access.oidc.as_mut().ok_or(Refusal::NoAddress)?;
        oidc.journeys.begin(drawn, to, network(from), led.names_issuer, clock::now());
        let lasts = oidc.journeys.bounds().lasts;
        Ok(Done::Departs { to: led.to, browser: drawn.browser.clone(), lasts })
    }

    /// A browser is back.
    pub(super) fn returns(
        &mut self,
        from: Personal<IpAddr>,
        shown: Shown,
        callback: Result<Callback, Garbled>,
        reply: Reply,
    ) {
        let now = clock::now();
        let Some(oidc) = &mut self.access.oidc else { return drop(reply.send(Err(Refusal::NoAddress))) };
        let browser = shown.journey.as_ref().map(|browser| browser.expose());
        let arrived = oidc.ready(&from).and_then(|provider| {
            let callback = callback.map_err(Stopped::Garbled)?;
            Ok((oidc.journeys.end(callback, browser, &oidc.issuer, now)?, provider))
        });
        match arrived {
            Err(why) => drop(reply.send(Ok(self.stopped(&from, &why)))),
            Ok((arrived, provider)) => oidc.slow.run(move || {
                let person = provider.redeem(&arrived, now);
                Proof::Redeemed { from, before: shown.cookie, to: arrived.to, person, reply }
            }),
        }
    }

    /// The provider has said who somebody is. Whatever session the browser had before is over.
    pub(super) fn redeemed(
        &mut self,
        from: &Personal<IpAddr>,
        before: Option<&crate::web::Secret>,
        to: OwnPath,
        person: Result<Person, Stopped>,
    ) -> Result<Done, Refusal> {
        let Person { claims, proof } = match person {
            Ok(person) => person,
            Err(why) => return Ok(self.stopped(from, &why)),
        };
        let oidc = self.access.oidc.as_ref().ok_or(Refusal::NoAddress)?;
        let name = claims.name(&oidc.name);
        let Some(role) = oidc.roles.of(&claims.texts(&oidc.claim)) else {
            let account = format!("oidc:{name}");
            tracing::info!(account, "signed in elsewhere, and has no role here");
            let why = Stopped::NoRole.name();
            self.note(Deed::SignInFailed { account, why: why.to_owned() });
            return Ok(Done::Stopped(why));
        };
        if let Some(before) = before {
            self.access.sessions.close(before.expose());
        }
        let who = Who::Guest { name, role, proof };
        self.signed_in(&who.to_string(), "oidc");
        let opened = self.access.sessions.open(who, Stage::In, &fresh()?, clock::now());
        Ok(Done::Arrived { id: opened.id, to })
    }

    /// Where somebody is signed out there, too.
    pub(super) fn sign_out_at(&self, proof: &Secret) -> Option<String> {
        self.access.oidc.as_ref()?.provider.sign_out_at(proof)
    }

    /// Nobody is signed in, and it is noted why.
    fn stopped(&mut self, from: &Personal<IpAddr>, why: &Stopped) -> Done {
        let word = why.name();
        if *why == Stopped::Busy {
            return Done::Stopped(word);
        }
        tracing::warn!(why = word, "a sign-in by the institution's own system came to nothing: {why}");
        if let Some(oidc) = &mut self.access.oidc {
            let suspicions = oidc.guard.failed(Some(&network(from)), None, clock::now());
            self.note_guesses(from, &suspicions);
        }
        self.note(Deed::SignInStopped { why: word.to_owned(), told: why.to_string() });
        Done::Stopped(word)
    }
}
