//! How good a call is, in figures that are no personal data: what is told at its end, and while it lasts.

use std::fmt;
use std::time::Duration;

use crate::words::Codec;

/// Packets that never came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// So many are missing.
    pub lost: u64,
    /// Of so many.
    pub of: u64,
}

impl Loss {
    /// In hundredths of a percent.
    pub fn in_ten_thousand(self) -> u64 {
        (self.lost * 10_000).checked_div(self.of).unwrap_or_default()
    }
}

impl std::ops::Add for Loss {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { lost: self.lost + other.lost, of: self.of + other.of }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.in_ten_thousand();
        write!(f, "{} of {} ({}.{:02} %)", self.lost, self.of, share / 100, share % 100)
    }
}

/// What the peer tells of one of our streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What it misses.
    pub loss: Loss,
    /// How unevenly it comes.
    pub jitter: Duration,
}

/// The figures of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Of the sound.
    pub codec: Codec,
    /// How long the leg has been there.
    pub lasted: Duration,
    /// Packets that we sent.
    pub sent: u64,
    /// Of what the peer sent.
    pub loss_in: Loss,
    /// How unevenly that came.
    pub jitter_in: Duration,
    /// What the peer tells of what we sent, once it has told anything.
    pub out: Option<Told>,
    /// There and back, as the peer's reports show it.
    pub round_trip: Option<Duration>,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Frames of 20 ms that were a guess.
    pub concealed: u64,
}

impl Quality {
    /// How people would judge it, from 1 (bad) to 4.5: the E-model of ITU-T G.107 with its defaults, from what is lost on the worse
    /// way, and from the delay. It knows nothing of the microphone or the room.
    pub fn mos(&self) -> f64 {
        let share = |loss: Loss| if loss.of == 0 { 0.0 } else { loss.lost as f64 / loss.of as f64 };
        let worst = self.out.map_or(0.0, |told| share(told.loss)).max(share(self.loss_in)) * 100.0;
        let jitter = self.out.map_or(self.jitter_in, |told| told.jitter.max(self.jitter_in));
        let one_way = self.round_trip.unwrap_or_default() / 2 + 2 * jitter + Duration::from_millis(40);
        let delay = one_way.as_secs_f64() * 1e3;
        let late = 0.024 * delay + 0.11 * (delay - 177.3).max(0.0);
        let lost = 95.0 * worst / (worst + self.codec.loss_robustness());
        let rating = (93.2 - late - lost).clamp(0.0, 100.0);
        (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).clamp(1.0, 4.5)
    }

    /// As people read it: `0.1 ms`.
    pub fn millis(span: Duration) -> String {
        format!("{:.1} ms", span.as_secs_f64() * 1e3)
    }

    /// The same of what may not be known.
    pub fn millis_if_known(span: Option<Duration>) -> String {
        span.map_or_else(|| String::from("not told"), Self::millis)
    }

    /// What the peer misses, as people read it.
    pub fn loss_out(&self) -> String {
        self.out.map_or_else(|| String::from("not told"), |told| told.loss.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_line_is_judged_as_good_and_a_lossy_or_a_late_one_is_not() {
        let of = |lost, round_trip| Quality {
            codec: Codec::Pcma,
            lasted: Duration::from_secs(60),
            sent: 3_000,
            loss_in: Loss { lost, of: 3_000 },
            jitter_in: Duration::from_millis(1),
            out: None,
            round_trip: Some(Duration::from_millis(round_trip)),
            late: 0,
            concealed: 0,
        };
        let (good, lossy, late) = (of(0, 20).mos(), of(150, 20).mos(), of(0, 800).mos());
        assert!(good > 4.3 && good <= 4.5, "{good}");
        assert!((3.2..4.1).contains(&lossy), "5 % lost: {lossy}");
        assert!(late < 3.2, "{late}");
        assert!(of(3_000, 900).mos() < 1.2);
    }

    #[test]
    fn loss_is_told_in_numbers_and_in_percent() {
        assert_eq!(Loss { lost: 3, of: 1_500 }.to_string(), "3 of 1500 (0.20 %)");
        assert_eq!(Loss::default().to_string(), "0 of 0 (0.00 %)");
        assert_eq!(Quality::millis(Duration::from_micros(1_260)), "1.3 ms");
    }
}
