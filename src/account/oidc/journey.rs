//! Who has been sent to the provider and is not back yet. Only hashes are kept of what comes from outside, but for the nonce and
//! the verifier, which are needed as they are. The table is bounded: of one network, and in all, the oldest makes place.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Answer, Callback, Stopped};
use crate::account::Token;
use crate::account::sessions::{Hash, hash};
use crate::words::{Personal, Secret};

/// How long a journey lasts, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// After so long it is over.
    pub lasts: Duration,
    /// So many of one network.
    pub most_of_one: usize,
    /// So many in all.
    pub most: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(10 * 60), most_of_one: 100, most: 1_000 }
    }
}

/// What is drawn for one journey.
pub struct Drawn {
    /// Comes back with the browser.
    pub state: Token,
    /// Comes back inside of what the provider signs.
    pub nonce: Token,
    /// Is shown to the provider with the code (RFC 7636).
    pub verifier: Token,
    /// Stays in the browser, as a cookie.
    pub browser: Token,
}

impl Drawn {
    /// Of random bytes.
    pub fn new(bytes: [[u8; 32]; 4]) -> Self {
        let [state, nonce, verifier, browser] = bytes.map(Token::new);
        Self { state, nonce, verifier, browser }
    }
}

/// A page of the console: the only place to which anybody is sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPath(String);

/// The longest.
const LONGEST: usize = 200;

impl OwnPath {
    /// The page that is named, if it is one of ours; else the first.
    pub fn read(text: &str) -> Self {
        let rest = text.strip_prefix("/admin").filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~.".contains(&byte);
        let fits = |rest: &&str| {
            rest.len() <= LONGEST && rest.bytes().all(sound) && !rest.contains("//") && !rest.contains("..")
        };
        Self(format!("/admin{}", rest.filter(fits).unwrap_or_default()))
    }

    /// It, for an address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for OwnPath {
    fn default() -> Self {
        Self::read("")
    }
}

/// Somebody is on the way.
pub struct Journey {
    browser: Hash,
    nonce: Token,
    verifier: Token,
    to: OwnPath,
    network: Personal<IpAddr>,
    names_issuer: bool,
    began: Instant,
}

/// Somebody is back, and what they brought is theirs.
#[derive(Debug)]
pub struct Arrived {
    /// For the provider, who says for it who they are.
    pub code: Secret,
    /// What it must name then.
    pub nonce: Token,
    /// What it must be shown.
    pub verifier: Token,
    /// Where they were to go.
    pub to: OwnPath,
}

/// All journeys.
pub struct Journeys {
    open: BTreeMap<Hash, Journey>,
    bounds: Bounds,
}

impl Journeys {
    /// Nobody is on the way.
    pub const fn new(bounds: Bounds) -> Self {
        Self { open: BTreeMap::new(), bounds }
    }

    /// What holds for them.
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Somebody of this network sets out. `names_issuer`: the provider has said that it names itself in its answers.
    pub fn begin(&mut self, drawn: &Drawn, to: OwnPath, network: Personal<IpAddr>, names_issuer: bool, now: Instant) {
        let lasts = self.bounds.lasts;
        self.open.retain(|_, journey| !journey.is_over(lasts, now));
        let (of_one, most) = (self.bounds.most_of_one, self.bounds.most);
        self.make_place(of_one, |journey| journey.network == network);
        self.make_place(most, |_| true);
        let (nonce, verifier) = (drawn.nonce.clone(), drawn.verifier.clone());
        let browser = hash(drawn.browser.expose());
        let journey = Journey { browser, nonce, verifier, to, network, names_issuer, began: now };
        self.open.insert(hash(drawn.state.expose()), journey);
    }

    /// A browser is back. Whatever comes of it, its journey is over.
    ///
    /// # Errors
    /// It was on none, on another's, for too long, was sent by somebody else, or the provider said no.
    pub fn end(
        &mut self,
        callback: Callback,
        browser: Option<&str>,
        issuer: &str,
        now: Instant,
    ) -> Result<Arrived, Stopped> {
        let journey = self.open.remove(&hash(callback.state.expose())).ok_or(Stopped::Unknown)?;
        if journey.is_over(self.bounds.lasts, now) {
            return Err(Stopped::Expired);
        }
        if browser.map(hash) != Some(journey.browser) {
            return Err(Stopped::OtherBrowser);
        }
        match callback.issuer {
            Some(named) if named != issuer => return Err(Stopped::OtherIssuer),
            None if journey.names_issuer => return Err(Stopped::OtherIssuer),
            Some(_) | None => {}
        }
        match callback.answer {
            Answer::Declined(why) => Err(Stopped::Declined(why.to_owned())),
            Answer::Code(code) => {
                Ok(Arrived { code, nonce: journey.nonce, verifier: journey.verifier, to: journey.to })
            }
        }
    }

    /// The oldest of these goes, while there are too many.
    fn make_place(&mut self, most: usize, is_of: impl Fn(&Journey) -> bool) {
        let count = self.open.values().filter(|journey| is_of(journey)).count();
        for _ in most.max(1)..=count {
            let these = self.open.iter().filter(|(_, journey)| is_of(journey));
            let Some(oldest) = these.min_by_key(|(_, journey)| journey.began).map(|(state, _)| *state) else { return };
            self.open.remove(&oldest);
        }
    }
}

impl Journey {
    fn is_over(&self, lasts: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= lasts
    }
}

impl fmt::Debug for Journeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} journeys", self.open.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ISSUER: &str = "https://login.stadt.example";

    fn start() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        Instant::now()
    }

    fn drawn(n: u8) -> Drawn {
        Drawn::new([[n; 32], [n ^ 0x0f; 32], [n ^ 0xf0; 32], [n ^ 0xff; 32]])
    }

    fn here(last: u8) -> Personal<IpAddr> {
        Personal::new(IpAddr::from([192, 0, 2, last]))
    }

    fn back(state: &Token, issuer: Option<&str>) -> Callback {
        let answer = Answer::Code(Secret::new(String::from("code")));
        Callback { state: Secret::new(state.expose().to_owned()), answer, issuer: issuer.map(str::to_owned) }
    }

    fn began(bounds: Bounds, names_issuer: bool, now: Instant) -> (Journeys, Drawn) {
        let (mut journeys, drawn) = (Journeys::new(bounds), drawn(1));
        journeys.begin(&drawn, OwnPath::read("/admin/audit"), here(1), names_issuer, now);
        (journeys, drawn)
    }

    #[test]
    fn who_comes_back_in_time_with_the_same_browser_arrives_once() {
        let now = start();
        let (mut journeys, drawn) = began(Bounds::default(), false, now);
        let end = |journeys: &mut Journeys| {
            journeys.end(back(&drawn.state, None), Some(drawn.browser.expose()), ISSUER, now + Duration::from_secs(599))
        };
        let arrived = end(&mut journeys).expect("arrives");
        assert_eq!((arrived.code.expose(), arrived.to.as_str()), ("code", "/admin/audit"));
        assert_eq!(arrived.nonce.expose(), drawn.nonce.expose());
        assert_eq!(arrived.verifier.expose(), drawn.verifier.expose());
        assert_eq!(end(&mut journeys).err(), Some(Stopped::Unknown), "the same once more");
    }

    #[test]
    fn each_way_to_come_back_wrongly_ends_the_journey() {
        let (now, later) = (start(), Duration::from_secs(600));
        for (names_issuer, issuer, browser, after, why) in [
            (false, None, Some("guessed"), Duration::ZERO, Stopped::OtherBrowser),
            (false, None, None, Duration::ZERO, Stopped::OtherBrowser),
            (false, Some("https://boese.example"), Some(""), Duration::ZERO, Stopped::OtherIssuer),
            (true, None, Some(""), Duration::ZERO, Stopped::OtherIssuer),
            (true, Some("https://login.stadt.example/"), Some(""), Duration::ZERO, Stopped::OtherIssuer),
            (false, None, Some(""), later, Stopped::Expired),
        ] {
            let (mut journeys, drawn) = began(Bounds::default(), names_issuer, now);
            // An empty text stands for the browser's own cookie.
            let browser = browser.map(|browser| if browser.is_empty() { drawn.browser.expose() } else { browser });
            let forged = journeys.end(back(&drawn.nonce, issuer), browser, ISSUER, now);
            assert_eq!(forged.err(), Some(Stopped::Unknown), "a forged state ends nobody's journey");
            assert_eq!(journeys.end(back(&drawn.state, issuer), browser, ISSUER, now + after).err(), Some(why));
            let again = journeys.end(back(&drawn.state, Some(ISSUER)), Some(drawn.browser.expose()), ISSUER, now);
            assert_eq!(again.err(), Some(Stopped::Unknown), "it is over");
        }
        let (mut journeys, drawn) = began(Bounds::default(), true, now);
        let declined = Callback { answer: Answer::Declined("access_denied"), ..back(&drawn.state, Some(ISSUER)) };
        let end = journeys.end(declined, Some(drawn.browser.expose()), ISSUER, now);
        assert_eq!(end.err(), Some(Stopped::Declined(String::from("access_denied"))));
    }

    #[test]
    fn who_floods_takes_their_own_place_and_there_are_never_too_many() {
        let now = start();
        let bounds = Bounds { most_of_one: 3, most: 5, ..Bounds::default() };
        let (mut journeys, first) = began(bounds, false, now);
        for n in 2..=60 {
            journeys.begin(&drawn(n), OwnPath::default(), here(2), false, now + Duration::from_millis(n.into()));
        }
        assert_eq!(journeys.open.len(), 4);
        assert!(journeys.end(back(&first.state, None), Some(first.browser.expose()), ISSUER, now).is_ok());
        for n in 61..=99 {
            journeys.begin(&drawn(n), OwnPath::default(), here(n), false, now + Duration::from_millis(n.into()));
        }
        assert_eq!(journeys.open.len(), 5);
        journeys.begin(&drawn(100), OwnPath::default(), here(1), false, now + Duration::from_secs(700));
        assert_eq!(journeys.open.len(), 1, "those whose time is over are gone");
        assert_eq!(format!("{journeys:?}"), "1 journeys");
    }

    proptest! {
        #[test]
        fn nobody_is_sent_elsewhere(text in "(/admin)?[/\\\\@:?#%.a-z0-9\\t\\r\\n ]{0,20}") {
            let path = OwnPath::read(&text);
            let path = path.as_str();
            prop_assert!(path == "/admin" || path.starts_with("/admin/"));
            prop_assert!(!path.contains("//") && !path.contains("..") && path.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!path.contains(['\\', '@', ':', '?', '#', '%']));
            prop_assert!(path == "/admin" || path == text);
        }
    }
}
