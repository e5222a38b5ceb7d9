//! What several tests of sound need.

use crate::words::Rate;

/// How strong a tone is in a sound, in dB relative to [`Tone::Steady`].
#[allow(clippy::cast_precision_loss, reason = "a second of sound")]
pub(crate) fn strength(sound: &[i16], rate: Rate, hertz: u16) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in sound.iter().enumerate() {
        let angle = std::f64::consts::TAU * f64::from(hertz) * at as f64 / f64::from(rate.hz());
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    let amplitude = 2.0 * re.hypot(im) / sound.len() as f64;
    20.0 * (amplitude / 8_231.0).max(1e-6).log10()
}
