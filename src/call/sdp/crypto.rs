//! The lines of an SDP that agree on keys (RFC 4568). They are as secret as the signalling is: over TLS. Also a stream that is offered as plain RTP
//! may have them (RFC 8643): who knows them protects it, who does not leaves it plain.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::media::srtp::{Keying, MasterKey, Suite};

/// With what we protect the media of one call. Each has a key of its own: with one key no two streams have the same name and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Sound.
    pub audio: MasterKey,
    /// Text.
    pub text: MasterKey,
}

impl Keys {
    /// Of one call, from a source of randomness.
    ///
    /// # Errors
    /// It has none.
    pub fn fresh<E>(mut random: impl FnMut() -> Result<[u8; MasterKey::LENGTH], E>) -> Result<Self, E> {
        Ok(Self { audio: MasterKey::new(random()?), text: MasterKey::new(random()?) })
    }
}

/// One `a=crypto` that can be taken.
#[derive(Clone, Debug)]
pub(super) struct Crypto {
    tag: u32,
    suite: Suite,
    key: MasterKey,
}

/// More of them are not read: telephones offer up to eight.
pub(super) const MOST: usize = 16;

impl Crypto {
    /// `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31`; nothing if it is none that we could keep to: another suite, several keys, a key that packets
    /// name (MKI), or parameters that take something away.
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?.parse().ok().filter(|tag| *tag < 1_000_000_000)?;
        let name = words.next()?;
        let suite = Suite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))?;
        let told = words.next()?;
        let (method, told) = told.split_once(':')?;
        let mut parts = told.split('|');
        let key = parts.next()?;
        // How long the key may be used: longer than a call. With a `:` it is the length of the key's name.
        let names_key = parts.any(|part| part.contains(':'));
        // How many packets may be lost before the next: nothing that we would have to do.
        let takes_away = words.any(|word| !word.to_ascii_uppercase().starts_with("WSH="));
        if !method.eq_ignore_ascii_case("inline") || names_key || takes_away {
            return None;
        }
        let bytes = Zeroizing::new(STANDARD_NO_PAD.decode(key.trim_end_matches('=')).ok()?);
        Some(Self { tag, suite, key: MasterKey::told(&bytes, suite)? })
    }

    /// What holds if this is taken.
    pub(super) fn taken(&self, ours: &MasterKey) -> Keying {
        Keying { suite: self.suite, ours: ours.clone(), theirs: self.key.clone() }
    }
}

/// Says which of theirs we take, and our key.
pub(super) fn answer(sdp: &mut String, taken: &Crypto, ours: &MasterKey) {
    line(sdp, taken.tag, taken.suite, ours);
}

/// Offers all that we have.
pub(super) fn offer(sdp: &mut String, ours: &MasterKey) {
    Suite::ALL.into_iter().zip(1..).for_each(|(suite, tag)| line(sdp, tag, suite, ours));
}

fn line(sdp: &mut String, tag: u32, suite: Suite, ours: &MasterKey) {
    let key = Zeroizing::new(STANDARD.encode(ours.expose(suite)));
    // Writing to a String cannot fail.
    let _ = write!(sdp, "a=crypto:{tag} {} inline:{}\r\n", suite.name(), *key);
}

#[cfg(test)]
mod tests {
    use super::super::{Ours, Protection, accept, answer, offer};
    use super::*;
    use crate::call::Refusal;
    use crate::words::Codec;

    const ORDER: [Codec; 1] = [Codec::Pcma];
    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
    const SHORT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";

    fn ours(needed: bool) -> Ours {
        let keys = Keys { audio: MasterKey::new([7; 30]), text: MasterKey::new([8; 30]) };
        let protection = if needed { Protection::Needed(keys) } else { Protection::Possible(keys) };
        Ours { audio: ([192, 0, 2, 9], 20_000).into(), text: Some(([192, 0, 2, 9], 20_002).into()), protection }
    }

    fn offer_of(lines: &str) -> String {
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}")
    }

    #[test]
    fn an_offer_with_keys_is_answered_with_the_first_that_can_be_taken_and_ours() {
        let lines = format!(
            "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_256_HMAC_SHA1_80 inline:{KEY}\r\n\
             a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4\r\n\
             a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTCP\r\n\
             a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31 WSH=64\r\n\
             a=crypto:5 AEAD_AES_128_GCM inline:{SHORT}\r\n"
        );
        let (session, text) = answer(&offer_of(&lines), ours(false), &ORDER, 1).expect("an answer");
        let keying = session.keying.expect("keys");
        assert_eq!(keying.suite, Suite::AesCm128HmacSha1_80);
        assert_eq!(keying.theirs.expose(keying.suite), (0..30).collect::<Vec<u8>>());
        let key = STANDARD.encode([7; 30]);
        assert!(text.contains("m=audio 20000 RTP/SAVP 8\r\n"), "{text}");
        assert!(text.contains(&format!("a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")), "{text}");
        assert_eq!(text.matches("a=crypto").count(), 1);
    }

    #[test]
    fn a_plain_stream_with_keys_is_protected_and_one_without_is_plain_unless_that_will_not_do() {
        let keys = format!("m=audio 4000 RTP/AVP 8\r\na=crypto:1 AEAD_AES_128_GCM inline:{SHORT}\r\n");
        let (session, text) = answer(&offer_of(&keys), ours(false), &ORDER, 1).expect("an answer");
        assert!(
            session.keying.is_some()
                && text.contains("RTP/AVP 8\r\n")
                && text.contains("a=crypto:1 AEAD_AES_128_GCM inline:")
        );
        let plain = offer_of("m=audio 4000 RTP/AVP 8\r\n");
        let (session, text) = answer(&plain, ours(false), &ORDER, 1).expect("an answer");
        assert!(session.keying.is_none() && !text.contains("crypto"));
        assert_eq!(answer(&plain, ours(true), &ORDER, 1).expect_err("refused"), Refusal::Unprotected);
        let none = offer_of("m=audio 4000 RTP/SAVP 8\r\na=crypto:1 F8_128_HMAC_SHA1_80 inline:x\r\n");
        assert_eq!(answer(&none, ours(false), &ORDER, 1).expect_err("refused"), Refusal::NoCommonTransport);
    }

    #[test]
    fn text_has_a_key_of_its_own_and_is_refused_where_it_would_be_plain_beside_protected_sound() {
        let text = "a=rtpmap:98 t140/1000\r\n";
        let crypto = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
        let both = offer_of(&format!("m=audio 4000 RTP/SAVP 8\r\n{crypto}m=text 4002 RTP/SAVP 98\r\n{text}{crypto}"));
        let (session, sdp) = answer(&both, ours(false), &ORDER, 1).expect("an answer");
        let of_text = session.text.expect("text").keying.expect("keys");
        assert_eq!(of_text.ours, MasterKey::new([8; 30]));
        assert!(sdp.contains("m=text 20002 RTP/SAVP 98\r\n"), "{sdp}");
        let plain = offer_of(&format!("m=audio 4000 RTP/SAVP 8\r\n{crypto}m=text 4002 RTP/AVP 98\r\n{text}"));
        let (session, sdp) = answer(&plain, ours(false), &ORDER, 1).expect("an answer");
        assert!(session.text.is_none() && sdp.contains("m=text 0 RTP/AVP 98\r\n"), "{sdp}");
    }

    #[test]
    fn our_own_offer_is_taken_by_who_knows_keys_and_by_who_does_not() {
        let keys = Keys { audio: MasterKey::new([5; 30]), text: MasterKey::new([6; 30]) };
        let far = Ours { audio: ([192, 0, 2, 1], 4000).into(), text: None, protection: Protection::Possible(keys) };
        for (needed, protocol) in [(false, "RTP/AVP"), (true, "RTP/SAVP")] {
            let offered = offer(ours(needed), &ORDER, 1);
            assert!(offered.contains(&format!("m=audio 20000 {protocol} 8 101\r\n")), "{offered}");
            let (there, sdp) = answer(&offered, far.clone(), &ORDER, 1).expect("an answer");
            let here = accept(&sdp, ours(needed), &ORDER).expect("accepted");
            let (here, there) = (here.keying.expect("keys"), there.keying.expect("keys"));
            assert_eq!((here.suite, there.suite), (Suite::AeadAes128Gcm, Suite::AeadAes128Gcm));
            let told = |key: &MasterKey| key.expose(here.suite).to_vec();
            assert_eq!((told(&here.ours), told(&here.theirs)), (told(&there.theirs), told(&there.ours)));
        }
        let plain = "m=audio 4000 RTP/AVP 8\r\n";
        assert_eq!(accept(&offer_of(plain), ours(false), &ORDER).expect("accepted").keying, None);
        assert_eq!(accept(&offer_of(plain), ours(true), &ORDER).expect_err("refused"), Refusal::Unprotected);
    }
}
