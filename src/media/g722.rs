//! The G.722 decoder (ITU-T G.722 at 64 kbit/s), and how it gets over a loss.
//!
//! G.722 is adaptive: each code says how far the sound is from what both ends expect. A decoder that missed codes expects
//! something else than the far end, and is wrong for a while. So what may have been lost is encoded here, and decoded again:
//! the decoder then expects what the far end expects, about.

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{CodecError, Decoder as _, Encoder as _};

use crate::words::Rate;

/// What the filter banks of both ends delay together, in samples at 16 kHz.
pub const DELAY: usize = 22;

/// After a loss so many samples (2 ms) are not to be trusted.
pub const UNSURE: usize = 32;

/// The longest sound that is presumed: 200 ms.
const LONGEST: usize = 10 * Rate::Wide.frame();

/// See the module.
pub struct G722 {
    decoder: G722Decoder,
    encoder: G722Encoder,
    sound: Vec<i16>,
    codes: [u8; LONGEST / 2 + 1],
}

impl Default for G722 {
    fn default() -> Self {
        Self {
            decoder: G722Decoder::new(),
            encoder: G722Encoder::new(),
            sound: Vec::with_capacity(LONGEST),
            codes: [0; LONGEST / 2 + 1],
        }
    }
}

impl G722 {
    /// Decodes one payload into `out`. Returns how many samples.
    ///
    /// # Errors
    /// It holds more sound than `out`.
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> Result<usize, CodecError> {
        self.decoder.decode_into(payload, out)
    }

    /// Begins where a decoder is that has heard `sound`, less its last [`DELAY`] samples.
    pub fn presume(&mut self, sound: impl Iterator<Item = i16>) {
        self.sound.clear();
        self.sound.extend(sound.take(LONGEST));
        self.encoder = G722Encoder::new();
        self.decoder = G722Decoder::new();
        let Ok(count) = self.encoder.encode_into(&self.sound, &mut self.codes) else { return };
        let codes = self.codes.get(..count).unwrap_or_default();
        // What it decodes has been heard: only its state is wanted.
        let _ = self.decoder.decode_into(codes, &mut [0; LONGEST + 2]);
    }
}
