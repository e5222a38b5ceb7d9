//! What a browser offers (RFC 8829, RFC 8866). In: SDP as text. Out: what we need of it, or why it cannot be used.

use super::dtls::Fingerprint;
use crate::words::Direction;

/// SDP longer than this is not read: a page sends a tenth of it.
const LONGEST: usize = 65_536;

/// More media lines than this are not read.
const MOST_LINES: usize = 32;

/// Why an offer cannot be used. Names what is missing, for the one who wrote the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOffer {
    /// Too much of it.
    #[error("the offer is longer than {LONGEST} bytes, or has more than {MOST_LINES} media lines")]
    TooLong,
    /// No stream that we could receive or send.
    #[error("the offer has no audio line with Opus over UDP/TLS/RTP/SAVPF and rtcp-mux")]
    NoOpus,
    /// ICE needs them.
    #[error("the offer has no ice-ufrag, or one of a strange form")]
    NoCredentials,
    /// It proves who the browser is.
    #[error("the offer has no SHA-256 fingerprint")]
    NoFingerprint,
    /// We take part in the key exchange as the server.
    #[error("the offer insists on being the DTLS server (a=setup:passive)")]
    WrongSetup,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The browser's half of the credentials. Its password is needed only by those who send checks.
    pub ufrag: String,
    /// Of the certificate that it will show.
    pub fingerprint: Fingerprint,
    pub(super) lines: Vec<Line>,
}

/// One media line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// `audio`, and what stands after the port: for a line that we refuse.
    pub(super) medium: String,
    pub(super) formats: String,
    pub(super) mid: String,
    pub(super) direction: Direction,
    /// The payload type of Opus.
    pub(super) opus: Option<u8>,
    /// The number of the audio-level extension (RFC 6464).
    pub(super) level: Option<u8>,
    pub(super) rtcp_mux: bool,
    pub(super) secure: bool,
}

impl Line {
    pub(super) fn is_usable(&self) -> bool {
        self.medium == "audio" && self.opus.is_some() && self.rtcp_mux && self.secure
    }
}

/// The name of the extension by which a browser says how loud it is.
pub(super) const LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

#[derive(Default)]
struct Reader {
    ufrag: Option<String>,
    fingerprint: Option<Fingerprint>,
    is_server: bool,
    direction: Direction,
    lines: Vec<Line>,
}

impl Offer {
    /// Reads an offer.
    ///
    /// # Errors
    /// What it lacks.
    pub fn read(text: &str) -> Result<Self, BadOffer> {
        if text.len() > LONGEST {
            return Err(BadOffer::TooLong);
        }
        let mut reader = Reader::default();
        for line in text.lines().map(str::trim_end) {
            match line.split_once('=') {
                Some(("m", value)) => reader.media(value),
                Some(("a", value)) => reader.attribute(value),
                Some(_) | None => {}
            }
        }
        reader.finish()
    }
}

impl Reader {
    fn finish(self) -> Result<Offer, BadOffer> {
        if self.lines.len() > MOST_LINES {
            return Err(BadOffer::TooLong);
        }
        if !self.lines.iter().any(Line::is_usable) {
            return Err(BadOffer::NoOpus);
        }
        if self.is_server {
            return Err(BadOffer::WrongSetup);
        }
        let ufrag = self.ufrag.filter(|ufrag| is_ufrag(ufrag)).ok_or(BadOffer::NoCredentials)?;
        let fingerprint = self.fingerprint.ok_or(BadOffer::NoFingerprint)?;
        Ok(Offer { ufrag, fingerprint, lines: self.lines })
    }

    /// `audio 9 UDP/TLS/RTP/SAVPF 111 63`
    fn media(&mut self, value: &str) {
        if self.lines.len() > MOST_LINES {
            return;
        }
        let mut words = value.splitn(4, ' ');
        let medium = words.next().unwrap_or_default().to_owned();
        let port = words.next().unwrap_or_default();
        let protocol = words.next().unwrap_or_default();
        let formats = format!("{protocol} {}", words.next().unwrap_or_default());
        let secure = protocol == "UDP/TLS/RTP/SAVPF" && port != "0";
        self.lines.push(Line { medium, formats, secure, direction: self.direction, ..Line::default() });
    }

    fn attribute(&mut self, value: &str) {
        let (name, rest) = value.split_once(':').unwrap_or((value, ""));
        match name {
            "ice-ufrag" => self.ufrag = self.ufrag.take().or_else(|| Some(rest.to_owned())),
            "fingerprint" => self.fingerprint = self.fingerprint.or_else(|| Fingerprint::read(rest)),
            "setup" => self.is_server |= rest == "passive",
            _ => {}
        }
        let direction = Direction::named(name);
        let Some(line) = self.lines.last_mut() else {
            self.direction = direction.unwrap_or(self.direction);
            return;
        };
        line.direction = direction.unwrap_or(line.direction);
        match name {
            "mid" => rest.clone_into(&mut line.mid),
            "rtcp-mux" => line.rtcp_mux = true,
            "rtpmap" => {
                if let Some((kind, format)) = rest.split_once(' ')
                    && format.to_ascii_lowercase().starts_with("opus/48000")
                {
                    line.opus = line.opus.or_else(|| kind.parse().ok().filter(|kind: &u8| *kind < 128));
                }
            }
            // "1 urn:…", or "1/sendonly urn:…"
            "extmap" => {
                if let Some((number, uri)) = rest.split_once(' ')
                    && uri.split(' ').next() == Some(LEVEL)
                {
                    let number = number.split('/').next().and_then(|number| number.parse().ok());
                    line.level = number.filter(|number| (1..=14).contains(number));
                }
            }
            _ => {}
        }
    }
}

fn is_ufrag(text: &str) -> bool {
    (4..=256).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/')
}

impl Fingerprint {
    /// Reads `sha-256 AB:CD:…`.
    pub fn read(text: &str) -> Option<Self> {
        let (algorithm, value) = text.split_once(' ')?;
        if !algorithm.eq_ignore_ascii_case("sha-256") {
            return None;
        }
        let mut bytes = [0; 32];
        let mut parts = value.trim().split(':');
        for byte in &mut bytes {
            *byte = u8::from_str_radix(parts.next().filter(|part| part.len() == 2)?, 16).ok()?;
        }
        parts.next().is_none().then_some(Fingerprint(bytes))
    }
}
