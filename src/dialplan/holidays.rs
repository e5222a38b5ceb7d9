//! Public holidays of the members of the EU and the EEA, and of their parts. In: a place (`DE-BE`, `FR`). Out: days.
//! `holidays.txt` tells the source; `tools/public_holidays.py` makes it.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::civil::Date;

const TABLE: &str = include_str!("holidays.txt");

/// The public holidays of a place, over the years that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holidays {
    /// ISO 3166: a country, or a part of one.
    place: String,
    days: BTreeSet<Date>,
}

/// No place whose holidays are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public holidays of {place:?} are not known")]
pub struct UnknownPlace {
    place: String,
    /// Places that are, and that may be meant.
    pub near: Vec<&'static str>,
}

impl Holidays {
    /// Whether this day is one.
    pub fn has(&self, day: Date) -> bool {
        self.days.contains(&day)
    }

    /// The last year that is known.
    pub fn last_year(&self) -> i16 {
        self.days.last().map_or(0, |day| day.year())
    }
}

impl FromStr for Holidays {
    type Err = UnknownPlace;

    fn from_str(place: &str) -> Result<Self, UnknownPlace> {
        let rows = || TABLE.lines().filter(|line| !line.starts_with('#'));
        let own = |place: &str| {
            rows().filter_map(|line| line.strip_prefix(place)?.strip_prefix(' ')).map(str::trim).collect::<Vec<_>>()
        };
        let country = place.split('-').next().unwrap_or(place);
        let mut found = own(place);
        if found == ["="] {
            found = own(country);
        }
        if found.is_empty() {
            let mut near: Vec<&str> =
                rows().filter_map(|line| line.split(' ').next()).filter(|known| known.starts_with(country)).collect();
            near.dedup();
            return Err(UnknownPlace { place: place.to_owned(), near });
        }
        Ok(Self { place: place.to_owned(), days: found.into_iter().flat_map(year).collect() })
    }
}

/// `2026 0101 0308`
fn year(row: &str) -> Vec<Date> {
    let mut words = row.split(' ');
    let Some(year) = words.next().and_then(|year| year.parse::<i16>().ok()) else { return Vec::new() };
    let day = |word: &str| {
        let (month, day) = word.split_at_checked(2)?;
        Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
    };
    words.filter_map(day).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_place_of_the_table_can_be_read_whole() {
        let places: BTreeSet<&str> =
            TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next()).collect();
        assert!(places.len() > 100);
        for place in places {
            let holidays: Holidays = place.parse().expect(place);
            let in_2026 = holidays.days.range(date(2026, 1, 1)..=date(2026, 12, 31)).count();
            assert!((6..=20).contains(&in_2026), "{place}: {in_2026}");
            assert_eq!(holidays.last_year(), 2040, "{place}");
        }
    }

    #[test]
    fn a_holiday_holds_where_it_is_one() {
        let womens_day = date(2026, 3, 8);
        let has = |place: &str, day: Date| place.parse::<Holidays>().expect("a place").has(day);
        assert!(has("DE-BE", womens_day) && !has("DE-BY", womens_day) && !has("DE", womens_day));
        assert!(has("AT", date(2026, 10, 26)) && has("FR", date(2026, 7, 14)) && has("DE-SN", date(2026, 11, 18)));
        let unknown = "DE-XX".parse::<Holidays>().expect_err("none");
        assert!(unknown.near.contains(&"DE-BE"));
    }
}
