//! Opening hours of an office, in its own time. In: a week, and what differs from it. Out: whether it is open.
//!
//! What is said of a day counts before what is said of its weekday: first exceptional opening, then closing days, then public
//! holidays, then the week. A whole day of a calendar is a closing day; its other events close for as long as they take. Hours are read by the clock on the wall: on the night when it is put back, an office that is open
//! from 02:00 to 03:00 is open twice, and on the other one not at all.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::calendar::Calendar;
use super::holidays::Holidays;

/// From a time until before another; until midnight if that is `00:00`, and into the next day if it is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From this time.
    pub from: Time,
    /// Until before this one.
    pub to: Time,
}

impl Span {
    fn is_over_midnight(self) -> bool {
        self.to != Time::midnight() && self.to < self.from
    }

    /// On the day it begins.
    fn holds(self, time: Time) -> bool {
        time >= self.from && (self.is_over_midnight() || self.to == Time::midnight() || time < self.to)
    }

    /// On the day after.
    fn still_holds(self, time: Time) -> bool {
        self.is_over_midnight() && time < self.to
    }
}

/// Why a day is not like its weekday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Exception {
    /// A public holiday.
    Holiday,
    /// A closing day.
    Closed,
    /// Open otherwise.
    Otherwise,
}

/// Opening hours.
#[derive(Clone, Debug, Default)]
pub struct Hours {
    /// Monday first.
    pub week: [Vec<Span>; 7],
    /// Closed on these.
    pub holidays: Option<Holidays>,
    /// Closed on these days, too.
    pub closed: Vec<RangeInclusive<Date>>,
    /// Closed during what is in these.
    pub calendars: Vec<Arc<Calendar>>,
    /// On these days open otherwise than the week says.
    pub open: BTreeMap<Date, Vec<Span>>,
    /// Where the office is; without one, the institution's own time.
    pub zone: Option<TimeZone>,
}

impl Hours {
    /// Whether the office is open.
    pub fn is_open(&self, now: &jiff::ZonedDateTime) -> bool {
        let here = self.zone.as_ref().map(|zone| now.with_time_zone(zone.clone()));
        let now = here.as_ref().unwrap_or(now);
        let (today, time) = (now.date(), now.time());
        let is_otherwise = self.exception(today) == Some(Exception::Otherwise);
        if !is_otherwise && self.calendars.iter().any(|calendar| calendar.has_time(now)) {
            return false;
        }
        let opens = |span: &Span| span.holds(time);
        let is_left = |span: &Span| span.still_holds(time);
        self.on(today).iter().any(opens) || today.yesterday().is_ok_and(|before| self.on(before).iter().any(is_left))
    }

    /// Why a day is not like its weekday.
    pub(super) fn exception(&self, day: Date) -> Option<Exception> {
        if self.open.contains_key(&day) {
            return Some(Exception::Otherwise);
        }
        let is_closed = self.closed.iter().any(|days| days.contains(&day));
        if is_closed || self.calendars.iter().any(|calendar| calendar.has_day(day)) {
            return Some(Exception::Closed);
        }
        self.holidays.as_ref().is_some_and(|holidays| holidays.has(day)).then_some(Exception::Holiday)
    }

    /// What is open on a day.
    pub(super) fn on(&self, day: Date) -> &[Span] {
        match self.exception(day) {
            Some(Exception::Otherwise) => return self.open.get(&day).map_or(&[], Vec::as_slice),
            Some(Exception::Closed | Exception::Holiday) => return &[],
            None => {}
        }
        usize::try_from(day.weekday().to_monday_zero_offset())
            .ok()
            .and_then(|at| self.week.get(at))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether there is no time at which it is open.
    pub fn never_opens(&self) -> bool {
        self.week.iter().all(Vec::is_empty) && self.open.values().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime, time};

    use super::*;

    fn span(from: i8, to: i8) -> Span {
        Span { from: time(from, 0, 0, 0), to: time(to % 24, 0, 0, 0) }
    }

    fn at(day: Date, hour: i8) -> jiff::ZonedDateTime {
        day.at(hour, 30, 0, 0).in_tz("Europe/Berlin").expect("a time")
    }

    #[test]
    fn a_day_counts_before_its_weekday() {
        let mut hours = Hours { holidays: "DE-BE".parse().ok(), ..Hours::default() };
        hours.week[0] = vec![span(8, 12), span(13, 16)];
        hours.week[6] = vec![span(10, 14)];
        hours.closed = vec![date(2026, 12, 21)..=date(2027, 1, 2)];
        hours.open.insert(date(2026, 12, 28), vec![span(9, 10)]);
        let open = |day: Date, hour: i8| hours.is_open(&at(day, hour));
        assert_eq!(
            [7, 8, 11, 12, 13, 15, 16].map(|hour| open(date(2026, 11, 23), hour)),
            [false, true, true, false, true, true, false]
        );
        assert!(!open(date(2026, 12, 21), 9), "a closing day");
        assert!(open(date(2026, 12, 28), 9) && !open(date(2026, 12, 28), 13), "open otherwise");
        assert!(open(date(2026, 3, 1), 11) && !open(date(2026, 3, 8), 11), "a Sunday, and a holiday on one");
    }

    #[test]
    fn nights_on_which_the_clock_changes_and_leap_days_decide_by_the_clock_on_the_wall() {
        let mut hours = Hours::default();
        hours.week[6] = vec![span(2, 3)];
        let berlin = |utc: jiff::civil::DateTime| {
            utc.to_zoned_datetime(TimeZone::UTC).expect("a time").in_tz("Europe/Berlin").expect("a time")
        };
        // 25 October 2026: 02:30 comes at 00:30 and again at 01:30 UTC. 29 March 2026: it does not come.
        let night = |month, day, hour| hours.is_open(&berlin(datetime(2026, month, day, hour, 30, 0, 0)));
        assert_eq!(
            [23, 0, 1, 2].map(|hour| if hour == 23 { night(10, 24, 23) } else { night(10, 25, hour) }),
            [false, true, true, false]
        );
        assert_eq!([0, 1, 2].map(|hour| night(3, 29, hour)), [false, false, false]);
        let mut leap = Hours::default();
        leap.open.insert(date(2028, 2, 29), vec![span(0, 24)]);
        assert!(leap.is_open(&at(date(2028, 2, 29), 23)) && !leap.is_open(&at(date(2028, 3, 1), 0)));
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let mut hours = Hours { closed: vec![date(2026, 11, 24)..=date(2026, 11, 24)], ..Hours::default() };
        hours.week[0] = vec![span(22, 6)];
        assert!(hours.is_open(&at(date(2026, 11, 23), 23)) && hours.is_open(&at(date(2026, 11, 24), 5)));
        assert!(!hours.is_open(&at(date(2026, 11, 24), 6)));
    }

    #[test]
    fn an_office_elsewhere_has_its_own_time() {
        let mut hours = Hours { zone: TimeZone::get("Europe/Helsinki").ok(), ..Hours::default() };
        hours.week[1] = vec![span(9, 10)];
        assert!(hours.is_open(&at(date(2026, 11, 24), 8)) && !hours.is_open(&at(date(2026, 11, 24), 9)));
    }
}
