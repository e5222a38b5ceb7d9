//! How loud a frame is. In: samples. Out: −dBov as in RFC 6464.

use crate::words::Level;

/// The level of a frame's root mean square; 0 is full scale, 127 silence.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to 0..=127 first; a sum of squares needs no more than 24 bits"
)]
pub fn level_of(frame: &[i16]) -> Level {
    let energy: u64 = frame.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
    if energy == 0 {
        return Level::SILENCE;
    }
    let mean = energy as f32 / frame.len() as f32 / (32_768.0 * 32_768.0);
    Level((-10.0 * mean.log10()).clamp(0.0, 127.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_is_zero_and_half_of_it_is_six_below() {
        assert_eq!(level_of(&[i16::MIN; 160]), Level(0));
        assert_eq!(level_of(&[16_384; 160]), Level(6));
        assert_eq!(level_of(&[0; 160]), Level::SILENCE);
        assert_eq!(level_of(&[]), Level::SILENCE);
    }
}
