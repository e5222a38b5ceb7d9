//! Who we are, proven without telling the password: digest (RFC 7616, and RFC 8760 for SIP). In: the challenges of a 401 or
//! 407. Out: the value of `Authorization` or `Proxy-Authorization`.

use std::fmt::Write as _;

use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};

use crate::words::Secret;

/// How a digest is made, the best first (RFC 8760 section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-512/256.
    Sha512,
    /// SHA-256.
    Sha256,
    /// MD5: weak, and what most carriers have.
    Md5,
}

/// What a peer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose users it knows.
    pub realm: String,
    /// Our proof is for this alone.
    pub nonce: String,
    /// Whether the last proof was right but for its nonce.
    pub stale: bool,
    /// How the proof is made.
    pub algorithm: Algorithm,
    opaque: Option<String>,
    quality: bool,
}

/// None of the challenges can be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// None is there.
    #[error("it asks who we are, and does not say how to prove it (no challenge in the answer)")]
    Missing,
    /// None can be read, or none is one of ours.
    #[error(
        "it wants a proof of a kind that we cannot give (digest with MD5, SHA-256 or SHA-512-256, and qop auth, is what we have)"
    )]
    Unknown,
}

impl Challenge {
    /// The best of the challenges that we can meet: the values of `WWW-Authenticate` or `Proxy-Authenticate`.
    ///
    /// # Errors
    /// There is none.
    pub fn best<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, Unanswerable> {
        let mut seen = false;
        let read = values.into_iter().inspect(|_| seen = true).filter_map(Self::read);
        let best = read.min_by_key(|challenge| challenge.algorithm);
        best.ok_or(if seen { Unanswerable::Unknown } else { Unanswerable::Missing })
    }

    /// Reads one.
    pub fn read(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(char::is_whitespace)?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut challenge = Self {
            realm: String::new(),
            nonce: String::new(),
            stale: false,
            algorithm: Algorithm::Md5,
            opaque: None,
            quality: false,
        };
        for (name, value) in pairs(rest) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => challenge.realm = value,
                "nonce" => challenge.nonce = value,
                "opaque" => challenge.opaque = Some(value),
                "stale" => challenge.stale = value.eq_ignore_ascii_case("true"),
                "algorithm" => challenge.algorithm = Algorithm::named(&value)?,
                // What is offered is a list; auth-int alone would have us hash bodies.
                "qop" if value.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth")) => {
                    challenge.quality = true;
                }
                "qop" => return None,
                _ => {}
            }
        }
        let sound = |text: &str| !text.contains(['"', '\\']) && !text.contains(char::is_control);
        let whole = sound(&challenge.realm) && sound(&challenge.nonce) && !challenge.nonce.is_empty();
        (whole && challenge.opaque.as_deref().is_none_or(sound)).then_some(challenge)
    }

    /// Our proof for one request. `cnonce` is a word by chance, in letters and digits.
    pub fn answer(&self, user: &str, password: &Secret, method: &str, uri: &str, cnonce: &str) -> String {
        let Self { realm, nonce, opaque, algorithm, quality, .. } = self;
        let known = Secret::new(format!("{user}:{realm}:{}", password.expose()));
        let known = Secret::new(algorithm.hash(known.expose()));
        let asked = algorithm.hash(&format!("{method}:{uri}"));
        let between = if *quality { format!("{nonce}:{COUNT}:{cnonce}:auth") } else { nonce.clone() };
        let response = algorithm.hash(&format!("{}:{between}:{asked}", known.expose()));
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            algorithm.name()
        );
        // Writing to a String cannot fail.
        if *quality {
            let _ = write!(value, ", cnonce=\"{cnonce}\", qop=auth, nc={COUNT}");
        }
        if let Some(opaque) = opaque {
            let _ = write!(value, ", opaque=\"{opaque}\"");
        }
        value
    }
}

/// Each nonce is used once.
const COUNT: &str = "00000001";

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        [Self::Sha512, Self::Sha256, Self::Md5].into_iter().find(|it| it.name().eq_ignore_ascii_case(name))
    }

    /// As it stands in a message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha512 => "SHA-512-256",
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Sha512 => hex(&Sha512_256::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
            Self::Md5 => hex(&Md5::digest(text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `name=value` and `name="value"`, with commas between them.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                let (value, after) = after.split_at(end);
                (value.trim().to_owned(), after)
            }
        };
        found.push((name.trim().to_owned(), value));
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// A quoted string up to its end, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => {
                escaped = false;
                value.push(character);
            }
            '\\' => escaped = true,
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7616 section 3.9.1 has its figures for both.
    fn of_the_rfc(algorithm: &str) -> String {
        let value = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let password = Secret::new(String::from("Circle of Life"));
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let challenge = Challenge::read(&value).expect("a challenge");
        challenge.answer("Mufasa", &password, "GET", "/dir/index.html", cnonce)
    }

    #[test]
    fn the_examples_of_the_rfc_come_out_the_same() {
        let md5 = of_the_rfc("MD5");
        assert!(md5.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""), "{md5}");
        let sha = of_the_rfc("SHA-256");
        assert!(sha.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"), "{sha}");
        assert!(sha.contains("qop=auth, nc=00000001") && sha.contains("opaque=\"FQhe"), "{sha}");
    }

    #[test]
    fn an_old_registrar_without_qop_is_answered_as_of_old() {
        let challenge = Challenge::read("Digest realm=\"asterisk\",nonce=\"1a2b\"").expect("a challenge");
        let value = challenge.answer("u", &Secret::new(String::from("p")), "REGISTER", "sip:a", "x");
        assert!(!value.contains("qop") && !value.contains("nc=") && value.contains("algorithm=MD5"), "{value}");
    }

    #[test]
    fn the_strongest_challenge_that_we_know_is_met() {
        let both =
            ["Digest realm=\"a\", nonce=\"n\", algorithm=MD5", "Digest realm=\"a\", nonce=\"n\", algorithm=SHA-256"];
        assert_eq!(Challenge::best(both).map(|it| it.algorithm), Ok(Algorithm::Sha256));
        assert_eq!(Challenge::best([]), Err(Unanswerable::Missing));
        for strange in [
            "Basic realm=\"a\"",
            "Digest realm=\"a\", nonce=\"n\", algorithm=X",
            "Digest nonce=\"n\", qop=\"auth-int\"",
        ] {
            assert_eq!(Challenge::best([strange]), Err(Unanswerable::Unknown), "{strange}");
        }
    }

    #[test]
    fn a_nonce_that_is_only_too_old_is_told_from_a_wrong_password() {
        let stale = |value: &str| Challenge::read(value).map(|challenge| challenge.stale);
        assert_eq!(stale("Digest realm=\"a\", nonce=\"n\", stale=TRUE"), Some(true));
        assert_eq!(stale("Digest realm=\"a\", nonce=\"n\", stale=\"false\""), Some(false));
    }

    proptest! {
        #[test]
        fn no_challenge_breaks_out_of_its_quotes(value in "Digest (realm=|nonce=|opaque=|qop=|\"|\\\\|,|=|[a-z]|\\PC){0,40}") {
            if let Some(challenge) = Challenge::read(&value) {
                let answer = challenge.answer("u", &Secret::new(String::from("p")), "REGISTER", "sip:a", "c");
                prop_assert_eq!(answer.matches('"').count() % 2, 0);
                prop_assert!(!answer.contains(['\r', '\n']));
            }
        }
    }
}
