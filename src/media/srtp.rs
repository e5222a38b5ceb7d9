//! SRTP and SRTCP (RFC 3711, RFC 7714) with keys that are known. In: RTP and RTCP, or what protects them. Out: the other.
//!
//! What protects is never dropped for plain packets behind the back of who agreed on keys: a packet that cannot be protected is not sent, one
//! that is not protected is not heard.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use rtc_crypto::RTCCryptoProvider;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::rtp::is_rtcp;

/// How far back a packet may be late, in packets.
const REPLAY_WINDOW: usize = 128;

/// A telephone begins a new stream when somebody is put through; so many in one call are heard.
const MOST_STREAMS: usize = 64;

/// How packets are protected (RFC 4568 section 6.2, RFC 7714 section 14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// AES-128 in GCM.
    AeadAes128Gcm,
    /// AES-128 in counter mode, with a tag of 80 bits: every telephone with SRTP has it.
    AesCm128HmacSha1_80,
}

impl Suite {
    /// All of them, the best first.
    pub const ALL: [Self; 2] = [Self::AeadAes128Gcm, Self::AesCm128HmacSha1_80];

    /// Its name in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
        }
    }

    /// The bytes of a master key with its salt.
    pub fn key_length(self) -> usize {
        self.profile().key_len() + self.profile().salt_len()
    }

    const fn profile(self) -> ProtectionProfile {
        match self {
            Self::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Self::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        }
    }
}

/// A master key and the salt behind it, as long as the longest suite wants. Never printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; Self::LENGTH]);

impl MasterKey {
    /// What the longest suite wants.
    pub const LENGTH: usize = 30;

    /// Of random bytes.
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Of what a peer told for a suite; nothing if that is not as long as it has to be.
    pub fn told(bytes: &[u8], suite: Suite) -> Option<Self> {
        let mut key = Self([0; Self::LENGTH]);
        (bytes.len() == suite.key_length()).then(|| key.0.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from))?;
        Some(key)
    }

    /// The key, and the salt.
    fn split(&self, suite: Suite) -> Option<(&[u8], &[u8])> {
        self.expose(suite).split_at_checked(suite.profile().key_len())
    }

    /// As many bytes of it as a suite wants, for who tells them to the peer.
    pub fn expose(&self, suite: Suite) -> &[u8] {
        self.0.get(..suite.key_length()).unwrap_or_default()
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
}

/// What two have agreed on for one medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keying {
    /// How.
    pub suite: Suite,
    /// With what we protect.
    pub ours: MasterKey,
    /// With what the peer does.
    pub theirs: MasterKey,
}

/// Opens what comes under one key. A stranger's packet costs a failed check and leaves nothing behind.
pub struct Opener {
    profile: ProtectionProfile,
    key: Zeroizing<Vec<u8>>,
    salt: Zeroizing<Vec<u8>>,
    crypto: Arc<dyn RTCCryptoProvider>,
    streams: Vec<(u32, Context)>,
    most: usize,
    /// So many forged packets of unknown streams are looked at yet; all, if there is no number.
    patience: Option<u32>,
}

impl Opener {
    /// Hears so many streams, the first with a good packet.
    pub fn new(
        profile: ProtectionProfile,
        (key, salt): (&[u8], &[u8]),
        crypto: Arc<dyn RTCCryptoProvider>,
        most: usize,
    ) -> Self {
        let (key, salt) = (Zeroizing::new(key.to_vec()), Zeroizing::new(salt.to_vec()));
        Self { profile, key, salt, crypto, streams: Vec::new(), most, patience: None }
    }

    /// The same, which after so many forged packets hears only whom it knows.
    #[must_use]
    pub fn patient(self, forgeries: u32) -> Self {
        Self { patience: Some(forgeries), ..self }
    }

    /// The RTP of an SRTP packet.
    pub fn rtp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        let ssrc = u32::from_be_bytes(*packet.get(8..)?.first_chunk()?);
        self.open(ssrc, |context| context.decrypt_rtp(packet).ok())
    }

    /// The RTCP of an SRTCP packet.
    pub fn rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        let ssrc = u32::from_be_bytes(*packet.get(4..)?.first_chunk()?);
        // The flag before the index (RFC 3711 section 3.4). The crate takes a packet without it as it is, unproven.
        let from_end = 4 + self.profile.rtcp_auth_tag_len();
        let is_protected = *packet.get(packet.len().checked_sub(from_end)?)? >> 7 == 1;
        if !is_protected {
            return None;
        }
        self.open(ssrc, |context| context.decrypt_rtcp(packet).ok())
    }

    fn open(&mut self, ssrc: u32, decrypt: impl FnOnce(&mut Context) -> Option<BytesMut>) -> Option<BytesMut> {
        if let Some((_, context)) = self.streams.iter_mut().find(|(known, _)| *known == ssrc) {
            return decrypt(context);
        }
        if self.streams.len() >= self.most || self.patience == Some(0) {
            return None;
        }
        let mut context = self.context()?;
        let opened = decrypt(&mut context);
        match &opened {
            Some(_) => self.streams.push((ssrc, context)),
            None => self.patience = self.patience.map(|patience| patience.saturating_sub(1)),
        }
        opened
    }

    /// For what comes.
    pub fn context(&self) -> Option<Context> {
        let replay = (Some(srtp_replay_protection(REPLAY_WINDOW)), Some(srtcp_replay_protection(REPLAY_WINDOW)));
        Context::new(&self.key, &self.salt, self.profile, replay.0, replay.1, self.crypto.crypto()).ok()
    }
}

/// What lies between the RTP and RTCP of one medium of a telephone and the network: nothing, until keys are agreed on.
#[derive(Default)]
pub struct Cover {
    /// Nothing else is sent or heard.
    agreed: Option<Keying>,
    /// What we protect with. Kept, whatever is agreed on later: with one key no packet number is used twice.
    sealing: Vec<(Suite, MasterKey, Context)>,
    opening: Option<Opening>,
}

/// What the peer protects with.
struct Opening {
    suite: Suite,
    key: MasterKey,
    sound: Opener,
    reports: Opener,
}

impl Cover {
    /// From now on this holds; plain packets, if there are no keys.
    pub fn agree(&mut self, keying: Option<Keying>) {
        if let Some(Keying { suite, ours, theirs }) = &keying
            && self.agreed != keying
            && let Ok(crypto) = rtc_crypto::default_provider()
        {
            let split = |key| MasterKey::split(key, *suite);
            let is_known = self.sealing.iter().any(|(with, key, _)| with == suite && key == ours);
            if !is_known && let Some((key, salt)) = split(ours) {
                let context = Context::new(key, salt, suite.profile(), None, None, crypto.crypto());
                self.sealing.extend(context.ok().map(|context| (*suite, ours.clone(), context)));
            }
            let is_open = self.opening.as_ref().is_some_and(|known| known.suite == *suite && known.key == *theirs);
            if !is_open {
                self.opening = split(theirs).map(|(key, salt)| {
                    let opener = || Opener::new(suite.profile(), (key, salt), Arc::clone(&crypto), MOST_STREAMS);
                    Opening { suite: *suite, key: theirs.clone(), sound: opener(), reports: opener() }
                });
            }
        }
        self.agreed = keying;
    }

    /// What a packet that came says, RTP or RTCP; nothing if nobody may hear it.
    pub fn open<'a>(&mut self, packet: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        if self.agreed.is_none() {
            return Some(Cow::Borrowed(packet));
        }
        let opening = self.opening.as_mut()?;
        let opened = if is_rtcp(packet) { opening.reports.rtcp(packet) } else { opening.sound.rtp(packet) };
        opened.map(|opened| Cow::Owned(opened.into()))
    }

    /// A packet as it is to be sent, RTP or RTCP; nothing if it may not be.
    pub fn seal<'a>(&mut self, packet: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let Some(Keying { suite, ours, .. }) = &self.agreed else { return Some(Cow::Borrowed(packet)) };
        let known = self.sealing.iter_mut().find(|(with, key, _)| with == suite && key == ours);
        let (_, _, context) = known?;
        let sealed = if is_rtcp(packet) { context.encrypt_rtcp(packet) } else { context.encrypt_rtp(packet) };
        sealed.ok().map(|sealed| Cow::Owned(sealed.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keying(suite: Suite, ours: u8, theirs: u8) -> Keying {
        Keying {
            suite,
            ours: MasterKey::new([ours; 30]),
            theirs: MasterKey::told(&[theirs; 30][..suite.key_length()], suite).expect("a key"),
        }
    }

    /// Our own key is cut as the peer is told it.
    fn pair(suite: Suite) -> (Cover, Cover) {
        let (mut one, mut other) = (Cover::default(), Cover::default());
        one.agree(Some(keying(suite, 1, 2)));
        other.agree(Some(keying(suite, 2, 1)));
        (one, other)
    }

    fn rtp(sequence: u16, ssrc: u8) -> Vec<u8> {
        let [high, low] = sequence.to_be_bytes();
        [&[0x80, 8, high, low, 0, 0, 0, 0, 0, 0, 0, ssrc], &[0xd5; 160][..]].concat()
    }

    const RTCP: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 7];

    #[test]
    fn what_one_seals_the_other_opens_and_nobody_reads_between() {
        for suite in Suite::ALL {
            let (mut one, mut other) = pair(suite);
            for packet in [rtp(1, 7), rtp(2, 7), rtp(3, 9), RTCP.to_vec()] {
                let sealed = one.seal(&packet).expect("sealed").into_owned();
                assert!(
                    sealed.len() > packet.len() && !sealed.windows(8).any(|window| window == [0xd5; 8]),
                    "{suite:?}"
                );
                assert_eq!(other.open(&sealed).expect("opened"), packet, "{suite:?}");
                assert_eq!(other.open(&sealed), None, "a packet counts once");
                assert_eq!(other.open(&packet), None, "a plain packet is nobody's");
            }
            let mut forged = one.seal(&rtp(4, 7)).expect("sealed").into_owned();
            forged[20] ^= 1;
            assert_eq!(other.open(&forged), None);
        }
    }

    #[test]
    fn plain_is_plain_until_keys_are_agreed_on_and_new_keys_change_one_way_only() {
        let (mut one, mut other) = (Cover::default(), Cover::default());
        assert_eq!(other.open(&one.seal(&rtp(1, 7)).expect("plain")).expect("plain"), rtp(1, 7));
        let suite = Suite::AesCm128HmacSha1_80;
        (one, other) = pair(suite);
        let first = one.seal(&rtp(1, 7)).expect("sealed").into_owned();
        // The other side protects with another key from now on: ours goes on counting.
        one.agree(Some(keying(suite, 1, 3)));
        let second = one.seal(&rtp(2, 7)).expect("sealed").into_owned();
        assert!(other.open(&first).is_some() && other.open(&second).is_some());
        other.agree(Some(keying(suite, 3, 1)));
        assert_eq!(other.open(&second), None, "what was heard is not heard again under the same key");
        let back = other.seal(&rtp(1, 5)).expect("sealed").into_owned();
        assert_eq!(one.open(&back).expect("opened"), rtp(1, 5));
    }

    #[test]
    fn a_call_that_was_plain_in_between_uses_no_number_twice() {
        let (mut one, mut other) = pair(Suite::AesCm128HmacSha1_80);
        let wrapped: Vec<u8> = (0..=u16::MAX)
            .chain(0..2)
            .filter_map(|number| Some(one.seal(&rtp(number, 7))?.into_owned()))
            .last()
            .expect("sealed");
        let agreed = one.agreed.clone();
        one.agree(None);
        one.agree(agreed);
        let again = one.seal(&rtp(2, 7)).expect("sealed").into_owned();
        let fresh = pair(Suite::AesCm128HmacSha1_80).0.seal(&rtp(2, 7)).expect("sealed").into_owned();
        assert_ne!(again, fresh, "the count of rounds goes on");
        assert_eq!(other.open(&wrapped), None, "from another round");
    }

    #[test]
    fn a_key_of_another_length_is_none_and_none_is_shown() {
        assert_eq!(MasterKey::told(&[1; 30], Suite::AeadAes128Gcm), None);
        assert_eq!(MasterKey::told(&[1; 28], Suite::AesCm128HmacSha1_80), None);
        assert_eq!(
            format!("{:?}", keying(Suite::AeadAes128Gcm, 1, 2)),
            "Keying { suite: AeadAes128Gcm, ours: a key, theirs: a key }"
        );
    }
}
