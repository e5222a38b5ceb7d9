//! Who may do what: the one place through which every request of the API goes. In: what a request shows of who sends it. Out:
//! whose it is and what they may do, or why not.
//!
//! A program shows a token, and has the rights of the configuration. A person shows a cookie, and has the rights of the role
//! that the account has now: what an administrator changes holds for the next request.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::oidc::Oidc;
use super::sign_in::Keeping;
use super::slow::Slow;
use super::{Gateway, clock};
use crate::account::{Account, Limits, Role, Sessions, Spent, Stage, Who};
use crate::config::{Accounts, TokenHash};
use crate::ivr::{Guard, GuardConfig, Suspicion};
use crate::records::Door;
use crate::store::{self, Revision};
use crate::web::{Call, Refusal, Secret, Shown};
use crate::words::{AccountName, Personal, Purpose, Right};

/// The folder of the store in which accounts are.
pub(super) const FOLDER: &str = "accounts/";

type Suspects = Guard<Personal<IpAddr>, AccountName>;

/// Who may come in, who is in, and who seems to guess.
pub(super) struct Access {
    pub(super) accounts: BTreeMap<AccountName, Known>,
    pub(super) sessions: Sessions,
    /// What was used up of second factors, also while the store is out.
    pub(super) spent: BTreeMap<AccountName, Spent>,
    /// Wrong tokens: who mistypes a password takes no program's access away.
    tokens: Guard<Personal<IpAddr>>,
    pub(super) passwords: Suspects,
    /// Wrong codes, by somebody who knows the password.
    pub(super) codes: Suspects,
    /// Accounts that are with the store.
    pub(super) keeping: BTreeMap<u64, Keeping>,
    pub(super) slow: Slow,
    /// The institution's own sign-in, if there is one.
    pub(super) oidc: Option<Oidc>,
}

/// An account, and when it was written.
pub(super) struct Known {
    pub(super) account: Account,
    pub(super) revision: Revision,
}

/// Whose request it is, and what they may do.
#[derive(Clone)]
pub(super) struct Bearer {
    /// As the audit calls them.
    pub(super) name: String,
    rights: Vec<Right>,
    /// The session on which it rests; a program has none.
    pub(super) cookie: Option<Secret>,
}

impl Bearer {
    pub(super) fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }
}

impl Access {
    pub(super) fn new(config: &Accounts, slow: Slow, oidc: Option<Oidc>) -> Self {
        let minutes = |minutes: u32| Duration::from_secs(60 * u64::from(minutes));
        let limits = Limits {
            idle: minutes(config.idle_minutes.get()),
            absolute: minutes(config.session_hours.get().saturating_mul(60)),
            ..Limits::default()
        };
        // Whoever guesses codes knows the password already: a code of six digits holds out for years, if each takes that long.
        let codes = GuardConfig {
            free: 5,
            longest_for_room: Duration::from_secs(15 * 60),
            forget_one: Duration::from_secs(3_600),
            ..GuardConfig::default()
        };
        Self {
            accounts: BTreeMap::new(),
            sessions: Sessions::new(limits),
            spent: BTreeMap::new(),
            tokens: Guard::new(GuardConfig::default()),
            passwords: Guard::new(GuardConfig::default()),
            codes: Guard::new(codes),
            keeping: BTreeMap::new(),
            slow,
            oidc,
        }
    }

    /// What somebody may be now; `None`, if their account is gone or closed.
    pub(super) fn role_of(&self, who: &Who) -> Option<Role> {
        match who {
            Who::Account(name) => {
                self.accounts.get(name).filter(|known| !known.account.disabled).map(|known| known.account.role)
            }
            Who::Guest { role, .. } => Some(*role),
        }
    }
}

impl Gateway {
    pub(super) fn on_call(&mut self, call: Call) {
        let Call { from, shown, wish, reply } = call;
        let allowed = self.bearer(&from, &shown).and_then(|by| {
            let wish = wish?;
            let needs = wish.needs();
            if by.may(needs) { Ok((by, wish)) } else { Err(Refusal::NeedsRight(needs)) }
        });
        match allowed {
            Ok((by, wish)) => self.grant(wish, by, reply),
            // Whoever asked is gone: nobody has to be told.
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    /// Whose request it is.
    fn bearer(&mut self, from: &Personal<IpAddr>, shown: &Shown) -> Result<Bearer, Refusal> {
        match (&shown.token, &shown.cookie) {
            (Some(token), _) => self.of_token(from, token.expose()),
            (None, Some(_)) => self.of_session(shown),
            (None, None) => Err(Refusal::WrongToken),
        }
    }

    /// Every known token is looked at, found or not.
    fn of_token(&mut self, from: &Personal<IpAddr>, shown: &str) -> Result<Bearer, Refusal> {
        let wait = self.access.tokens.closed_for(Some(&network(from)), None, clock::now());
        if !wait.is_zero() {
            return Err(Refusal::SlowDown(wait));
        }
        let shown = TokenHash::of(shown);
        let known =
            |found, token: &crate::config::Token| if token.hash.is(&shown) { Some(token.clone()) } else { found };
        let Some(token) = self.config.tokens.iter().fold(None, known) else {
            let suspicions = self.access.tokens.failed(Some(&network(from)), None, clock::now());
            self.note_guesses(from, &suspicions);
            return Err(Refusal::WrongToken);
        };
        Ok(Bearer { name: token.name.to_string(), rights: token.rights, cookie: None })
    }

    /// A wrong password came from there.
    pub(super) fn guessed_password(&mut self, from: &Personal<IpAddr>, name: Option<&AccountName>) -> Vec<Suspicion> {
        let suspicions = self.access.passwords.failed(Some(&network(from)), name, clock::now());
        self.note_guesses(from, &suspicions);
        suspicions
    }

    pub(super) fn note_guesses(&self, from: &Personal<IpAddr>, suspicions: &[Suspicion]) {
        for suspicion in suspicions {
            if let Suspicion::Caller { .. } = suspicion {
                tracing::warn!(?suspicion, "somebody seems to guess tokens or passwords");
                self.note_guess(Door::Api, Some(from.to_string()), None, *suspicion);
            }
        }
    }

    /// Who has signed in. The cookie counts only with what its own pages know, wherever something is to be changed: the door
    /// lets no such request in without.
    fn of_session(&mut self, shown: &Shown) -> Result<Bearer, Refusal> {
        let cookie = shown.cookie.as_ref().ok_or(Refusal::WrongToken)?;
        let session = self.access.sessions.find(cookie.expose(), clock::now()).map_err(|_| Refusal::WrongToken)?;
        if shown.csrf.as_ref().is_some_and(|csrf| !session.is_own(csrf.expose())) {
            return Err(Refusal::Foreign);
        }
        if session.stage != Stage::In {
            return Err(Refusal::WrongToken);
        }
        let who = session.who.clone();
        let role = self.access.role_of(&who).ok_or(Refusal::WrongToken)?;
        Ok(Bearer { name: who.to_string(), rights: role.rights().to_vec(), cookie: Some(cookie.clone()) })
    }

    /// Takes an account in. Who is closed out is signed out.
    pub(super) fn put_account(&mut self, entry: &store::Entry) {
        let Some(name) = account_of(&entry.key) else { return };
        match Account::from_kept(entry.value.as_bytes()) {
            Ok(account) => {
                if account.disabled {
                    self.access.sessions.close_all(name.as_str(), None);
                }
                self.access.accounts.insert(name, Known { account, revision: entry.revision });
            }
            Err(error) => tracing::error!(account = %name, %error, "an account is left out"),
        }
    }

    pub(super) fn drop_account(&mut self, key: &str) {
        let Some(name) = account_of(key) else { return };
        self.access.accounts.remove(&name);
        self.access.spent.remove(&name);
        self.access.sessions.close_all(name.as_str(), None);
    }
}

fn account_of(key: &str) -> Option<AccountName> {
    key.strip_prefix(FOLDER)?.parse().ok()
}

/// Who has one address of IPv6 has all of its network.
pub(super) fn network(address: &Personal<IpAddr>) -> Personal<IpAddr> {
    Personal::new(match address.reveal(Purpose::AbuseDefence) {
        IpAddr::V4(address) => IpAddr::V4(*address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    })
}
