//! Why a call is refused, and how each refusal looks on the wire: in SIP (RFC 3261), as a Q.850 cause for the
//! telephone network behind the trunk (RFC 3398 section 8.2.6.1, RFC 3326), and as a sentence for the admin who reads the
//! log. Every mapping is total: a new refusal does not compile without all of them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::{Both, Codec, Language, TrunkName, both};

/// Why a call does not get in. Call records keep it by these words: one that gets another name is read in English alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// No rule of the dialplan takes the called number.
    NoRule,
    /// A rule says that the number does not exist.
    NotFound,
    /// A rule refuses this caller.
    Forbidden,
    /// The room is locked.
    RoomLocked,
    /// The meeting or the office is closed at this hour.
    Closed,
    /// As many calls are up as may be at once for this number.
    Busy,
    /// Nobody of those who were rung has answered.
    NobodyAnswers,
    /// All who were rung are busy.
    AllBusy,
    /// Peer and gateway share no codec.
    NoCommonCodec {
        /// What the gateway would have taken, in its order.
        ours: Vec<Codec>,
    },
    /// The offer is not SDP that can be read, or has no audio.
    BadOffer,
    /// The offer gives an address of a family that the gateway does not have.
    NoCommonAddress,
    /// The offer asks for a media transport that the gateway does not have.
    NoCommonTransport,
    /// The sound would not be protected (SRTP), and has to be.
    Unprotected,
    /// The session interval is below the least that the gateway takes (RFC 4028 section 6).
    IntervalTooSmall {
        /// The least interval that is taken.
        least: Duration,
    },
    /// This node is being emptied for maintenance.
    Draining,
    /// This node carries as many calls as it can.
    Full,
    /// As many calls are up as this trunk may have.
    TrunkFull {
        /// Which.
        trunk: TrunkName,
    },
    /// The trunk may not send its calls over this transport.
    WrongTransport {
        /// Which.
        trunk: TrunkName,
    },
    /// The INVITE lacks what a dialog needs: a usable Contact (RFC 3261 section 8.1.1.8).
    NoContact,
    /// The caller sends requests faster than a telephone does.
    Flood,
    /// A rule sends the call elsewhere.
    Elsewhere {
        /// A SIP or tel URI.
        to: String,
    },
    /// A call from where members' systems call, and from none of them.
    NoMember,
    /// Another institution's system speaks for somebody who is not of it.
    NotTheirs,
    /// No meeting here is shared with the institution under this name, at this hour.
    NotShared,
    /// The sound of a trunk or of another institution is to come from an address that is not its own, or to go there.
    MediaElsewhere,
    /// An emergency call: the telephone system has to find another way for it (RFC 6881 section 9.2 leaves it to the proxy).
    Emergency,
}

/// A warning code of RFC 3261 section 20.43.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarnCode {
    /// 301: a network address format is not available.
    AddressFormat,
    /// 302: a network transport is not available.
    Transport,
    /// 304: a media type is not available.
    MediaType,
    /// 305: no offered media format is available.
    MediaFormat,
    /// 399: something else.
    Miscellaneous,
}

impl WarnCode {
    /// The three digits.
    pub const fn code(self) -> u16 {
        match self {
            Self::AddressFormat => 301,
            Self::Transport => 302,
            Self::MediaType => 304,
            Self::MediaFormat => 305,
            Self::Miscellaneous => 399,
        }
    }
}

/// A refusal as the peer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnTheWire {
    /// SIP status code.
    pub status: u16,
    /// SIP reason phrase.
    pub phrase: &'static str,
    /// Cause value for the `Reason` header, protocol `Q.850`.
    pub cause: u8,
    /// When to try again, for the `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// What to put into `Warning`, besides the agent's name.
    pub warning: Option<(WarnCode, String)>,
    /// What to put into `Min-SE`.
    pub min_se: Option<Duration>,
}

/// A drained or full node has a neighbour or is free again after this time.
const SOON: Duration = Duration::from_secs(10);

/// A caller who floods is asked to wait longer than a retransmission takes (timer B, 32 s).
const LATER: Duration = Duration::from_secs(60);

impl Refusal {
    /// SIP status and phrase, Q.850 cause. RFC 3398 leaves the cause of a 488 to its Warning: none of ours is about
    /// bandwidth, so it is 65 (bearer capability not implemented). It does not know 422: 127 (interworking), as for 423.
    const fn status(&self) -> (u16, &'static str, u8) {
        match self {
            Self::NoRule | Self::NotFound | Self::NotShared => (404, "Not Found", 1),
            Self::Forbidden | Self::RoomLocked | Self::WrongTransport { .. } | Self::NoMember | Self::NotTheirs => {
                (403, "Forbidden", 21)
            }
            Self::NoContact => (400, "Bad Request", 41),
            Self::Closed | Self::NobodyAnswers => (480, "Temporarily Unavailable", 18),
            Self::Busy | Self::AllBusy => (486, "Busy Here", 17),
            Self::NoCommonCodec { .. }
            | Self::BadOffer
            | Self::NoCommonAddress
            | Self::NoCommonTransport
            | Self::Unprotected
            | Self::MediaElsewhere => (488, "Not Acceptable Here", 65),
            Self::IntervalTooSmall { .. } => (422, "Session Interval Too Small", 127),
            Self::Draining | Self::Full | Self::TrunkFull { .. } | Self::Flood => (503, "Service Unavailable", 41),
            Self::Elsewhere { .. } => (302, "Moved Temporarily", 23),
            Self::Emergency => (404, "Not Found", 3),
        }
    }

    /// How this refusal looks on the wire.
    pub fn on_the_wire(&self) -> OnTheWire {
        let (status, phrase, cause) = self.status();
        OnTheWire {
            status,
            phrase,
            cause,
            retry_after: self.retry_after(),
            warning: self.warning(),
            min_se: self.min_se(),
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Draining | Self::Full | Self::TrunkFull { .. } => Some(SOON),
            Self::Flood => Some(LATER),
            Self::NoRule
            | Self::NotFound
            | Self::Forbidden
            | Self::RoomLocked
            | Self::Closed
            | Self::Busy
            | Self::NobodyAnswers
            | Self::AllBusy
            | Self::NoCommonCodec { .. }
            | Self::BadOffer
            | Self::NoCommonAddress
            | Self::NoCommonTransport
            | Self::Unprotected
            | Self::IntervalTooSmall { .. }
            | Self::WrongTransport { .. }
            | Self::NoContact
            | Self::Elsewhere { .. }
            | Self::NoMember
            | Self::NotTheirs
            | Self::NotShared
            | Self::MediaElsewhere
            | Self::Emergency => None,
        }
    }

    fn warning(&self) -> Option<(WarnCode, String)> {
        match self {
            Self::NoCommonCodec { ours } => {
                Some((WarnCode::MediaFormat, format!("no common codec; this gateway takes {}", list(ours))))
            }
            Self::BadOffer => Some((WarnCode::MediaType, String::from("no audio in the offer that can be read"))),
            Self::NoCommonAddress => Some((WarnCode::AddressFormat, String::from("address family not available"))),
            Self::MediaElsewhere => {
                Some((WarnCode::Miscellaneous, String::from("media address not in the declared networks")))
            }
            Self::NoCommonTransport => Some((WarnCode::Transport, String::from("media transport not available"))),
            Self::Unprotected => Some((WarnCode::Transport, String::from("SRTP is required"))),
            Self::NoRule
            | Self::NotFound
            | Self::Forbidden
            | Self::RoomLocked
            | Self::Closed
            | Self::Busy
            | Self::NobodyAnswers
            | Self::AllBusy
            | Self::IntervalTooSmall { .. }
            | Self::Draining
            | Self::Full
            | Self::TrunkFull { .. }
            | Self::WrongTransport { .. }
            | Self::NoContact
            | Self::Flood
            | Self::Elsewhere { .. }
            | Self::NoMember
            | Self::NotTheirs
            | Self::NotShared
            | Self::Emergency => None,
        }
    }

    /// One word for it, for figures.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoRule => "no-rule",
            Self::NotFound => "not-found",
            Self::Forbidden => "forbidden",
            Self::RoomLocked => "room-locked",
            Self::Closed => "closed",
            Self::Busy => "busy",
            Self::NobodyAnswers => "nobody-answers",
            Self::AllBusy => "all-busy",
            Self::NoCommonCodec { .. } => "no-common-codec",
            Self::BadOffer => "bad-offer",
            Self::NoCommonAddress => "no-common-address",
            Self::NoCommonTransport => "no-common-transport",
            Self::Unprotected => "unprotected",
            Self::IntervalTooSmall { .. } => "interval-too-small",
            Self::Draining => "draining",
            Self::Full => "full",
            Self::TrunkFull { .. } => "trunk-full",
            Self::WrongTransport { .. } => "wrong-transport",
            Self::NoContact => "no-contact",
            Self::Flood => "flood",
            Self::Elsewhere { .. } => "elsewhere",
            Self::NoMember => "no-member",
            Self::NotTheirs => "not-theirs",
            Self::NotShared => "not-shared",
            Self::MediaElsewhere => "media-elsewhere",
            Self::Emergency => "emergency",
        }
    }

    /// Every word of [`Self::reason`].
    pub const REASONS: [&'static str; 26] = [
        "no-rule",
        "not-found",
        "forbidden",
        "room-locked",
        "closed",
        "busy",
        "nobody-answers",
        "all-busy",
        "no-common-codec",
        "bad-offer",
        "no-common-address",
        "no-common-transport",
        "unprotected",
        "interval-too-small",
        "draining",
        "full",
        "trunk-full",
        "wrong-transport",
        "no-contact",
        "flood",
        "elsewhere",
        "no-member",
        "not-theirs",
        "not-shared",
        "media-elsewhere",
        "emergency",
    ];

    /// Where to try instead, for the `Contact` header of a 302 (RFC 3261 section 21.3.3).
    pub const fn contact(&self) -> Option<&String> {
        if let Self::Elsewhere { to } = self { Some(to) } else { None }
    }

    const fn min_se(&self) -> Option<Duration> {
        if let Self::IntervalTooSmall { least } = self { Some(*least) } else { None }
    }
}

impl Refusal {
    /// One sentence for an admin: what happened and what to do.
    pub fn told(&self) -> Both {
        match self {
            Self::NoRule => both!(
                "keine Regel nimmt die gewählte Nummer: `einwahl dialplan trace` zeigt, warum; schreiben Sie eine, oder eine letzte \
                 für den Rest",
                "no rule takes the called number: `einwahl dialplan trace` shows why; add one, or a last rule for the rest"
            ),
            Self::NotFound => both!(
                "eine Regel des Wählplans sagt, dass es diese Nummer nicht gibt",
                "a rule of the dialplan says that there is no such number"
            ),
            Self::Forbidden => {
                both!("eine Regel des Wählplans weist diesen Anrufer ab", "a rule of the dialplan refuses this caller")
            }
            Self::RoomLocked => both!(
                "der Raum ist abgeschlossen: Wer moderiert, kann ihn öffnen",
                "the room is locked: a moderator can unlock it"
            ),
            Self::Closed => both!(
                "zu dieser Zeit geschlossen: Siehe die Öffnungszeiten der Regel",
                "closed at this hour: see the rule's opening times"
            ),
            Self::Busy => both!(
                "für diese Nummer laufen so viele Anrufe, wie es zugleich sein dürfen",
                "as many calls are up as this number may have at once"
            ),
            Self::NobodyAnswers => both!(
                "niemand, bei dem es klingelte, hat abgenommen: Geben Sie solchen Anrufen ein `otherwise`",
                "nobody of those who were rung has answered: add an `otherwise` for such calls"
            ),
            Self::AllBusy => both!(
                "alle, bei denen es klingelte, sind besetzt: Geben Sie solchen Anrufen ein `otherwise`",
                "all who were rung are busy: add an `otherwise` for such calls"
            ),
            Self::NoCommonCodec { ours } => both!(
                "die Gegenstelle bietet nichts von {}: Erlauben Sie eines davon in der Telefonanlage",
                "the peer offers none of {}: allow one of them on the PBX",
                list(ours)
            ),
            Self::BadOffer => both!(
                "das SDP der Gegenstelle kann nicht gelesen werden oder hat keinen Ton: Sehen Sie die Nachrichten an",
                "the peer's SDP cannot be read or has no audio: look at its trace"
            ),
            Self::NoCommonAddress => both!(
                "die Adresse für den Ton ist von einer Art (IPv4, IPv6), die hier nicht eingerichtet ist",
                "the peer's media address is of a family (IPv4, IPv6) that is not set up here"
            ),
            Self::NoCommonTransport => both!(
                "die Gegenstelle will den Ton auf einem Weg, den es hier nicht gibt: Erlauben Sie dort RTP, oder SRTP mit \
                 AES_CM_128_HMAC_SHA1_80",
                "the peer wants media over a transport that there is not here: allow RTP there, or SRTP with AES_CM_128_HMAC_SHA1_80"
            ),
            Self::Unprotected => both!(
                "der Ton wäre unverschlüsselt: Schalten Sie dort SRTP ein (mit SDES), oder nehmen Sie hier `srtp = \"required\"` zurück",
                "the sound would not be encrypted: switch SRTP on there (with SDES), or take `srtp = \"required\"` back here"
            ),
            Self::IntervalTooSmall { least } => both!(
                "die Gegenstelle will die Sitzung öfter erneuern als alle {} s",
                "the peer wants to refresh the session more often than every {} s",
                least.as_secs()
            ),
            Self::Draining => both!(
                "dieser Knoten wird geleert: Neue Anrufe gehen an seine Nachbarn",
                "this node is being drained: new calls go to its neighbours"
            ),
            Self::Full => both!(
                "dieser Knoten trägt so viele Anrufe, wie er darf: Erhöhen Sie die Grenze, oder stellen Sie einen weiteren auf",
                "this node carries as many calls as it may: raise the limit or add a node"
            ),
            Self::TrunkFull { trunk } => both!(
                "der Anschluss {} hat so viele Anrufe, wie er darf: Erhöhen Sie sein most_calls, oder suchen Sie Anrufe, die nie enden",
                "trunk {} has as many calls as it may: raise its most_calls, or find calls that never end",
                trunk
            ),
            Self::WrongTransport { trunk } => both!(
                "der Anschluss {} darf auf diesem Weg nicht anrufen: Siehe seine transports",
                "trunk {} may not call over this transport: see its transports",
                trunk
            ),
            Self::NoContact => both!(
                "das INVITE der Gegenstelle hat keinen brauchbaren Contact: Sehen Sie die Nachrichten an",
                "the peer's INVITE has no usable Contact: look at its trace"
            ),
            Self::Elsewhere { to } => both!(
                "eine Regel des Wählplans schickt diesen Anruf an {}",
                "a rule of the dialplan sends this call to {}",
                to
            ),
            Self::NoMember => both!(
                "wer anruft, ist nicht mehr das System eines Mitglieds: Siehe das Register",
                "whoever calls is no member's system any more: see the registry"
            ),
            Self::NotTheirs => both!(
                "das System der Einrichtung spricht für jemanden aus einer anderen Domain: Sein From muss die eigene nennen",
                "the institution's system speaks for somebody of another domain: its From has to name its own"
            ),
            Self::NotShared => both!(
                "keine Konferenz dieses Namens ist zu dieser Zeit mit der Einrichtung geteilt: Siehe deren shares und \
                 [[federation.terms]]",
                "no meeting of this name is shared with the institution at this hour: see its shares, and [[federation.terms]]"
            ),
            Self::MediaElsewhere => both!(
                "der Ton soll an eine Adresse gehen, die in niemandes Netzen liegt: Siehe [[trunks]] und [[processors]], bei \
                 Mitgliedern media im Register",
                "sound is to go to an address that is in nobody's networks: see [[trunks]] and [[processors]], and for members \
                 media in the registry"
            ),
            Self::Emergency => both!(
                "ein Notruf kam hier an: Lassen Sie die Telefonanlage 110 und 112 selbst zur Leitstelle schicken",
                "an emergency call came here: let the telephone system send 110 and 112 to the emergency service itself"
            ),
            Self::Flood => both!(
                "zu viele Anfragen von dieser Adresse: Sie wird gebremst",
                "too many requests from this address: it is slowed down"
            ),
        }
    }
}

/// For the log, which is in English.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.told().said(Language::En))
    }
}

fn list(codecs: &[Codec]) -> String {
    codecs.iter().map(|codec| codec.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> Vec<Refusal> {
        vec![
            Refusal::NoRule,
            Refusal::NotFound,
            Refusal::Forbidden,
            Refusal::RoomLocked,
            Refusal::Closed,
            Refusal::Busy,
            Refusal::NobodyAnswers,
            Refusal::AllBusy,
            Refusal::NoCommonCodec { ours: vec![Codec::G722, Codec::Pcma] },
            Refusal::BadOffer,
            Refusal::NoCommonAddress,
            Refusal::NoCommonTransport,
            Refusal::Unprotected,
            Refusal::IntervalTooSmall { least: Duration::from_secs(90) },
            Refusal::Draining,
            Refusal::Full,
            Refusal::TrunkFull { trunk: "rathaus".parse().expect("a name") },
            Refusal::WrongTransport { trunk: "rathaus".parse().expect("a name") },
            Refusal::NoContact,
            Refusal::Flood,
            Refusal::NoMember,
            Refusal::NotTheirs,
            Refusal::NotShared,
            Refusal::MediaElsewhere,
        ]
    }

    #[test]
    fn each_refusal_is_told_in_both_languages_and_is_the_same_after_it_was_kept() {
        let others = [Refusal::Elsewhere { to: String::from("sip:rat@pbx.example") }, Refusal::Emergency];
        for refusal in every().into_iter().chain(others) {
            let told = refusal.told();
            assert!(told.said(Language::De) != told.said(Language::En), "{refusal:?}");
            assert_eq!(refusal.to_string(), told.said(Language::En), "the log is in English");
            let kept = serde_json::to_value(&refusal).expect("written");
            assert_eq!(serde_json::from_value::<Refusal>(kept).expect("read"), refusal);
        }
        let kept = serde_json::to_value(Refusal::TrunkFull { trunk: "haus".parse().expect("a name") });
        assert_eq!(kept.expect("written"), serde_json::json!({"trunkFull": {"trunk": "haus"}}));
    }

    /// What RFC 3398 section 8.2.6.1 says of each status, written down apart from the code. 422 and 488: see `status`.
    const CAUSES: [(u16, u8); 8] =
        [(400, 41), (403, 21), (404, 1), (422, 127), (480, 18), (486, 17), (488, 65), (503, 41)];

    #[test]
    fn the_telephone_network_gets_the_cause_that_the_rfc_gives_each_status() {
        for refusal in every() {
            let wire = refusal.on_the_wire();
            assert!(CAUSES.contains(&(wire.status, wire.cause)), "{refusal:?}: {} {}", wire.status, wire.cause);
        }
    }

    #[test]
    fn each_refusal_has_the_status_that_a_caller_can_tell_apart() {
        let statuses: Vec<u16> = every().iter().map(|refusal| refusal.on_the_wire().status).collect();
        assert_eq!(
            statuses,
            [
                404, 404, 403, 403, 480, 486, 480, 486, 488, 488, 488, 488, 488, 422, 503, 503, 503, 403, 400, 503,
                403, 403, 404, 488
            ]
        );
    }

    #[test]
    fn a_caller_who_is_told_to_come_back_is_told_when() {
        for refusal in every() {
            let wire = refusal.on_the_wire();
            assert_eq!(wire.status == 503, wire.retry_after.is_some(), "{refusal:?}");
        }
    }

    #[test]
    fn a_peer_without_a_common_codec_reads_what_would_do() {
        let wire = Refusal::NoCommonCodec { ours: vec![Codec::G722, Codec::Pcma] }.on_the_wire();
        assert_eq!((wire.status, wire.cause), (488, 65));
        let (code, text) = wire.warning.expect("a warning");
        assert_eq!(code.code(), 305);
        assert!(text.ends_with("G722, PCMA"), "{text}");
    }

    #[test]
    fn every_488_says_why_and_every_422_names_the_least_interval() {
        for refusal in every() {
            let wire = refusal.on_the_wire();
            assert_eq!(wire.status == 488, wire.warning.is_some(), "{refusal:?}");
            assert_eq!(wire.status == 422, wire.min_se.is_some(), "{refusal:?}");
        }
    }

    #[test]
    fn each_refusal_has_a_word_of_its_own() {
        let elsewhere = Refusal::Elsewhere { to: String::from("sip:100@pbx.example") };
        let mut words: Vec<_> =
            every().into_iter().chain([elsewhere, Refusal::Emergency]).map(|refusal| refusal.reason()).collect();
        let mut known = Refusal::REASONS.to_vec();
        words.sort_unstable();
        known.sort_unstable();
        assert_eq!(words, known);
    }

    #[test]
    fn an_admin_can_tell_every_two_refusals_apart() {
        let mut sentences: Vec<String> = every().iter().map(ToString::to_string).collect();
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), every().len());
    }
}
