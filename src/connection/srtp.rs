//! Media keys (RFC 3711, RFC 7714). In: RTP and RTCP, or SRTP and SRTCP. Out: the other. Of a browser one SSRC's sound comes in,
//! of another gateway those that were declared; more are not looked at.

use std::collections::HashSet;

use bytes::BytesMut;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// How far back a packet may be late, in packets.
const REPLAY_WINDOW: usize = 128;

/// A browser reports under the names of its streams, of which it has one or two; more are not looked at.
const MOST_REPORTERS: usize = 4;

/// So many forged reports cost us a look each. Then only those who have shown that they have the keys are heard.
const MOST_FORGERIES: u32 = 1_000;

pub(super) struct Keys {
    config: Config,
    outgoing: Context,
    incoming: Option<Incoming>,
    /// All streams of another gateway; it keeps the state of each that was ever declared, for a packet of it may come again.
    declared: Option<Context>,
    reporters: Vec<Incoming>,
    forgeries: u32,
}

/// One of the browser's streams.
struct Incoming {
    ssrc: u32,
    context: Context,
}

impl Keys {
    /// The keys of a finished exchange; `None` if no profile was agreed on.
    pub(super) fn of(state: &State, crypto: &dyn RTCCryptoProvider) -> Option<Self> {
        let mut config = Config { profile: profile_of(state.srtp_protection_profile())?, ..Config::default() };
        let material =
            state.export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], config.keying_material_len()).ok()?;
        config.set_session_keys_from_keying_material(material.as_ref(), state.is_client()).ok()?;
        let keys = &config.keys;
        let outgoing =
            Context::new(&keys.local_master_key, &keys.local_master_salt, config.profile, None, None, crypto.crypto());
        Some(Self {
            outgoing: outgoing.ok()?,
            incoming: None,
            declared: None,
            reporters: Vec::new(),
            forgeries: 0,
            config,
        })
    }

    /// RTP for the browser.
    pub(super) fn protect(&mut self, rtp: &[u8]) -> Option<BytesMut> {
        self.outgoing.encrypt_rtp(rtp).ok()
    }

    /// RTP of the browser. The first SSRC with a good packet is its stream; a stranger's costs a failed check and leaves
    /// nothing behind.
    pub(super) fn open(&mut self, packet: &[u8], crypto: &dyn RTCCryptoProvider) -> Option<BytesMut> {
        let ssrc = u32::from_be_bytes(*packet.get(8..)?.first_chunk()?);
        if let Some(incoming) = &mut self.incoming {
            return if incoming.ssrc == ssrc { incoming.context.decrypt_rtp(packet).ok() } else { None };
        }
        let mut context = self.context_for_incoming(crypto)?;
        let rtp = context.decrypt_rtp(packet).ok()?;
        self.incoming = Some(Incoming { ssrc, context });
        Some(rtp)
    }

    /// RTP of another gateway, of the streams that it declared.
    pub(super) fn open_declared(
        &mut self,
        packet: &[u8],
        declared: &HashSet<u32>,
        crypto: &dyn RTCCryptoProvider,
    ) -> Option<BytesMut> {
        let ssrc = u32::from_be_bytes(*packet.get(8..)?.first_chunk()?);
        if !declared.contains(&ssrc) {
            return None;
        }
        if self.declared.is_none() {
            self.declared = self.context_for_incoming(crypto);
        }
        self.declared.as_mut()?.decrypt_rtp(packet).ok()
    }

    /// RTCP for the browser.
    pub(super) fn protect_rtcp(&mut self, rtcp: &[u8]) -> Option<BytesMut> {
        self.outgoing.encrypt_rtcp(rtcp).ok()
    }

    /// RTCP of the browser.
    pub(super) fn open_rtcp(&mut self, packet: &[u8], crypto: &dyn RTCCryptoProvider) -> Option<BytesMut> {
        let ssrc = u32::from_be_bytes(*packet.get(4..)?.first_chunk()?);
        if !self.is_encrypted(packet)? {
            return None;
        }
        if let Some(known) = self.reporters.iter_mut().find(|known| known.ssrc == ssrc) {
            return known.context.decrypt_rtcp(packet).ok();
        }
        if self.reporters.len() >= MOST_REPORTERS || self.forgeries >= MOST_FORGERIES {
            return None;
        }
        let mut context = self.context_for_incoming(crypto)?;
        let Ok(rtcp) = context.decrypt_rtcp(packet) else {
            self.forgeries += 1;
            return None;
        };
        self.reporters.push(Incoming { ssrc, context });
        Some(rtcp)
    }

    /// The flag before the index (RFC 3711 section 3.4). The crate takes a packet without it as it is, unproven.
    fn is_encrypted(&self, packet: &[u8]) -> Option<bool> {
        let from_end = 4 + self.config.profile.rtcp_auth_tag_len();
        Some(packet.get(packet.len().checked_sub(from_end)?)? >> 7 == 1)
    }

    fn context_for_incoming(&self, crypto: &dyn RTCCryptoProvider) -> Option<Context> {
        let keys = &self.config.keys;
        let replay = Some(srtp_replay_protection(REPLAY_WINDOW));
        let replay_of_reports = Some(srtcp_replay_protection(REPLAY_WINDOW));
        let (key, salt) = (&keys.remote_master_key, &keys.remote_master_salt);
        Context::new(key, salt, self.config.profile, replay, replay_of_reports, crypto.crypto()).ok()
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
