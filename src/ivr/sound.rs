//! Reads a sound file into 16 kHz mono: Ogg Opus (RFC 7845) and WAV with 16-bit PCM.

use std::io::Cursor;

use crate::media::Clip;
use crate::media::codec::{Decoder, LONGEST_SOUND};
use crate::words::Codec;

const RATE: u32 = Clip::RATE.hz();
/// The longest sound that is taken: five minutes.
const LONGEST: usize = 300 * 16_000;

/// Why a sound file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Something else.
    #[error(
        "neither a WAV nor an Ogg Opus file: convert it with `ffmpeg -i FILE -ar 16000 -ac 1 -sample_fmt s16 NEW.wav`"
    )]
    Unknown,
    /// A WAV file of another make.
    #[error(
        "a WAV file, but not 16-bit PCM with one or two channels at 8 to 96 kHz: convert it with \
         `ffmpeg -i FILE -ar 16000 -ac 1 -sample_fmt s16 NEW.wav`"
    )]
    OtherWav,
    /// An Ogg file that breaks RFC 7845 or RFC 6716.
    #[error("a damaged file, or an Ogg file with something other than one stream of Opus in it")]
    Damaged,
    /// Nothing in it.
    #[error("there is no sound in it")]
    Empty,
    /// Too much in it.
    #[error("it is longer than five minutes")]
    TooLong,
}

/// Reads a file of either kind.
pub(super) fn read(file: &[u8]) -> Result<Vec<i16>, Unusable> {
    let sound = if file.starts_with(b"OggS") {
        read_opus(file)?
    } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WAVE") {
        read_wav(file)?
    } else {
        return Err(Unusable::Unknown);
    };
    match sound.len() {
        0 => Err(Unusable::Empty),
        1..=LONGEST => Ok(sound),
        _ => Err(Unusable::TooLong),
    }
}

/// The decoder gives 16 kHz whatever was encoded. The header says how much to skip at the beginning (RFC 7845
/// section 4.2), the last page's position how much there is (section 4.4); both in samples at 48 kHz.
fn read_opus(file: &[u8]) -> Result<Vec<i16>, Unusable> {
    let mut packets = ogg::PacketReader::new(Cursor::new(file));
    let mut next = || packets.read_packet().map_err(|_| Unusable::Damaged);
    let head = next()?.filter(|packet| packet.data.starts_with(b"OpusHead")).ok_or(Unusable::Damaged)?;
    let skip = head.data.get(10..12).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes);
    let skip = usize::from(skip.ok_or(Unusable::Damaged)?) / 3;
    next()?.filter(|packet| packet.data.starts_with(b"OpusTags")).ok_or(Unusable::Damaged)?;

    let mut decoder = Decoder::new(Codec::Opus, Clip::RATE).map_err(|_| Unusable::Damaged)?;
    let mut sound = Vec::new();
    let mut end = None;
    let mut frame = [0; LONGEST_SOUND];
    while let Some(packet) = next()? {
        let samples = decoder.decode(&packet.data, &mut frame).map_err(|_| Unusable::Damaged)?;
        sound.extend(frame.iter().take(samples));
        if sound.len() > LONGEST + RATE as usize {
            return Err(Unusable::TooLong);
        }
        if packet.last_in_stream() {
            end = usize::try_from(packet.absgp_page() / 3).ok();
        }
    }
    sound.truncate(end.unwrap_or(sound.len()));
    Ok(sound.split_off(skip.min(sound.len())))
}

/// What the `fmt ` chunk says.
struct Format {
    channels: usize,
    rate: u32,
}

fn read_wav(file: &[u8]) -> Result<Vec<i16>, Unusable> {
    let mut rest = file.get(12..).unwrap_or_default();
    let mut format = None;
    while let Some((id, size)) = chunk(rest) {
        let body = rest.get(8..).unwrap_or_default();
        let body_end = size.min(body.len()); // some writers leave the size open: then it is all that follows
        let content = body.get(..body_end).unwrap_or_default();
        match &id {
            b"fmt " => format = Some(read_format(content).ok_or(Unusable::OtherWav)?),
            b"data" => return Ok(to_rate(&to_mono(content, format.ok_or(Unusable::OtherWav)?)?)),
            _ => {}
        }
        rest = body.get(body_end + size % 2..).unwrap_or_default();
    }
    Err(Unusable::Damaged)
}

fn chunk(bytes: &[u8]) -> Option<([u8; 4], usize)> {
    let id = bytes.get(..4)?.try_into().ok()?;
    let size = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    Some((id, usize::try_from(size).ok()?))
}

fn read_format(content: &[u8]) -> Option<Format> {
    let number = |at: usize| Some(u16::from_le_bytes(content.get(at..at + 2)?.try_into().ok()?));
    let rate = u32::from_le_bytes(content.get(4..8)?.try_into().ok()?);
    let (kind, channels, bits) = (number(0)?, number(2)?, number(14)?);
    // The extensible form (0xFFFE) has the kind in its extension.
    let is_pcm = kind == 1 || (kind == 0xfffe && number(24) == Some(1));
    let usable = is_pcm && bits == 16 && (1..=2).contains(&channels) && (8_000..=96_000).contains(&rate);
    usable.then_some(Format { channels: usize::from(channels), rate })
}

/// One channel, and the rate at which it was taken.
struct Mono {
    rate: u32,
    samples: Vec<f32>,
}

fn to_mono(content: &[u8], format: Format) -> Result<Mono, Unusable> {
    let frame = 2 * format.channels;
    let most = LONGEST as u64 * u64::from(format.rate) / u64::from(RATE);
    if (content.len() / frame) as u64 > most {
        return Err(Unusable::TooLong);
    }
    let samples = content
        .chunks_exact(frame)
        .map(|frame| {
            let channels = frame.chunks_exact(2).filter_map(|two| two.try_into().ok()).map(i16::from_le_bytes);
            channels.map(f32::from).sum::<f32>() / format.channels as f32
        })
        .collect();
    Ok(Mono { rate: format.rate, samples })
}

/// How many samples on each side count: enough that what folds back is below what a telephone carries.
const REACH: f64 = 24.0;

/// To 16 kHz by windowed-sinc interpolation. Slow and good: this happens once, at the start.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions are within the sound, sums are clamped to samples"
)]
fn to_rate(sound: &Mono) -> Vec<i16> {
    if sound.rate == RATE {
        return sound.samples.iter().map(|sample| *sample as i16).collect();
    }
    let step = f64::from(sound.rate) / f64::from(RATE);
    let band = (1.0 / step).min(1.0) * 0.96; // of the source's band, what fits into ours
    let reach = REACH / band;
    let count = (sound.samples.len() as f64 / step).floor() as usize;
    let at = |place: usize| {
        let middle = place as f64 * step;
        let (from, to) = ((middle - reach).ceil().max(0.0) as usize, (middle + reach).floor() as usize);
        let near = sound.samples.get(from..=to.min(sound.samples.len().saturating_sub(1))).unwrap_or_default();
        let sum: f64 = near
            .iter()
            .zip(from..)
            .map(|(sample, index)| f64::from(*sample) * kernel(index as f64 - middle, band, reach))
            .sum();
        sum.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
    };
    (0..count).map(at).collect()
}

/// A low-pass under a Hann window.
fn kernel(distance: f64, band: f64, reach: f64) -> f64 {
    use std::f64::consts::PI;
    let window = 0.5 + 0.5 * (PI * distance / reach).cos();
    let x = PI * band * distance;
    let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
    band * sinc * window
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A WAV file.
    pub(in crate::ivr) fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
        let size = u32::try_from(samples.len() * 2).expect("a short sound");
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend((rate * 2 * u32::from(channels)).to_le_bytes());
        file.extend((2 * channels).to_le_bytes());
        file.extend(16_u16.to_le_bytes());
        file.extend(b"LIST\x03\0\0\0abc\0data"); // a chunk to skip, of an odd size
        file.extend(size.to_le_bytes());
        samples.iter().for_each(|sample| file.extend(sample.to_le_bytes()));
        file
    }

    fn sine(hertz: f64, rate: u32, seconds: f64) -> Vec<i16> {
        let count = (f64::from(rate) * seconds) as usize;
        let angle = 2.0 * std::f64::consts::PI * hertz / f64::from(rate);
        (0..count).map(|n| (10_000.0 * (angle * n as f64).sin()) as i16).collect()
    }

    /// How much of that frequency is in the sound, 1 being the sine above.
    fn strength(sound: &[i16], hertz: f64) -> f64 {
        let angle = 2.0 * std::f64::consts::PI * hertz / f64::from(RATE);
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in sound.iter().enumerate() {
            re += f64::from(*sample) * (angle * n as f64).cos();
            im += f64::from(*sample) * (angle * n as f64).sin();
        }
        2.0 * re.hypot(im) / sound.len() as f64 / 10_000.0
    }

    #[test]
    fn a_wav_of_any_usual_rate_keeps_its_pitch_and_level() {
        for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000] {
            let sound = read(&wav(rate, 1, &sine(1_000.0, rate, 1.0))).expect("a sound");
            assert!(sound.len().abs_diff(16_000) <= 1, "{rate}: {} samples", sound.len());
            let kept = strength(&sound, 1_000.0);
            assert!((0.98..1.02).contains(&kept), "{rate}: {kept}");
        }
    }

    #[test]
    fn what_does_not_fit_into_the_band_does_not_fold_back() {
        let sound = read(&wav(48_000, 1, &sine(11_000.0, 48_000, 1.0))).expect("a sound");
        assert!(strength(&sound[1_000..15_000], 5_000.0) < 0.01);
    }

    #[test]
    fn both_channels_are_heard() {
        let frames: Vec<i16> = (0..16_000).flat_map(|_| [3_000, 1_000]).collect();
        let sound = read(&wav(16_000, 2, &frames)).expect("a sound");
        assert_eq!((sound.len(), sound[8_000]), (16_000, 2_000));
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        assert_eq!(read(b"ID3"), Err(Unusable::Unknown));
        assert_eq!(read(&wav(16_000, 1, &[])), Err(Unusable::Empty));
        assert_eq!(read(&wav(4_000, 1, &[1; 99])), Err(Unusable::OtherWav));
        assert_eq!(read(&wav(16_000, 6, &[1; 99])), Err(Unusable::OtherWav));
        assert_eq!(read(&wav(16_000, 1, &vec![1; LONGEST + 1])), Err(Unusable::TooLong));
        assert_eq!(read(b"OggS, it says"), Err(Unusable::Damaged));
        assert_eq!(read(&wav(16_000, 1, &[1; 99])[..30]), Err(Unusable::OtherWav));
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_refused_or_read_but_never_worse(
            cut in 0_usize..4_000,
            noise in prop::collection::vec((0_usize..4_000, any::<u8>()), 0..8),
            is_wav: bool,
        ) {
            let ours = crate::ivr::Prompt::Number(3).carried(crate::words::Language::De);
            let mut file = if is_wav { wav(11_025, 2, &[77; 1_000]) } else { ours.to_vec() };
            file.truncate(cut.max(12));
            for (at, byte) in noise {
                if let Some(place) = file.get_mut(at) {
                    *place = byte;
                }
            }
            let _ = read(&file);
        }
    }
}
