//! A calendar of one's own: holidays of the schools, days of sessions, lessons. In: an iCalendar file (RFC 5545). Out: whether
//! something is on at a time, and every mistake with its line.
//!
//! Whole days count by the date on the wall; times with a zone are moments; times without one are by the clock on the wall.

mod lines;
mod read;

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// See the module. Each list is in order, and no two ranges of it touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    days: Vec<Range<Date>>,
    wall: Vec<Range<DateTime>>,
    moments: Vec<Range<Timestamp>>,
}

impl Calendar {
    /// Whether this whole day is one of its days.
    pub fn has_day(&self, day: Date) -> bool {
        holds(&self.days, &day)
    }

    /// Whether an event that is no whole day is on.
    pub fn has_time(&self, now: &ZonedDateTime) -> bool {
        holds(&self.wall, &now.datetime()) || holds(&self.moments, &now.timestamp())
    }

    /// Whether anything is on.
    pub fn is_on(&self, now: &ZonedDateTime) -> bool {
        self.has_day(now.date()) || self.has_time(now)
    }

    /// The times of a day at which an event that is no whole day begins or ends there.
    pub(super) fn changes(&self, day: Date, zone: &TimeZone) -> Vec<Time> {
        let here = |moment: &Timestamp| zone.to_datetime(*moment);
        let moments = self.moments.iter().flat_map(|range| [here(&range.start), here(&range.end)]);
        let wall = self.wall.iter().flat_map(|range| [range.start, range.end]);
        moments.chain(wall).filter(|time| time.date() == day).map(|time| time.time()).collect()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty() && self.wall.is_empty() && self.moments.is_empty()
    }
}

fn holds<T: Ord>(ranges: &[Range<T>], now: &T) -> bool {
    let after = ranges.partition_point(|range| range.start <= *now);
    after.checked_sub(1).and_then(|last| ranges.get(last)).is_some_and(|range| *now < range.end)
}

/// In order, with those that touch made one.
fn joined<T: Ord + Clone>(mut ranges: Vec<Range<T>>) -> Vec<Range<T>> {
    ranges.sort_by(|one, other| one.start.cmp(&other.start));
    let mut found: Vec<Range<T>> = Vec::new();
    for range in ranges {
        match found.last_mut().filter(|last| last.end >= range.start) {
            Some(last) => last.end = last.end.clone().max(range.end),
            None => found.push(range),
        }
    }
    found
}
