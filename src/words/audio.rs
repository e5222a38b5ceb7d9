//! Units of sound and of RTP.

use std::fmt;
use std::time::Duration;

/// An RTP timestamp in ticks of the payload's clock; wraps (RFC 3550 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// This time `ticks` later.
    pub fn plus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// Ticks from `earlier` to this, negative if this is the earlier one.
    #[allow(clippy::cast_possible_wrap, reason = "serial arithmetic: the sign bit is the order")]
    pub fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0) as i32
    }
}

/// A sampling rate in samples per second and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 8 kHz: G.711.
    Narrow,
    /// 16 kHz: G.722, and the rate at which prompts are kept.
    Wide,
    /// 48 kHz: Opus.
    Full,
}

impl Rate {
    /// Samples per second.
    pub const fn hz(self) -> u32 {
        match self {
            Self::Narrow => 8_000,
            Self::Wide => 16_000,
            Self::Full => 48_000,
        }
    }

    /// Samples in one 20 ms frame.
    pub const fn frame(self) -> usize {
        match self {
            Self::Narrow => 160,
            Self::Wide => 320,
            Self::Full => 960,
        }
    }

    /// Samples in `span`, rounded down.
    pub const fn samples_in(self, span: Duration) -> u64 {
        span.as_secs() * self.hz() as u64 + span.subsec_micros() as u64 * self.hz() as u64 / 1_000_000
    }
}

/// The audio codecs that a leg may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Codec {
    /// G.711 A-law (static payload type 8).
    #[serde(rename = "PCMA")]
    Pcma,
    /// G.711 µ-law (static payload type 0).
    #[serde(rename = "PCMU")]
    Pcmu,
    /// G.722 (static payload type 9): 16 kHz sound on an 8 kHz RTP clock (RFC 3551 section 4.5.2).
    #[serde(rename = "G722")]
    G722,
    /// Opus (dynamic payload type, RFC 7587): always an RTP clock of 48 kHz.
    #[serde(rename = "opus")]
    Opus,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 4] = [Self::Pcma, Self::Pcmu, Self::G722, Self::Opus];

    /// The payload type that needs no `a=rtpmap` (RFC 3551 section 6), if the codec has one.
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcma => Some(8),
            Self::Pcmu => Some(0),
            Self::G722 => Some(9),
            Self::Opus => None,
        }
    }

    /// How well sound stands lost packets: the share of them, in percent, that takes half of what it is worth (Bpl of ITU-T G.113
    /// appendix I for G.711 with concealment; the others are set a little below it).
    pub const fn loss_robustness(self) -> f64 {
        match self {
            Self::Pcma | Self::Pcmu => 25.1,
            Self::G722 | Self::Opus => 20.0,
        }
    }

    /// The encoding name of RFC 3551 and RFC 7587.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
            Self::G722 => "G722",
            Self::Opus => "opus",
        }
    }

    /// Ticks per second of the RTP clock, as written in `a=rtpmap`.
    pub const fn clock(self) -> u32 {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 => 8_000,
            Self::Opus => 48_000,
        }
    }

    /// The rate of the sound inside.
    pub const fn rate(self) -> Rate {
        match self {
            Self::Pcma | Self::Pcmu => Rate::Narrow,
            Self::G722 => Rate::Wide,
            Self::Opus => Rate::Full,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A level in −dBov: 0 is the loudest possible, 127 is silence (RFC 6464 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub u8);

impl Level {
    /// Digital silence.
    pub const SILENCE: Self = Self(127);
}

/// The direction of a medium as the gateway sees it (RFC 3264 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// The gateway only sends.
    SendOnly,
    /// The gateway only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Every direction.
    pub const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    /// The attribute by which SDP names it (RFC 8866 section 6.7).
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction that an attribute names, in whatever case.
    pub fn named(attribute: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.name().eq_ignore_ascii_case(attribute))
    }

    /// Whether the gateway sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the gateway receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same direction seen from the other side.
    pub const fn mirrored(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::SendRecv => Self::SendRecv,
            Self::Inactive => Self::Inactive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_time_keeps_its_order_across_the_wrap() {
        let before = RtpTime(u32::MAX - 79);
        let after = before.plus(160);
        assert_eq!(after, RtpTime(80));
        assert_eq!(after.since(before), 160);
        assert_eq!(before.since(after), -160);
    }

    #[test]
    fn a_frame_is_twenty_milliseconds_at_every_rate() {
        for rate in [Rate::Narrow, Rate::Wide, Rate::Full] {
            assert_eq!(rate.samples_in(Duration::from_millis(20)), rate.frame() as u64);
        }
    }
}
