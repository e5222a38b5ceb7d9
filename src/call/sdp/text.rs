//! The lines of an SDP that are about text (RFC 4103 sections 6 and 9).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::{Medium, Ours, Place};
use crate::media::TextSession;
use crate::media::text::Redundancy;
use crate::words::Direction;

/// The payload types of our own offers.
const T140: u8 = 98;
const RED: u8 = 99;

impl Medium {
    /// Whether a leg that receives text at `ours` could take it.
    pub(super) fn can_be_text(&self, ours: SocketAddr) -> bool {
        let fits = |address: IpAddr| address.is_unspecified() || address.is_ipv4() == ours.is_ipv4();
        let has_keys = !(self.is_protected() && self.crypto.is_empty());
        self.is_rtp() && has_keys && self.address.is_some_and(fits) && self.text_type("t140").is_some()
    }

    /// What of it is taken. Beside sound that is protected nothing is plain.
    pub(super) fn text_session(&self, ours: &Ours, is_protected: bool) -> Option<TextSession> {
        ours.text.filter(|ours| self.can_be_text(*ours))?;
        let keying = self.keying(&ours.protection, |keys| &keys.text).ok()?;
        if is_protected && keying.is_none() {
            return None;
        }
        let address = self.address?;
        let on_hold = address.is_unspecified();
        let t140 = self.text_type("t140")?;
        let red = self.text_type("red").map(|payload_type| {
            let listed = self.fmtp.get(&payload_type).map(|fmtp| fmtp.split('/').count());
            let generations = listed.map_or(TextSession::GENERATIONS, |blocks| blocks.saturating_sub(1));
            Redundancy { payload_type, generations: generations.min(TextSession::GENERATIONS) }
        });
        let letters = self.fmtp.get(&t140).and_then(|fmtp| {
            let (_, value) = fmtp
                .split(';')
                .find_map(|part| part.trim().split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("cps")))?;
            value.trim().parse().ok()
        });
        Some(TextSession {
            t140,
            red,
            remote: SocketAddr::new(address, self.port),
            direction: if on_hold { Direction::Inactive } else { self.direction.mirrored() },
            letters_a_second: letters.map_or(TextSession::LETTERS_A_SECOND, |letters: u16| letters.clamp(1, 1_000)),
            keying,
        })
    }

    /// The payload type of a format of text.
    fn text_type(&self, name: &str) -> Option<u8> {
        self.payload_types.iter().copied().filter(|kind| *kind < 128).find(|kind| {
            self.rtpmap.get(kind).is_some_and(|(format, clock)| format.eq_ignore_ascii_case(name) && *clock == 1_000)
        })
    }
}

/// Says what is taken of an offer.
pub(super) fn describe(sdp: &mut String, ours: Place<'_>, taken: &TextSession) {
    lines(sdp, ours, (taken.t140, taken.red), taken.direction);
}

/// Offers text.
pub(super) fn offer(sdp: &mut String, ours: Place<'_>) {
    let red = Redundancy { payload_type: RED, generations: TextSession::GENERATIONS };
    lines(sdp, ours, (T140, Some(red)), Direction::SendRecv);
}

fn lines(sdp: &mut String, ours: Place<'_>, (t140, red): (u8, Option<Redundancy>), direction: Direction) {
    let kinds = red.map_or_else(|| t140.to_string(), |red| format!("{} {t140}", red.payload_type));
    // Writing to a String cannot fail.
    let _ = write!(sdp, "m=text {} {} {kinds}\r\na=rtpmap:{t140} t140/1000\r\n", ours.address.port(), ours.protocol);
    let _ = write!(sdp, "a=fmtp:{t140} cps={}\r\n", TextSession::LETTERS_A_SECOND);
    if let Some(Redundancy { payload_type, generations }) = red {
        let blocks = vec![t140.to_string(); generations + 1].join("/");
        let _ = write!(sdp, "a=rtpmap:{payload_type} red/1000\r\na=fmtp:{payload_type} {blocks}\r\n");
    }
    let _ = write!(sdp, "a={}\r\n", direction.name());
}

#[cfg(test)]
mod tests {
    use super::super::{Protection, accept, answer, has_text};
    use super::*;
    use crate::words::Codec;

    const ORDER: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

    fn ours() -> Ours {
        Ours {
            audio: ([192, 0, 2, 9], 20_000).into(),
            text: Some(([192, 0, 2, 9], 20_002).into()),
            protection: Protection::None,
        }
    }

    fn offer_of(lines: &str) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n{lines}"
        )
    }

    fn answered(lines: &str) -> (Option<TextSession>, String) {
        let (session, text) = answer(&offer_of(lines), ours(), &ORDER, 1).expect("an answer");
        (session.text, text)
    }

    const FORMATS: &str =
        "a=rtpmap:100 t140/1000\r\na=fmtp:100 cps=20\r\na=rtpmap:101 RED/1000\r\na=fmtp:101 100/100/100\r\n";

    #[test]
    fn text_is_answered_with_what_is_said_again_first_and_in_its_place() {
        let (text, sdp) = answered(&format!("m=text 5000 RTP/AVP 100 101\r\n{FORMATS}m=video 6000 RTP/AVP 96\r\n"));
        let text = text.expect("text");
        let red = Some(Redundancy { payload_type: 101, generations: 2 });
        assert_eq!((text.t140, text.red, text.letters_a_second), (100, red, 20));
        assert_eq!(text.remote, SocketAddr::from(([192, 0, 2, 1], 5000)));
        let lines: Vec<&str> = sdp.lines().skip_while(|line| !line.starts_with("m=text")).collect();
        let wanted = [
            "m=text 20002 RTP/AVP 101 100",
            "a=rtpmap:100 t140/1000",
            "a=fmtp:100 cps=30",
            "a=rtpmap:101 red/1000",
            "a=fmtp:101 100/100/100",
            "a=sendrecv",
            "m=video 0 RTP/AVP 96",
        ];
        assert_eq!(lines, wanted, "{sdp}");
    }

    #[test]
    fn a_telephone_without_redundancy_types_too_and_one_that_says_it_once_is_told_it_once() {
        let (text, sdp) = answered("m=text 5000 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n");
        assert_eq!(text.expect("text").red, None);
        assert!(sdp.contains("m=text 20002 RTP/AVP 98\r\n"), "{sdp}");
        let once = "m=text 5000 RTP/AVP 99 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:99 red/1000\r\na=fmtp:99 98/98\r\n";
        let (text, sdp) = answered(once);
        assert_eq!(text.and_then(|text| text.red).expect("redundancy").generations, 1);
        assert!(sdp.contains("a=fmtp:99 98/98\r\n"), "{sdp}");
    }

    #[test]
    fn what_is_no_text_for_us_is_refused_and_the_sound_goes_on() {
        for line in [
            "m=text 0 RTP/AVP 100 101",
            "m=text 5000 RTP/SAVP 100 101",
            "m=text 5000 RTP/AVP 107",
            "m=text 5000 RTP/AVP 200\r\na=rtpmap:200 t140/1000",
            "m=text 5000 RTP/AVP 100 101\r\nc=IN IP6 2001:db8::1",
        ] {
            let (text, sdp) = answered(&format!("{line}\r\n{FORMATS}"));
            assert_eq!(text, None, "{line}");
            assert!(sdp.contains("m=audio 20000") && sdp.contains("m=text 0 "), "{line}: {sdp}");
            assert!(!has_text(&offer_of(&format!("{line}\r\n{FORMATS}")), ours().audio));
        }
    }

    #[test]
    fn text_is_put_on_hold_by_itself_or_with_all() {
        for (lines, direction) in [
            ("a=inactive\r\n", Direction::Inactive),
            ("a=sendonly\r\n", Direction::RecvOnly),
            ("c=IN IP4 0.0.0.0\r\n", Direction::Inactive),
            ("", Direction::SendRecv),
        ] {
            let (text, sdp) = answered(&format!("m=text 5000 RTP/AVP 100 101\r\n{FORMATS}{lines}"));
            assert_eq!(text.map(|text| text.direction), Some(direction), "{lines}");
            assert!(sdp.ends_with(&format!("a={}\r\n", direction.name())), "{sdp}");
        }
    }

    #[test]
    fn our_own_offer_is_answered_and_accepted() {
        let theirs = Ours { audio: ([192, 0, 2, 1], 4000).into(), text: Some(([192, 0, 2, 1], 4002).into()), ..ours() };
        let offer = super::super::offer(ours(), &ORDER, 1);
        let (far, sdp) = answer(&offer, theirs.clone(), &ORDER, 1).expect("an answer");
        let near = accept(&sdp, ours(), &ORDER).expect("accepted");
        let (far, near) = (far.text.expect("text"), near.text.expect("text"));
        assert_eq!((near.remote.port(), far.remote.port()), (4002, 20_002));
        assert_eq!((near.red, near.t140), (far.red, far.t140));
        let (_, sdp) = answer(&offer, theirs.audio, &ORDER, 1).expect("an answer");
        assert_eq!(accept(&sdp, ours(), &ORDER).expect("accepted").text, None);
    }
}
