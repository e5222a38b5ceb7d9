//! The codecs behind one face. In: payloads or samples. Out: samples or payloads, in the caller's buffers;
//! nothing is allocated after construction. G.711 and G.722 come from `audio-codec`, Opus is the reference libopus.

use audio_codec::g722::G722Encoder;
use audio_codec::pcma::{PcmaDecoder, PcmaEncoder};
use audio_codec::pcmu::{PcmuDecoder, PcmuEncoder};
use audio_codec::{Decoder as _, Encoder as _};
use opusic_c::{Application, Bitrate, Channels, InbandFec, SampleRate, Signal};

use super::g722::{self, G722};
use crate::words::{Codec, Rate};

/// The longest payload that an encoder here writes, in bytes.
pub const LONGEST_PAYLOAD: usize = 640;

/// The longest stretch of sound in one packet that a decoder takes: 120 ms (RFC 7587 section 4.2), in samples at 48 kHz.
pub const LONGEST_SOUND: usize = 6 * Rate::Full.frame();

/// A codec would not start or would not take what it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codec}: {why}")]
pub struct CodecError {
    codec: Codec,
    why: &'static str,
}

const fn opus_error(error: opusic_c::ErrorCode) -> CodecError {
    CodecError { codec: Codec::Opus, why: error.message() }
}

/// Payloads to sound.
pub enum Decoder {
    /// G.711 A-law.
    Pcma(PcmaDecoder),
    /// G.711 µ-law.
    Pcmu(PcmuDecoder),
    /// G.722 at 64 kbit/s.
    G722(Box<G722>),
    /// Opus, decoded straight to the wanted rate.
    Opus {
        /// libopus.
        decoder: opusic_c::Decoder,
        /// The rate it decodes to.
        rate: Rate,
    },
}

impl Decoder {
    /// Starts a decoder. `rate` is what Opus decodes to; the others have their own ([`Codec::rate`]).
    ///
    /// # Errors
    /// Only when libopus has no memory.
    pub fn new(codec: Codec, rate: Rate) -> Result<Self, CodecError> {
        Ok(match codec {
            Codec::Pcma => Self::Pcma(PcmaDecoder::new()),
            Codec::Pcmu => Self::Pcmu(PcmuDecoder::new()),
            Codec::G722 => Self::G722(Box::default()),
            Codec::Opus => Self::Opus {
                decoder: opusic_c::Decoder::new(Channels::Mono, opus_rate(rate)).map_err(opus_error)?,
                rate,
            },
        })
    }

    /// The rate of the samples that come out.
    pub const fn rate(&self) -> Rate {
        match self {
            Self::Pcma(_) | Self::Pcmu(_) => Rate::Narrow,
            Self::G722(_) => Rate::Wide,
            Self::Opus { rate, .. } => *rate,
        }
    }

    /// Decodes one payload into `out` (room for [`LONGEST_SOUND`] samples suffices always). Returns how many samples.
    ///
    /// # Errors
    /// The payload is not of this codec, or holds more sound than `out`.
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> Result<usize, CodecError> {
        let unfit = |codec| CodecError { codec, why: "more sound in one packet than fits" };
        match self {
            Self::Pcma(decoder) => decoder.decode_into(payload, out).map_err(|_| unfit(Codec::Pcma)),
            Self::Pcmu(decoder) => decoder.decode_into(payload, out).map_err(|_| unfit(Codec::Pcmu)),
            Self::G722(decoder) => decoder.decode(payload, out).map_err(|_| unfit(Codec::G722)),
            // libopus would take it for a loss.
            Self::Opus { .. } if payload.is_empty() => Err(CodecError { codec: Codec::Opus, why: "an empty packet" }),
            Self::Opus { decoder, .. } => opus_decode(decoder, payload, out, false),
        }
    }

    /// So many samples `payload` holds at the most.
    pub fn most_samples(&self, payload: &[u8]) -> usize {
        match self {
            Self::Pcma(_) | Self::Pcmu(_) => payload.len(),
            Self::G722(_) => 2 * payload.len(),
            Self::Opus { .. } => LONGEST_SOUND,
        }
        .min(LONGEST_SOUND)
    }

    /// Fills `out` with what the packet before `next` held, from the redundancy inside `next` (Opus in-band FEC).
    /// False if this codec has none; `out` is then untouched.
    pub fn recover(&mut self, next: &[u8], out: &mut [i16]) -> bool {
        match self {
            Self::Opus { decoder, .. } => opus_decode(decoder, next, out, true).is_ok(),
            Self::Pcma(_) | Self::Pcmu(_) | Self::G722(_) => false,
        }
    }

    /// How many samples after a loss this decoder gets wrong: none if it forgets nothing that matters.
    pub const fn unsure(&self) -> usize {
        if matches!(self, Self::G722(_)) { g722::UNSURE } else { 0 }
    }

    /// How many samples of the sound to come it needs to know for [`Self::presume`].
    pub const fn delay(&self) -> usize {
        if matches!(self, Self::G722(_)) { g722::DELAY } else { 0 }
    }

    /// Goes on as if `sound` had come, and [`Self::delay`] more of it was on the way. False if that changes nothing.
    pub fn presume(&mut self, sound: impl Iterator<Item = i16>) -> bool {
        match self {
            Self::G722(decoder) => decoder.presume(sound),
            Self::Pcma(_) | Self::Pcmu(_) | Self::Opus { .. } => return false,
        }
        true
    }

    /// Fills `out` with a likely continuation. False if this codec has no concealment of its own; `out` is then untouched.
    pub fn conceal(&mut self, out: &mut [i16]) -> bool {
        match self {
            Self::Opus { decoder, .. } => opus_decode(decoder, &[], out, false).is_ok(),
            Self::Pcma(_) | Self::Pcmu(_) | Self::G722(_) => false,
        }
    }
}

/// Libopus sees samples as `u16`: the same bits.
fn opus_decode(
    decoder: &mut opusic_c::Decoder,
    payload: &[u8],
    out: &mut [i16],
    fec: bool,
) -> Result<usize, CodecError> {
    let mut bits = [0_u16; LONGEST_SOUND];
    let room = bits.get_mut(..out.len()).ok_or(CodecError { codec: Codec::Opus, why: "a buffer above 120 ms" })?;
    let count = decoder.decode_to_slice(payload, room, fec).map_err(opus_error)?;
    for (sample, bits) in out.iter_mut().zip(bits.iter().take(count)) {
        *sample = bits.cast_signed();
    }
    Ok(count)
}

/// Sound to payloads.
pub enum Encoder {
    /// G.711 A-law.
    Pcma(PcmaEncoder),
    /// G.711 µ-law.
    Pcmu(PcmuEncoder),
    /// G.722 at 64 kbit/s.
    G722(Box<G722Encoder>),
    /// Opus from the given rate.
    Opus {
        /// libopus.
        encoder: opusic_c::Encoder,
        /// The rate of the samples that go in.
        rate: Rate,
    },
}

/// How an Opus encoder spends bits and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusStyle {
    /// Bits per second.
    pub bitrate: u32,
    /// 0 to 10: processor time for quality.
    pub complexity: u8,
    /// Repeat each frame's essence in the next packet.
    pub fec: bool,
    /// Leave silence out.
    pub dtx: bool,
}

impl Default for OpusStyle {
    fn default() -> Self {
        Self { bitrate: 48_000, complexity: 5, fec: true, dtx: false }
    }
}

impl Encoder {
    /// Starts an encoder. `rate` and `style` are for Opus; the others have one rate and no choices.
    ///
    /// # Errors
    /// Only when libopus has no memory.
    pub fn new(codec: Codec, rate: Rate, style: OpusStyle) -> Result<Self, CodecError> {
        Ok(match codec {
            Codec::Pcma => Self::Pcma(PcmaEncoder::new()),
            Codec::Pcmu => Self::Pcmu(PcmuEncoder::new()),
            Codec::G722 => Self::G722(Box::new(G722Encoder::new())),
            Codec::Opus => Self::Opus { encoder: opus_encoder(rate, style).map_err(opus_error)?, rate },
        })
    }

    /// The rate of the samples that go in.
    pub const fn rate(&self) -> Rate {
        match self {
            Self::Pcma(_) | Self::Pcmu(_) => Rate::Narrow,
            Self::G722(_) => Rate::Wide,
            Self::Opus { rate, .. } => *rate,
        }
    }

    /// Encodes 10, 20, 40 or 60 ms of sound into `out`. Returns how many bytes; Opus with `dtx` gives 0 to 2 for silence
    /// that need not be sent.
    ///
    /// # Errors
    /// `out` is too small, or the length is none that the codec has.
    pub fn encode(&mut self, sound: &[i16], out: &mut [u8]) -> Result<usize, CodecError> {
        let small = |codec| CodecError { codec, why: "no room for the payload" };
        match self {
            Self::Pcma(encoder) => encoder.encode_into(sound, out).map_err(|_| small(Codec::Pcma)),
            Self::Pcmu(encoder) => encoder.encode_into(sound, out).map_err(|_| small(Codec::Pcmu)),
            Self::G722(encoder) => encoder.encode_into(sound, out).map_err(|_| small(Codec::G722)),
            Self::Opus { encoder, .. } => {
                let mut bits = [0_u16; 3 * Rate::Full.frame()];
                let bits = bits.get_mut(..sound.len()).ok_or(small(Codec::Opus))?;
                for (bits, sample) in bits.iter_mut().zip(sound) {
                    *bits = sample.cast_unsigned();
                }
                encoder.encode_to_slice(bits, out).map_err(opus_error)
            }
        }
    }
}

fn opus_encoder(rate: Rate, style: OpusStyle) -> Result<opusic_c::Encoder, opusic_c::ErrorCode> {
    let mut encoder = opusic_c::Encoder::new(Channels::Mono, opus_rate(rate), Application::Voip)?;
    encoder.set_bitrate(Bitrate::Value(style.bitrate))?;
    encoder.set_complexity(style.complexity)?;
    encoder.set_signal(Signal::Voice)?;
    encoder.set_dtx(style.dtx)?;
    if style.fec {
        encoder.set_inband_fec(InbandFec::Mode1)?;
        encoder.set_packet_loss(EXPECTED_LOSS_PERCENT)?;
    }
    Ok(encoder)
}

/// Libopus spends bits on redundancy only for losses that it is told to expect.
const EXPECTED_LOSS_PERCENT: u8 = 5;

const fn opus_rate(rate: Rate) -> SampleRate {
    match rate {
        Rate::Narrow => SampleRate::Hz8000,
        Rate::Wide => SampleRate::Hz16000,
        Rate::Full => SampleRate::Hz48000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::level::level_of;
    use crate::media::tone::{Player, Tone};

    #[test]
    fn a_tone_comes_through_every_codec_at_its_level() {
        for codec in Codec::ALL {
            let rate = codec.rate();
            let mut encoder = Encoder::new(codec, rate, OpusStyle::default()).expect("an encoder");
            let mut decoder = Decoder::new(codec, rate).expect("a decoder");
            let mut tone = Player::new(Tone::Steady(440), rate);
            let (mut sound, mut heard) = (vec![0; rate.frame()], vec![0; LONGEST_SOUND]);
            let mut payload = [0; LONGEST_PAYLOAD];
            let mut last = (0, 0);
            for _ in 0..20 {
                tone.fill(&mut sound);
                let bytes = encoder.encode(&sound, &mut payload).expect("encodes");
                let count = decoder.decode(&payload[..bytes], &mut heard).expect("decodes");
                assert_eq!(count, rate.frame(), "{codec}");
                last = (level_of(&sound).0, level_of(&heard[..count]).0);
            }
            assert!(last.0.abs_diff(last.1) <= 2, "{codec}: {last:?} −dBov");
        }
    }

    #[test]
    fn nonsense_is_refused_or_decoded_but_never_stops_the_decoder() {
        for codec in Codec::ALL {
            let mut decoder = Decoder::new(codec, codec.rate()).expect("a decoder");
            let mut out = vec![0; LONGEST_SOUND];
            let mut seed = 1_u32;
            for length in 0..400 {
                let junk: Vec<u8> = (0..length)
                    .map(|_| {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (seed >> 24) as u8
                    })
                    .collect();
                let _ = decoder.decode(&junk, &mut out);
            }
        }
    }

    #[test]
    fn opus_gives_back_a_lost_frame_from_the_next_packet() {
        let mut encoder = Encoder::new(Codec::Opus, Rate::Wide, OpusStyle::default()).expect("an encoder");
        let mut decoder = Decoder::new(Codec::Opus, Rate::Wide).expect("a decoder");
        let mut tone = Player::new(Tone::Steady(300), Rate::Wide);
        let mut sound = vec![0; Rate::Wide.frame()];
        let packets: Vec<Vec<u8>> = (0..10)
            .map(|_| {
                tone.fill(&mut sound);
                let mut payload = vec![0; LONGEST_PAYLOAD];
                let bytes = encoder.encode(&sound, &mut payload).expect("encodes");
                payload.truncate(bytes);
                payload
            })
            .collect();
        let mut out = vec![0; Rate::Wide.frame()];
        for packet in &packets[..8] {
            decoder.decode(packet, &mut out).expect("decodes");
        }
        assert!(decoder.recover(&packets[9], &mut out));
        assert!(level_of(&out).0.abs_diff(level_of(&sound).0) <= 3);
    }
}
