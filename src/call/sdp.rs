//! Offer and answer of one audio stream (RFC 8866, RFC 3264), and of one of text beside it (RFC 4103). In: the peer's SDP as text. Out: a
//! [`Session`] and our SDP, or a [`Refusal`]. The reader takes what old PBXs write: any line order, any case, unknown lines, more media
//! lines.

mod crypto;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::Refusal;
use crate::media::Session;
use crate::media::srtp::{Keying, MasterKey};
use crate::words::{Codec, Direction, Family};

use crypto::Crypto;
pub use crypto::Keys;

/// SDP longer than this is not read: a phone needs a twentieth of it.
const LONGEST: usize = 16_384;

/// The payload types that our own offers give to what has no static one.
const OPUS: u8 = 111;
const TELEPHONE_EVENT: u8 = 101;

/// Where we receive the media of one leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Sound.
    pub audio: SocketAddr,
    /// Text, if it can be taken.
    pub text: Option<SocketAddr>,
    /// Whether they are protected (SRTP).
    pub protection: Protection,
}

/// Whether media are protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// We have no keys.
    #[default]
    None,
    /// If the peer can.
    Possible(Keys),
    /// Or there is no call.
    Needed(Keys),
}

impl Protection {
    /// The same keys, without which there is no call.
    #[must_use]
    pub fn needed(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Possible(keys) | Self::Needed(keys) => Self::Needed(keys),
        }
    }

    const fn keys(&self) -> Option<&Keys> {
        match self {
            Self::None => None,
            Self::Possible(keys) | Self::Needed(keys) => Some(keys),
        }
    }
}

impl From<SocketAddr> for Ours {
    fn from(audio: SocketAddr) -> Self {
        Self { audio, text: None, protection: Protection::None }
    }
}

/// What an SDP says.
#[derive(Clone, Debug, Default)]
struct Description {
    /// Every media line as it came.
    lines: Vec<String>,
    /// The first audio stream.
    audio: Medium,
    /// The first stream of text.
    text: Option<Medium>,
}

/// What it says of one stream.
#[derive(Clone, Debug, Default)]
struct Medium {
    address: Option<IpAddr>,
    port: u16,
    protocol: String,
    payload_types: Vec<u8>,
    rtpmap: BTreeMap<u8, (String, u32)>,
    fmtp: BTreeMap<u8, String>,
    ptime: Option<u64>,
    direction: Direction,
    rtcp_port: Option<u16>,
    rtcp_mux: bool,
    crypto: Vec<Crypto>,
    /// Which of the media lines it is.
    place: usize,
}

/// Answers `offer` for a leg that receives RTP at `ours`; the first codec of `order` that the peer has is taken.
/// `version` counts our descriptions of this call.
///
/// # Errors
/// The offer cannot be read, or nothing in it fits.
pub fn answer(offer: &str, ours: impl Into<Ours>, order: &[Codec], version: u64) -> Result<(Session, String), Refusal> {
    let (Description { lines, audio, text }, ours) = (read(offer)?, ours.into());
    let mut session = audio.session(&ours, order)?;
    session.text = text.as_ref().and_then(|text| text.text_session(&ours, session.keying.is_some()));
    let keys = ours.protection.keys();
    let mut answer = head(ours.audio.ip(), version);
    for (place, line) in lines.iter().enumerate() {
        if place == audio.place {
            let formats = [(session.codec, session.payload_type)];
            let events = audio.events(session.telephone_event);
            let place = Place { address: ours.audio, protocol: &audio.protocol };
            media(&mut answer, place, &formats, events, session.direction, audio.ptime);
            if let Some((taken, keys)) = audio.crypto.first().zip(keys) {
                crypto::answer(&mut answer, taken, &keys.audio);
            }
            if session.rtcp_mux {
                answer.push_str("a=rtcp-mux\r\n");
            }
        } else if let (Some(taken), Some(address), Some(text)) = (&session.text, ours.text, &text)
            && text.place == place
        {
            text::describe(&mut answer, Place { address, protocol: &text.protocol }, taken);
            if let Some((taken, keys)) = text.crypto.first().zip(keys) {
                crypto::answer(&mut answer, taken, &keys.text);
            }
        } else {
            refuse(&mut answer, line);
        }
    }
    Ok((session, answer))
}

/// Whether an offer has text that we could take.
pub fn has_text(offer: &str, ours: SocketAddr) -> bool {
    read(offer).is_ok_and(|offer| offer.text.is_some_and(|text| text.can_be_text(ours)))
}

/// The family of the address at which the peer wants to be sent to.
///
/// # Errors
/// The offer cannot be read, or names no address.
pub fn family(offer: &str) -> Result<Family, Refusal> {
    read(offer)?.audio.address.map(Family::of).ok_or(Refusal::BadOffer)
}

/// Our own offer, for a peer that sent none (RFC 3261 section 13.2.1); with text, if there is a place for it.
pub fn offer(ours: impl Into<Ours>, order: &[Codec], version: u64) -> String {
    let ours = ours.into();
    let mut offer = head(ours.audio.ip(), version);
    let formats: Vec<(Codec, u8)> =
        order.iter().map(|codec| (*codec, codec.static_payload_type().unwrap_or(OPUS))).collect();
    let protocol = if matches!(ours.protection, Protection::Needed(_)) { "RTP/SAVP" } else { "RTP/AVP" };
    let place = Place { address: ours.audio, protocol };
    media(&mut offer, place, &formats, Some((TELEPHONE_EVENT, 8_000)), Direction::SendRecv, Some(20));
    let keys = ours.protection.keys();
    keys.into_iter().for_each(|keys| crypto::offer(&mut offer, &keys.audio));
    if let Some(address) = ours.text {
        text::offer(&mut offer, Place { address, protocol });
        keys.into_iter().for_each(|keys| crypto::offer(&mut offer, &keys.text));
    }
    offer
}

/// What holds after the peer answered [`offer`].
///
/// # Errors
/// The answer cannot be read, or takes nothing of the offer.
pub fn accept(answer: &str, ours: impl Into<Ours>, order: &[Codec]) -> Result<Session, Refusal> {
    let (Description { audio, text, .. }, ours) = (read(answer)?, ours.into());
    // The first format of an answer is the one that its sender prefers (RFC 3264 section 6.1).
    let chosen =
        audio.payload_types.iter().find_map(|kind| audio.codec_of(*kind).filter(|codec| order.contains(codec)));
    let codec = chosen.ok_or_else(|| Refusal::NoCommonCodec { ours: order.to_vec() })?;
    let session = audio.session(&ours, &[codec])?;
    let text = text.and_then(|text| text.text_session(&ours, session.keying.is_some()));
    Ok(Session { text, ..session })
}

impl Medium {
    fn session(&self, ours: &Ours, order: &[Codec]) -> Result<Session, Refusal> {
        if !self.is_rtp() {
            return Err(Refusal::NoCommonTransport);
        }
        let keying = self.keying(&ours.protection, |keys| &keys.audio)?;
        let address = self.address.ok_or(Refusal::BadOffer)?;
        // "On hold" as RFC 2543 wrote it: an address of zeros, which is of no family.
        let on_hold = address.is_unspecified();
        if !on_hold && address.is_ipv4() != ours.audio.is_ipv4() {
            return Err(Refusal::NoCommonAddress);
        }
        let (codec, payload_type) = order
            .iter()
            .find_map(|codec| {
                let kind = self.payload_types.iter().find(|kind| self.codec_of(**kind) == Some(*codec))?;
                Some((*codec, *kind))
            })
            .ok_or_else(|| Refusal::NoCommonCodec { ours: order.to_vec() })?;
        let wants = |parameter: &str| self.fmtp.get(&payload_type).is_some_and(|fmtp| has(fmtp, parameter));
        let remote_rtp = SocketAddr::new(address, self.port);
        let rtcp_port = if self.rtcp_mux { self.port } else { self.rtcp_port.unwrap_or(self.port.saturating_add(1)) };
        let direction = if on_hold { Direction::Inactive } else { self.direction.mirrored() };
        Ok(Session {
            codec,
            payload_type,
            ptime: Duration::from_millis(ptime(codec, self.ptime)),
            telephone_event: self.telephone_event(codec),
            remote_rtp,
            remote_rtcp: SocketAddr::new(address, rtcp_port),
            direction,
            rtcp_mux: self.rtcp_mux,
            fec: codec == Codec::Opus && wants("useinbandfec=1"),
            dtx: codec == Codec::Opus && wants("usedtx=1"),
            keying,
            text: None,
        })
    }

    fn is_rtp(&self) -> bool {
        self.is_protected()
            || ["RTP/AVP", "RTP/AVPF"].iter().any(|protocol| self.protocol.eq_ignore_ascii_case(protocol))
    }

    fn is_protected(&self) -> bool {
        ["RTP/SAVP", "RTP/SAVPF"].iter().any(|protocol| self.protocol.eq_ignore_ascii_case(protocol))
    }

    /// How its packets are protected: by the first keys of the peer that we can take.
    fn keying(
        &self,
        protection: &Protection,
        ours: impl FnOnce(&Keys) -> &MasterKey,
    ) -> Result<Option<Box<Keying>>, Refusal> {
        match (self.crypto.first(), protection.keys()) {
            (Some(theirs), Some(keys)) => Ok(Some(Box::new(theirs.taken(ours(keys))))),
            _ if self.is_protected() => Err(Refusal::NoCommonTransport),
            _ if matches!(protection, Protection::Needed(_)) => Err(Refusal::Unprotected),
            _ => Ok(None),
        }
    }

    fn codec_of(&self, kind: u8) -> Option<Codec> {
        let Some((name, clock)) = self.rtpmap.get(&kind) else {
            return Codec::ALL.into_iter().find(|codec| codec.static_payload_type() == Some(kind));
        };
        Codec::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name) && codec.clock() == *clock)
    }

    /// The payload type of events with the clock that the peer gave it.
    fn events(&self, kind: Option<u8>) -> Option<(u8, u32)> {
        let kind = kind?;
        Some((kind, self.rtpmap.get(&kind).map_or(8_000, |(_, clock)| *clock)))
    }

    /// Events should run on the codec's clock (RFC 4733 section 2.1); phones that have only those of 8 kHz send them all the
    /// same beside Opus.
    fn telephone_event(&self, codec: Codec) -> Option<u8> {
        let kinds = self.payload_types.iter().filter_map(|kind| Some((*kind, self.rtpmap.get(kind)?)));
        let events = kinds.filter(|(_, (name, _))| name.eq_ignore_ascii_case("telephone-event"));
        let mut of_any_clock = None;
        for (kind, (_, clock)) in events {
            if *clock == codec.clock() {
                return Some(kind);
            }
            of_any_clock.get_or_insert(kind);
        }
        of_any_clock
    }
}

/// 10 to 60 ms; Opus has no 30 ms frame, and one length serves all.
fn ptime(codec: Codec, asked: Option<u64>) -> u64 {
    let asked = asked.unwrap_or(20) / 10 * 10;
    match codec {
        Codec::Opus => 20,
        Codec::Pcma | Codec::Pcmu | Codec::G722 => asked.clamp(10, 60),
    }
}

fn has(fmtp: &str, parameter: &str) -> bool {
    fmtp.split(';').any(|part| part.trim().eq_ignore_ascii_case(parameter))
}

fn read(text: &str) -> Result<Description, Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal::BadOffer);
    }
    let (mut lines, mut audio, mut text_of): (Vec<String>, Option<Medium>, Option<Medium>) = (Vec::new(), None, None);
    let mut session_address = None;
    let mut session_direction = None;
    // The medium to which a line belongs, if it is one of those that we read.
    let mut inside = None;
    for line in text.lines().map(str::trim_end) {
        let Some((kind, value)) = line.split_once('=') else { continue };
        let medium = match inside {
            Some(Kind::Audio) => audio.as_mut(),
            Some(Kind::Text) => text_of.as_mut(),
            None => None,
        };
        match (kind.trim(), medium) {
            ("m", _) => {
                let found = Medium::read_line(value, lines.len(), session_direction.unwrap_or_default());
                inside = found.as_ref().map(|(kind, _)| *kind).filter(|kind| match kind {
                    Kind::Audio => audio.is_none(),
                    Kind::Text => text_of.is_none(),
                });
                match (inside, found) {
                    (Some(Kind::Audio), Some((_, medium))) => audio = Some(medium),
                    (Some(Kind::Text), Some((_, medium))) => text_of = Some(medium),
                    (Some(_) | None, _) => {}
                }
                lines.push(value.to_owned());
            }
            ("c", Some(medium)) => medium.address = read_connection(value).or(medium.address),
            ("c", None) if lines.is_empty() => session_address = read_connection(value),
            ("a", Some(medium)) => medium.read_attribute(value),
            ("a", None) if lines.is_empty() => {
                session_direction = Direction::named(value.trim()).or(session_direction);
            }
            _ => {}
        }
    }
    for medium in audio.iter_mut().chain(&mut text_of) {
        medium.address = medium.address.or(session_address);
    }
    Ok(Description { lines, audio: audio.ok_or(Refusal::BadOffer)?, text: text_of })
}

/// The media that we read.
#[derive(Clone, Copy)]
enum Kind {
    Audio,
    Text,
}

impl Medium {
    /// `audio 4000 RTP/AVP 8 0 101`; nothing if it is another medium, or refused by port 0.
    fn read_line(value: &str, place: usize, direction: Direction) -> Option<(Kind, Self)> {
        let mut words = value.split_whitespace();
        let kind = match words.next()?.to_ascii_lowercase().as_str() {
            "audio" => Kind::Audio,
            "text" => Kind::Text,
            _ => return None,
        };
        let port = words.next().and_then(|port| port.split('/').next()?.parse().ok()).filter(|port| *port != 0)?;
        let protocol = words.next().unwrap_or_default().to_owned();
        let payload_types = words.filter_map(|kind| kind.parse().ok()).take(64).collect();
        Some((kind, Self { port, protocol, payload_types, place, direction, ..Self::default() }))
    }

    fn read_attribute(&mut self, value: &str) {
        if let Some(direction) = Direction::named(value.trim()) {
            self.direction = direction;
            return;
        }
        let (name, rest) = value.split_once(':').unwrap_or((value, ""));
        match name.to_ascii_lowercase().as_str() {
            "rtpmap" => {
                let Some((kind, format)) = rest.trim().split_once(char::is_whitespace) else { return };
                let mut parts = format.trim().split('/');
                let name = parts.next().unwrap_or_default().to_owned();
                if let (Ok(kind), Some(Ok(clock))) = (kind.parse(), parts.next().map(|clock| clock.trim().parse())) {
                    self.rtpmap.insert(kind, (name, clock));
                }
            }
            "fmtp" => {
                if let Some((kind, parameters)) = rest.trim().split_once(char::is_whitespace)
                    && let Ok(kind) = kind.parse()
                {
                    self.fmtp.insert(kind, parameters.trim().to_owned());
                }
            }
            "ptime" => self.ptime = rest.trim().parse().ok(),
            "rtcp" => self.rtcp_port = rest.split_whitespace().next().and_then(|port| port.parse().ok()),
            "rtcp-mux" => self.rtcp_mux = true,
            "crypto" if self.crypto.len() < crypto::MOST => self.crypto.extend(Crypto::read(rest)),
            _ => {}
        }
    }
}

fn read_connection(value: &str) -> Option<IpAddr> {
    value.split_whitespace().nth(2)?.split('/').next()?.parse().ok()
}

const fn name_of(family: Family) -> &'static str {
    match family {
        Family::V4 => "IP4",
        Family::V6 => "IP6",
    }
}

fn head(address: IpAddr, version: u64) -> String {
    let family = name_of(Family::of(address));
    format!("v=0\r\no=einwahl {version} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n")
}

/// Where we take a medium, and how.
#[derive(Clone, Copy)]
struct Place<'a> {
    address: SocketAddr,
    protocol: &'a str,
}

fn media(
    text: &mut String,
    ours: Place<'_>,
    formats: &[(Codec, u8)],
    events: Option<(u8, u32)>,
    direction: Direction,
    ptime: Option<u64>,
) {
    let kinds = formats.iter().map(|(_, kind)| *kind).chain(events.map(|(kind, _)| kind));
    let kinds = kinds.map(|kind| kind.to_string()).collect::<Vec<_>>().join(" ");
    // Writing to a String cannot fail.
    let _ = write!(text, "m=audio {} {} {kinds}\r\n", ours.address.port(), ours.protocol);
    for (codec, kind) in formats {
        let channels = if *codec == Codec::Opus { "/2" } else { "" };
        let _ = write!(text, "a=rtpmap:{kind} {}/{}{channels}\r\n", codec.name(), codec.clock());
        if *codec == Codec::Opus {
            let _ = write!(text, "a=fmtp:{kind} maxaveragebitrate={OPUS_BITRATE};useinbandfec=1;stereo=0\r\n");
        }
    }
    if let Some((kind, clock)) = events {
        let _ = write!(text, "a=rtpmap:{kind} telephone-event/{clock}\r\na=fmtp:{kind} 0-15\r\n");
    }
    let direction = direction.name();
    let _ = write!(text, "a=ptime:{}\r\na={direction}\r\n", ptime.unwrap_or(20).clamp(10, 60));
}

/// What a telephone may spend on a voice in Opus, in bits per second (RFC 7587 section 6.1): some take much less if nothing is
/// said, and what pays for redundancy is then missing in the voice.
const OPUS_BITRATE: u32 = 64_000;

/// A medium that we do not take keeps its line, with port 0 (RFC 3264 section 6).
fn refuse(text: &mut String, line: &str) {
    let mut words = line.split_whitespace();
    let medium = words.next().unwrap_or("audio");
    let rest: Vec<&str> = words.skip(1).collect();
    let _ = write!(text, "m={medium} 0 {}\r\n", rest.join(" "));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDER: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu];

    fn ours() -> SocketAddr {
        ([192, 0, 2, 9], 20_000).into()
    }

    fn offer_of(lines: &str) -> String {
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}")
    }

    #[test]
    fn an_old_pbx_that_writes_no_rtpmap_gets_a_law() {
        let (session, text) = answer(&offer_of("m=audio 4000 RTP/AVP 8 0\r\n"), ours(), &ORDER, 1).expect("an answer");
        assert_eq!((session.codec, session.payload_type, session.telephone_event), (Codec::Pcma, 8, None));
        assert_eq!(session.remote_rtp, SocketAddr::from(([192, 0, 2, 1], 4000)));
        assert_eq!(session.remote_rtcp.port(), 4001);
        assert!(text.contains("m=audio 20000 RTP/AVP 8\r\n"), "only what is then used:\n{text}");
    }

    #[test]
    fn the_order_of_the_trunk_decides_and_payload_types_are_the_peers() {
        let lines = "m=audio 4000 RTP/AVP 8 96 97\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1; usedtx=1\r\n\
                     a=rtpmap:97 telephone-event/48000\r\na=ptime:40\r\n";
        let (session, _) = answer(&offer_of(lines), ours(), &ORDER, 1).expect("an answer");
        assert_eq!((session.codec, session.payload_type, session.telephone_event), (Codec::Opus, 96, Some(97)));
        assert!(session.fec && session.dtx);
        let (session, text) = answer(&offer_of(lines), ours(), &[Codec::Pcma], 1).expect("an answer");
        assert_eq!((session.codec, session.ptime), (Codec::Pcma, Duration::from_millis(40)));
        assert!(text.contains("a=ptime:40\r\n"));
    }

    #[test]
    fn a_phone_with_opus_and_events_of_8_khz_is_told_that_they_are_taken() {
        let lines = "m=audio 4000 RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
        let (session, text) = answer(&offer_of(lines), ours(), &ORDER, 1).expect("an answer");
        assert_eq!(session.telephone_event, Some(101));
        assert!(text.contains("a=rtpmap:101 telephone-event/8000\r\n"), "{text}");
    }

    #[test]
    fn hold_is_mirrored_in_all_its_forms() {
        for (line, expected) in [
            ("a=sendonly", Direction::RecvOnly),
            ("a=recvonly", Direction::SendOnly),
            ("a=inactive", Direction::Inactive),
            ("a=sendrecv", Direction::SendRecv),
            ("c=IN IP4 0.0.0.0", Direction::Inactive),
        ] {
            let offer = offer_of(&format!("m=audio 4000 RTP/AVP 8\r\n{line}\r\n"));
            let (session, _) = answer(&offer, ours(), &ORDER, 1).expect("an answer");
            assert_eq!(session.direction, expected, "{line}");
        }
    }

    #[test]
    fn video_is_refused_in_its_place_and_the_call_goes_on() {
        let offer = offer_of("m=video 5000 RTP/AVP 96\r\nc=IN IP4 192.0.2.7\r\nm=audio 4000 RTP/AVP 0\r\n");
        let (session, text) = answer(&offer, ours(), &ORDER, 1).expect("an answer");
        assert_eq!(session.remote_rtp, SocketAddr::from(([192, 0, 2, 1], 4000)));
        let media: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(media, ["m=video 0 RTP/AVP 96", "m=audio 20000 RTP/AVP 0"]);
    }

    #[test]
    fn text_is_refused_in_its_place_where_it_cannot_be_taken() {
        let offer = offer_of("m=audio 4000 RTP/AVP 0\r\nm=text 4002 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n");
        let (session, text) = answer(&offer, ours(), &ORDER, 1).expect("an answer");
        assert_eq!(session.text, None);
        assert!(text.ends_with("m=text 0 RTP/AVP 98\r\n"), "{text}");
    }

    #[test]
    fn each_mismatch_has_its_own_refusal() {
        let refused = |lines: &str| answer(&offer_of(lines), ours(), &ORDER, 1).expect_err("refused");
        assert_eq!(refused(""), Refusal::BadOffer);
        assert_eq!(refused("m=audio 0 RTP/AVP 8\r\n"), Refusal::BadOffer);
        assert_eq!(refused("m=audio 4000 RTP/SAVP 8\r\n"), Refusal::NoCommonTransport);
        assert_eq!(refused("m=audio 4000 RTP/AVP 8\r\nc=IN IP6 2001:db8::1\r\n"), Refusal::NoCommonAddress);
        assert_eq!(refused("m=audio 4000 RTP/AVP 18\r\n"), Refusal::NoCommonCodec { ours: ORDER.to_vec() });
    }

    #[test]
    fn our_own_offer_is_answered_and_accepted() {
        let theirs: SocketAddr = ([192, 0, 2, 1], 4000).into();
        let ours_offer = offer(ours(), &ORDER, 1);
        let (far, text) = answer(&ours_offer, theirs, &[Codec::G722], 1).expect("an answer");
        let near = accept(&text, ours(), &ORDER).expect("accepted");
        assert_eq!((near.codec, far.codec), (Codec::G722, Codec::G722));
        assert_eq!((near.remote_rtp, far.remote_rtp), (theirs, ours()));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "(m=|a=|c=|audio|rtpmap:|fmtp:|[0-9]{1,6}|IN IP4|RTP/AVP|[ /:;\r\n]|\\PC){0,80}") {
            let _ = answer(&text, ours(), &ORDER, 1);
            let _ = accept(&text, ours(), &ORDER);
        }
    }
}
