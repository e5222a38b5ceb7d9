//! The second factor: codes of an app by time (TOTP, RFC 6238), and recovery codes for the day on which the telephone is lost.
//! A code counts once; a recovery code, too.

use std::fmt;

use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;
use totp_rs::{Builder, Secret};
use zeroize::Zeroizing;

use crate::words::AccountName;

/// Bytes of a seed: as many as HMAC-SHA-1 has (RFC 4226 section 4).
pub const SEED: usize = 20;

/// Bytes of a recovery code: 80 bits cannot be guessed, and 16 characters can be copied by hand.
pub const RECOVERY: usize = 10;

/// So many recovery codes.
pub const RECOVERIES: usize = 10;

/// Seconds for which one code stands, and steps by which a clock may be off on either side.
const STEP: u64 = 30;
const SKEW: u16 = 1;

/// What the app and we share. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<[u8; SEED]>);

impl Seed {
    /// A seed of random bytes.
    pub fn new(bytes: [u8; SEED]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// As it is typed into an app: base32 (RFC 4648 section 6).
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.secret().to_base32())
    }

    /// From base32.
    pub fn from_base32(text: &str) -> Option<Self> {
        let secret = Secret::try_from_base32(text).ok()?;
        secret.as_bytes().try_into().ok().map(Self::new)
    }

    /// As an app scans it. A name has no sign that would have to be escaped.
    pub fn uri(&self, name: &AccountName) -> Zeroizing<String> {
        let secret = self.base32();
        let of = format!("otpauth://totp/Einwahl:{name}?secret={}", *secret);
        Zeroizing::new(format!("{of}&issuer=Einwahl&algorithm=SHA1&digits=6&period={STEP}"))
    }

    /// The step at which this code is right, if it is at `unix` seconds.
    pub fn step_of(&self, code: &str, unix: u64) -> Option<u64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let builder = Builder::new().with_secret(self.secret()).with_skew(SKEW).with_step_duration(STEP);
        builder.build().ok()?.check(&digits, unix)
    }

    fn secret(&self) -> Secret {
        Secret::from(*self.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a seed")
    }
}

/// What recognises a recovery code: SHA-256, since there is nothing to guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecoveryHash(pub(super) [u8; 32]);

impl RecoveryHash {
    /// Of a code as somebody types it: with or without dashes, in any case.
    pub fn of(code: &str) -> Self {
        let plain: Zeroizing<String> =
            Zeroizing::new(code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect());
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, plain.as_bytes()).as_ref());
        Self(hash)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for RecoveryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the hash of a recovery code")
    }
}

/// A recovery code of random bytes, as it is shown once: `abcd-efgh-ijkl-mnop`.
pub fn recovery_code(bytes: [u8; RECOVERY]) -> Zeroizing<String> {
    let text = Zeroizing::new(Secret::from(bytes).to_base32().to_lowercase());
    let pieces: Vec<&str> = (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
    Zeroizing::new(pieces.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1; its codes have eight digits, ours the last six.
    #[test]
    fn codes_are_those_of_the_rfc_and_a_clock_may_be_one_step_off() {
        let seed = Seed::new(*b"12345678901234567890");
        for (unix, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(seed.step_of(code, unix), Some(unix / 30));
            assert_eq!(seed.step_of(code, unix + 30), Some(unix / 30));
            assert_eq!(seed.step_of(code, unix - 30), Some(unix / 30));
            assert_eq!(seed.step_of(code, unix + 60), None);
        }
        assert_eq!(seed.step_of("287 082", 59), Some(1), "as apps show it");
        for wrong in ["", "287083", "28708", "2870822", "28708٢", "-87082"] {
            assert_eq!(seed.step_of(wrong, 59), None, "{wrong}");
        }
    }

    #[test]
    fn a_seed_comes_back_from_what_an_app_scans_and_is_never_printed() {
        let seed = Seed::new([9; SEED]);
        let uri = seed.uri(&"erika".parse().expect("a name"));
        let secret = uri.split(['=', '&']).nth(1).expect("a secret");
        assert!(uri.starts_with("otpauth://totp/Einwahl:erika?"), "{}", *uri);
        assert_eq!(Seed::from_base32(secret), Some(seed.clone()));
        assert_eq!(format!("{seed:?}"), "a seed");
    }

    #[test]
    fn a_recovery_code_is_recognised_as_people_type_it() {
        let code = recovery_code([7; RECOVERY]);
        assert_eq!(code.len(), 19);
        let typed = code.to_uppercase().replace('-', " ");
        assert!(RecoveryHash::of(&typed).is(&RecoveryHash::of(&code)));
        assert!(!RecoveryHash::of(&recovery_code([8; RECOVERY])).is(&RecoveryHash::of(&code)));
    }
}
