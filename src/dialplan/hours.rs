//! Opening hours of an office, in its own time. In: a week, and what differs from it. Out: whether it is open.
//!
//! What is said of a day counts before what is said of its weekday: first exceptional opening, then closing days, then public
//! holidays, then the week. A whole day of a calendar is a closing day; its other events close for as long as they take. Hours are read by the clock on the wall: on the night when it is put back, an office that is open
//! from 02:00 to 03:00 is open twice, and on the other one not at all.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::holidays::Holidays;
use super::window::time;
use crate::words::Both;

/// From a time until before another; until midnight if that is `00:00`, and into the next day if it is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    /// From this time.
    pub from: Time,
    /// Until before this one.
    pub to: Time,
}

/// Not written as a span of hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} are no hours: write 08:00-16:00")]
pub struct InvalidSpan(String);

impl From<InvalidSpan> for Both {
    fn from(why: InvalidSpan) -> Self {
        Self::new(format!("{:?} sind keine Zeiten: Schreiben Sie 08:00-16:00", why.0), why.to_string())
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;
    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let both = text.split_once('-').and_then(|(from, to)| Some((time(from.trim())?, time(to.trim())?)));
        let span = both.filter(|(from, to)| from != to || *to == Time::midnight());
        span.map(|(from, to)| Self { from, to }).ok_or_else(|| InvalidSpan(text.chars().take(80).collect()))
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;
    fn try_from(text: String) -> Result<Self, InvalidSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from.hour(), from.minute(), to.hour(), to.minute())
    }
}

impl Span {
    /// Whether it holds at this time, whichever day it began on.
    pub fn has(self, time: Time) -> bool {
        self.holds(time) || self.still_holds(time)
    }

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
    fn a_span_is_read_as_it_is_written_and_goes_over_midnight() {
        let reads = |text: &str| text.parse::<Span>();
        assert_eq!(reads(" 08:00 - 16:30 ").expect("a span").to_string(), "08:00-16:30");
        let night = reads("22:00-06:00").expect("a span");
        assert!(night.has(time(23, 0, 0, 0)) && night.has(time(5, 59, 0, 0)) && !night.has(time(6, 0, 0, 0)));
        let day = reads("08:00-00:00").expect("a span");
        assert!(day.has(time(23, 59, 0, 0)) && !day.has(time(7, 59, 0, 0)));
        for bad in ["", "8", "08:00", "08:00-08:00", "25:00-26:00"] {
            assert!(reads(bad).expect_err("refused").to_string().contains("write 08:00-16:00"), "{bad}");
        }
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
