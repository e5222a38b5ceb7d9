//! Who is signed in, or about to be. In: cookies, random bytes and the time. Out: the session that a cookie stands for. Only
//! the hash of an identifier is kept: who reads our memory or a dump of it cannot be somebody else. The table is bounded: to be
//! in it takes a right password, and of one account the oldest session makes place.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{Role, Stage};
use crate::words::{AccountName, Secret};

/// How long sessions last, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Without a request for so long, it is over.
    pub idle: Duration,
    /// After so long, it is over.
    pub absolute: Duration,
    /// Whoever is not signed in after so long begins again.
    pub entering: Duration,
    /// So many of one account.
    pub most_of_one: usize,
    /// So many in all.
    pub most: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3_600),
            entering: Duration::from_secs(10 * 60),
            most_of_one: 8,
            most: 1_000,
        }
    }
}

/// 256 random bits, as text: an identifier, or what proves that a request is a page's own. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Of random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The text, for who is told it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token")
    }
}

/// Random bytes for a session: what it is called from now on, and what its page shows.
pub struct Fresh {
    /// For the identifier.
    pub id: [u8; 32],
    /// For the token against requests of other sites' pages.
    pub csrf: [u8; 32],
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody with an account; what it may do is looked up each time.
    Account(AccountName),
    /// Somebody whom the institution's own sign-in has sent.
    Guest {
        /// What that calls them.
        name: String,
        /// What that says they may do.
        role: Role,
        /// What it said of them, by which it knows whom to sign out there, too.
        proof: Secret,
    },
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => write!(f, "{name}"),
            Self::Guest { name, .. } => write!(f, "oidc:{name}"),
        }
    }
}

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose.
    pub who: Who,
    /// How far it is.
    pub stage: Stage,
    csrf: Token,
    began: Instant,
    used: Instant,
}

impl Session {
    /// Whether a request shows the token that only this session's own pages know.
    pub fn is_own(&self, shown: &str) -> bool {
        self.csrf.is(shown)
    }

    /// That token.
    pub const fn csrf(&self) -> &Token {
        &self.csrf
    }

    /// When it is over, however much it is used.
    pub fn ends(&self, limits: &Limits) -> Instant {
        self.began + if self.stage == Stage::In { limits.absolute } else { limits.entering }
    }

    fn is_over(&self, limits: &Limits, now: Instant) -> bool {
        now >= self.ends(limits) || now.saturating_duration_since(self.used) >= limits.idle
    }
}

/// There is no such session, or it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody is signed in with this cookie")]
pub struct NoSession;

/// A session that has just got its identifier: the only moment at which that can be told.
pub struct Opened {
    /// For the cookie.
    pub id: Token,
    /// The session.
    pub session: Session,
}

pub(super) type Hash = [u8; 32];

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    all: BTreeMap<Hash, Session>,
    limits: Limits,
}

impl Sessions {
    /// No session yet.
    pub const fn new(limits: Limits) -> Self {
        Self { all: BTreeMap::new(), limits }
    }

    /// What holds for them.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A new session.
    pub fn open(&mut self, who: Who, stage: Stage, fresh: &Fresh, now: Instant) -> Opened {
        self.all.retain(|_, session| !session.is_over(&self.limits, now));
        let (limits, is_of) = (self.limits.clone(), |session: &Session| session.who.to_string() == who.to_string());
        self.make_place(limits.most_of_one, is_of);
        self.make_place(limits.most, |_| true);
        self.put(Session { who, stage, csrf: Token::new(fresh.csrf), began: now, used: now }, fresh)
    }

    /// The session of a cookie; this counts as use.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&mut self, cookie: &str, now: Instant) -> Result<&mut Session, NoSession> {
        let id = hash(cookie);
        if self.all.get(&id).is_some_and(|session| session.is_over(&self.limits, now)) {
            self.all.remove(&id);
        }
        let session = self.all.get_mut(&id).ok_or(NoSession)?;
        session.used = now;
        Ok(session)
    }

    /// Whose session a cookie stands for; this is no use.
    pub fn who(&self, cookie: &str, now: Instant) -> Option<&Who> {
        let session = self.all.get(&hash(cookie)).filter(|session| !session.is_over(&self.limits, now))?;
        (session.stage == Stage::In).then_some(&session.who)
    }

    /// The session goes on under a new identifier: whoever knew the old one knows nothing.
    ///
    /// # Errors
    /// There is none.
    pub fn advance(&mut self, cookie: &str, stage: Stage, fresh: &Fresh, now: Instant) -> Result<Opened, NoSession> {
        let who = self.find(cookie, now)?.who.clone();
        self.close(cookie);
        Ok(self.put(Session { who, stage, csrf: Token::new(fresh.csrf), began: now, used: now }, fresh))
    }

    /// Signs out.
    pub fn close(&mut self, cookie: &str) -> Option<Session> {
        self.all.remove(&hash(cookie))
    }

    /// Signs somebody out everywhere, but for the session of `kept`.
    pub fn close_all(&mut self, who: &str, kept: Option<&str>) {
        let kept = kept.map(hash);
        self.all.retain(|id, session| session.who.to_string() != who || Some(*id) == kept);
    }

    fn put(&mut self, session: Session, fresh: &Fresh) -> Opened {
        let id = Token::new(fresh.id);
        self.all.insert(hash(id.expose()), session.clone());
        Opened { id, session }
    }

    /// The one of these that was not used for longest goes, while there are too many.
    fn make_place(&mut self, most: usize, is_of: impl Fn(&Session) -> bool) {
        while self.all.values().filter(|session| is_of(session)).count() >= most.max(1) {
            let mut these = self.all.iter().filter(|(_, session)| is_of(session));
            let oldest =
                these.next().map(|first| these.fold(first, |old, one| if one.1.used < old.1.used { one } else { old }));
            let Some(id) = oldest.map(|(id, _)| *id) else { return };
            self.all.remove(&id);
        }
    }
}

pub(super) fn hash(cookie: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, cookie.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        Instant::now()
    }

    fn fresh(n: u8) -> Fresh {
        Fresh { id: [n; 32], csrf: [n ^ 0xff; 32] }
    }

    fn erika() -> Who {
        Who::Account("erika".parse().expect("a name"))
    }

    fn guest(name: &str) -> Who {
        Who::Guest { name: name.to_owned(), role: Role::Viewer, proof: Secret::new(String::from("proof")) }
    }

    const fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_after_a_day_at_work_all_the_same() {
        let (mut sessions, now) = (Sessions::new(Limits::default()), start());
        let id = sessions.open(erika(), Stage::In, &fresh(1), now).id;
        assert!(sessions.find(id.expose(), now + minutes(29)).is_ok());
        assert!(sessions.find(id.expose(), now + minutes(58)).is_ok(), "each use counts");
        assert_eq!(sessions.find(id.expose(), now + minutes(88)).err(), Some(NoSession));
        let id = sessions.open(erika(), Stage::In, &fresh(2), now).id;
        let held = (0..).map(|step| step * 20).find(|at| sessions.find(id.expose(), now + minutes(*at)).is_err());
        assert_eq!(held, Some(12 * 60));
        let id = sessions.open(erika(), Stage::Code { wrong: 0 }, &fresh(3), now).id;
        assert!(sessions.find(id.expose(), now + minutes(9)).is_ok());
        assert!(sessions.find(id.expose(), now + minutes(10)).is_err(), "entering does not take that long");
    }

    #[test]
    fn whoever_knew_the_identifier_before_the_sign_in_knows_nothing_after_it() {
        let (mut sessions, now) = (Sessions::new(Limits::default()), start());
        let before = sessions.open(erika(), Stage::Code { wrong: 0 }, &fresh(1), now);
        let after = sessions.advance(before.id.expose(), Stage::In, &fresh(2), now).expect("here");
        assert_ne!(before.id.expose(), after.id.expose());
        assert!(sessions.find(before.id.expose(), now).is_err());
        assert!(!after.session.is_own(before.session.csrf().expose()));
        assert_eq!(sessions.find(after.id.expose(), now).expect("here").stage, Stage::In);
        assert!(sessions.find("guessed", now).is_err());
    }

    #[test]
    fn of_one_account_the_session_that_was_not_used_for_longest_makes_place() {
        let limits = Limits { most_of_one: 2, most: 3, ..Limits::default() };
        let (mut sessions, now) = (Sessions::new(limits), start());
        let ids: Vec<Token> =
            (1..=3).map(|n| sessions.open(erika(), Stage::In, &fresh(n), now + minutes(n.into())).id).collect();
        assert!(sessions.find(ids[0].expose(), now + minutes(3)).is_err());
        assert!(ids[1..].iter().all(|id| sessions.find(id.expose(), now + minutes(3)).is_ok()));
        for n in 4..=9 {
            sessions.open(guest(&n.to_string()), Stage::In, &fresh(n), now + minutes(n.into()));
        }
        assert_eq!(sessions.all.len(), 3);
    }

    #[test]
    fn signing_out_everywhere_leaves_others_and_the_one_that_asks() {
        let (mut sessions, now) = (Sessions::new(Limits::default()), start());
        let here = sessions.open(erika(), Stage::In, &fresh(1), now).id;
        let there = sessions.open(erika(), Stage::In, &fresh(2), now).id;
        let other = sessions.open(guest("erika"), Stage::In, &fresh(3), now).id;
        sessions.close_all("erika", Some(here.expose()));
        assert!(sessions.find(here.expose(), now).is_ok() && sessions.find(other.expose(), now).is_ok());
        assert!(sessions.find(there.expose(), now).is_err());
        assert!(sessions.close(here.expose()).is_some() && sessions.find(here.expose(), now).is_err());
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let (mut sessions, now) = (Sessions::new(Limits::default()), start());
        let opened = sessions.open(erika(), Stage::In, &fresh(0xab), now);
        let printed = format!("{sessions:?} {:?}", opened.id);
        assert!(!printed.contains("abababab") && !printed.contains(opened.session.csrf().expose()), "{printed}");
    }
}
