//! Media keys (RFC 3711, RFC 7714). In: RTP and RTCP, or SRTP and SRTCP. Out: the other. Of a browser one SSRC's sound comes in,
//! of another gateway those that were declared; more are not looked at.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::BytesMut;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::media::srtp::Opener;

/// A browser reports under the names of its streams, of which it has one or two; more are not looked at.
const MOST_REPORTERS: usize = 4;

/// So many forged reports cost us a look each. Then only those who have shown that they have the keys are heard.
const MOST_FORGERIES: u32 = 1_000;

pub(super) struct Keys {
    config: Config,
    outgoing: Context,
    incoming: Opener,
    /// All streams of another gateway; it keeps the state of each that was ever declared, for a packet of it may come again.
    declared: Option<Context>,
    reports: Opener,
}

impl Keys {
    /// The keys of a finished exchange; `None` if no profile was agreed on.
    pub(super) fn of(state: &State, crypto: &Arc<dyn RTCCryptoProvider>) -> Option<Self> {
        let mut config = Config { profile: profile_of(state.srtp_protection_profile())?, ..Config::default() };
        let material =
            state.export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], config.keying_material_len()).ok()?;
        config.set_session_keys_from_keying_material(material.as_ref(), state.is_client()).ok()?;
        let keys = &config.keys;
        let outgoing =
            Context::new(&keys.local_master_key, &keys.local_master_salt, config.profile, None, None, crypto.crypto());
        let theirs = (keys.remote_master_key.as_slice(), keys.remote_master_salt.as_slice());
        let opener = |most| Opener::new(config.profile, theirs, Arc::clone(crypto), most);
        let (incoming, reports) = (opener(1), opener(MOST_REPORTERS).patient(MOST_FORGERIES));
        Some(Self { outgoing: outgoing.ok()?, incoming, declared: None, reports, config })
    }

    /// RTP for the browser.
    pub(super) fn protect(&mut self, rtp: &[u8]) -> Option<BytesMut> {
        self.outgoing.encrypt_rtp(rtp).ok()
    }

    /// RTP of the browser. The first SSRC with a good packet is its stream.
    pub(super) fn open(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.incoming.rtp(packet)
    }

    /// RTP of another gateway, of the streams that it declared.
    pub(super) fn open_declared(&mut self, packet: &[u8], declared: &HashSet<u32>) -> Option<BytesMut> {
        let ssrc = u32::from_be_bytes(*packet.get(8..)?.first_chunk()?);
        if !declared.contains(&ssrc) {
            return None;
        }
        if self.declared.is_none() {
            self.declared = self.incoming.context();
        }
        self.declared.as_mut()?.decrypt_rtp(packet).ok()
    }

    /// RTCP for the browser.
    pub(super) fn protect_rtcp(&mut self, rtcp: &[u8]) -> Option<BytesMut> {
        self.outgoing.encrypt_rtcp(rtcp).ok()
    }

    /// RTCP of the browser.
    pub(super) fn open_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.reports.rtcp(packet)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        let keys = &mut self.config.keys;
        keys.local_master_key.zeroize();
        keys.local_master_salt.zeroize();
        keys.remote_master_key.zeroize();
        keys.remote_master_salt.zeroize();
    }
}

const fn profile_of(agreed: SrtpProtectionProfile) -> Option<ProtectionProfile> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "the list of another crate may grow; we offer these two")]
    match agreed {
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Some(ProtectionProfile::AeadAes128Gcm),
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Some(ProtectionProfile::Aes128CmHmacSha1_80),
        _ => None,
    }
}
