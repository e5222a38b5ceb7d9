//! Our answer (RFC 8829 section 5.3). In: an offer and what is ours. Out: SDP as text, and what was agreed on.
//!
//! The first audio line with the browser's microphone carries what it says, and brings it the telephones' mix. Each
//! further audio line brings the sound of one other browser, untouched. Speakers change without another offer.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::dtls::Fingerprint;
use super::ice::Credentials;
use super::offer::{LEVEL, Line, Offer};
use crate::media::{BrowserSession, CanonicalName};
use crate::words::Direction;

/// An address where browsers reach us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// With UDP.
    Udp(SocketAddr),
    /// With TCP, for those whose network lets no UDP out (RFC 6544).
    Tcp(SocketAddr),
}

/// What a browser may spend on its voice, in bits per second: enough that a second codec, a telephone's, can follow.
const BITRATE: u32 = 64_000;

/// More streams than this are not sent to one browser.
const MOST_SLOTS: usize = 6;

/// Answers. `first_ssrc` and the numbers after it are ours for the streams, `name` is that of them all; a restart gets the same
/// again.
pub fn answer(
    offer: &Offer,
    fingerprint: Fingerprint,
    credentials: &Credentials,
    candidates: &[Candidate],
    first_ssrc: u32,
    name: &CanonicalName,
) -> (BrowserSession, String) {
    let taken = take(&offer.lines);
    let usable = offer.lines.iter().zip(&taken).find(|(_, taken)| **taken != Direction::Inactive).map(|(line, _)| line);
    let mut session = BrowserSession {
        payload_type: usable.and_then(|line| line.opus).unwrap_or_default(),
        level: usable.and_then(|line| line.level),
        slots: Vec::new(),
        name: name.clone(),
    };
    let mut text = head(offer, &taken);
    for (line, direction) in offer.lines.iter().zip(taken) {
        if direction == Direction::Inactive {
            // A line that we do not take keeps its place, with port 0 (RFC 3264 section 6).
            let _ = write!(text, "m={} 0 {}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\n", line.medium, line.formats, line.mid);
            text.push_str("a=inactive\r\n");
            continue;
        }
        media(&mut text, line, direction);
        transport(&mut text, fingerprint, credentials, candidates);
        if direction.sends() {
            let ssrc = first_ssrc.wrapping_add(u32::try_from(session.slots.len()).unwrap_or_default());
            let _ =
                write!(text, "a=msid:einwahl slot{}\r\na=ssrc:{ssrc} cname:{}\r\n", session.slots.len(), name.as_str());
            session.slots.push(ssrc);
        }
    }
    (session, text)
}

/// Our direction of each line: one microphone, and as many streams as there are slots; `Inactive` is refused.
fn take(lines: &[Line]) -> Vec<Direction> {
    let mut has_microphone = false;
    let mut slots = 0;
    lines
        .iter()
        .map(|line| {
            if !line.is_usable() {
                return Direction::Inactive;
            }
            let receives = line.direction.sends() && !has_microphone;
            let sends = line.direction.receives() && slots < MOST_SLOTS;
            has_microphone |= receives;
            slots += usize::from(sends);
            match (sends, receives) {
                (true, true) => Direction::SendRecv,
                (true, false) => Direction::SendOnly,
                (false, true) => Direction::RecvOnly,
                (false, false) => Direction::Inactive,
            }
        })
        .collect()
}

fn head(offer: &Offer, taken: &[Direction]) -> String {
    let mids = offer.lines.iter().zip(taken).filter(|(_, taken)| **taken != Direction::Inactive);
    let mids: Vec<&str> = mids.map(|(line, _)| line.mid.as_str()).collect();
    let mut text = String::from("v=0\r\no=einwahl 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n");
    // Writing to a String cannot fail.
    let _ = write!(text, "a=group:BUNDLE {}\r\na=msid-semantic: WMS einwahl\r\n", mids.join(" "));
    text
}

fn media(text: &mut String, line: &Line, direction: Direction) {
    let kind = line.opus.unwrap_or_default();
    let _ = write!(text, "m=audio 9 UDP/TLS/RTP/SAVPF {kind}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\n", line.mid);
    let _ = write!(text, "a={}\r\na=rtcp-mux\r\na=rtpmap:{kind} opus/48000/2\r\n", direction.name());
    let _ = write!(text, "a=fmtp:{kind} minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate={BITRATE}\r\n");
    if let Some(number) = line.level.filter(|_| direction.receives()) {
        let _ = write!(text, "a=extmap:{number} {LEVEL}\r\n");
    }
}

fn transport(text: &mut String, fingerprint: Fingerprint, credentials: &Credentials, candidates: &[Candidate]) {
    let Credentials { ufrag, password, .. } = credentials;
    let _ = write!(text, "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\n");
    let _ = write!(text, "a=fingerprint:sha-256 {fingerprint}\r\na=setup:passive\r\n");
    for (number, candidate) in candidates.iter().enumerate() {
        let (address, protocol, preference, kind) = match candidate {
            Candidate::Udp(address) => (address, "udp", 126, ""),
            Candidate::Tcp(address) => (address, "tcp", 90, " tcptype passive"),
        };
        let priority = priority(preference, number, address.ip());
        let (ip, port) = (address.ip(), address.port());
        let _ = write!(
            text,
            "a=candidate:{} 1 {protocol} {priority} {ip} {port} typ host{kind}\r\n",
            number.wrapping_add(1)
        );
    }
    text.push_str("a=end-of-candidates\r\n");
}

/// RFC 8445 section 5.1.2.1; IPv6 before IPv4 (section 5.1.2.2), earlier ones before later ones.
fn priority(preference: u32, number: usize, address: IpAddr) -> u32 {
    let family = if address.is_ipv6() { 1 << 15 } else { 0 };
    let local = family | (0x7fff_u32.saturating_sub(u32::try_from(number).unwrap_or(0x7fff)));
    preference << 24 | local << 8 | 255
}
