//! Times as people write them.

use crate::words::Both;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime, civil};

/// Not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no time: write one like 2026-11-25T18:00 (by the institution's clock), 2026-11-25T18:00:00+01:00 or \
     2026-11-25T18:00[Europe/Berlin]"
)]
pub struct InvalidTime(String);

impl From<InvalidTime> for Both {
    fn from(why: InvalidTime) -> Self {
        let german = format!(
            "{:?} ist keine Zeit: Schreiben Sie sie wie 2026-11-25T18:00 (nach der Uhr der Einrichtung), \
             2026-11-25T18:00:00+01:00 oder 2026-11-25T18:00[Europe/Berlin]",
            why.0
        );
        Self::new(german, why.to_string())
    }
}

/// Reads a time with its zone (RFC 9557), with an offset (RFC 3339), or as the clock of `home` shows it. What has only an
/// offset is that moment, told in the time of `home`.
///
/// # Errors
/// It is none of these.
pub fn read(text: &str, home: &TimeZone) -> Result<ZonedDateTime, InvalidTime> {
    let invalid = || InvalidTime(text.chars().take(40).collect());
    if text.contains('[') {
        // A zone that nobody knows is not to be overlooked.
        return text.parse().map_err(|_| invalid());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.to_zoned_datetime(home.clone()));
    }
    let shown: civil::DateTime = text.parse().map_err(|_| invalid())?;
    shown.to_zoned_datetime(home.clone()).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_of_writing_are_one_moment() {
        let home = TimeZone::get("Europe/Berlin").expect("a zone");
        for text in
            ["2026-11-25T18:00", "2026-11-25T18:00:00+01:00", "2026-11-25T17:00:00Z", "2026-11-25T18:00[Europe/Berlin]"]
        {
            let time = read(text, &home).expect("a time").to_string();
            assert_eq!(time, "2026-11-25T18:00:00+01:00[Europe/Berlin]", "{text}");
        }
        for text in ["", "morgen", "2026-02-30T18:00", "18:00", "2026-11-25T18:00[Mars/Base]"] {
            assert!(read(text, &home).is_err(), "{text:?} was taken");
        }
    }
}
