//! What is open when. In: a plan, a day, and the institution's time. Out: for hours and for rules with a time of their own, each
//! of seven days with its openings and with what makes it differ from others of its name.
//!
//! Openings are asked of the hours themselves, at each minute at which they may change: where the clock is put back, an opening
//! lasts an hour longer, and where it is put forward, what would have been open then is not.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, ZonedDateTime};
use serde::Serialize;

use super::super::hours::{Exception, Span};
use super::super::{Plan, When};

/// Hours, or a rule with a time of its own, over some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What it is.
    pub subject: Subject,
    /// Its name.
    pub name: String,
    /// The file in which it stands.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// By which clock (IANA).
    pub zone: String,
    /// The days.
    pub days: Vec<Day>,
}

/// Whose times they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Opening hours.
    Hours,
    /// A rule's own.
    Rule,
}

/// A day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Day {
    /// Which, like `2026-12-24`.
    pub date: String,
    /// Why it is not like its weekday.
    pub why: Option<Exception>,
    /// How long it is: 1,440, but where the clock is put back or forward.
    pub minutes: i64,
    /// When it is open, in order.
    pub open: Vec<Open>,
}

/// A time without a break in which it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// From then, by the clock on the wall.
    pub from: String,
    /// Until before then; `24:00` is the end of the day.
    pub to: String,
    /// The same in minutes since the day began.
    pub start: i64,
    /// And the end.
    pub end: i64,
}

impl Plan {
    /// Seven days from this one.
    pub fn week(&self, first: Date, zone: &TimeZone) -> Vec<Row> {
        let dates = || (0..7_i64).filter_map(|ahead| first.checked_add(ahead.days()).ok());
        let offices = self.offices.iter().map(|office| {
            let zone = office.value.zone.as_ref().unwrap_or(zone);
            let day = |date: Date| {
                let spans = [date.yesterday().ok(), Some(date)].into_iter().flatten();
                let changes = office.value.calendars.iter().flat_map(|calendar| calendar.changes(date, zone));
                let edges: Vec<Time> =
                    spans.flat_map(|date| office.value.on(date)).flat_map(ends).chain(changes).collect();
                drawn(date, zone, office.value.exception(date), &edges, |now| office.value.is_open(now))
            };
            let (file, line) = self.file_and_line(&office.name);
            let days = dates().filter_map(day).collect();
            Row { subject: Subject::Hours, name: office.name.value.clone(), file, line, zone: named(zone), days }
        });
        let rules = self.contexts.iter().flat_map(|context| &context.rules).filter_map(|rule| {
            let day = |date: Date| match &rule.when {
                Some(When::Window(window)) => {
                    drawn(date, zone, None, &[window.from, window.to], |now| window.holds(now))
                }
                Some(When::During(calendar)) => {
                    let calendar = &self.calendars.get(*calendar)?.value;
                    drawn(date, zone, None, &calendar.changes(date, zone), |now| calendar.is_on(now))
                }
                Some(When::Office { .. }) | None => None,
            };
            if !matches!(rule.when, Some(When::Window(_) | When::During(_))) {
                return None;
            }
            let (file, line) = self.file_and_line(&rule.name);
            let days = dates().filter_map(day).collect();
            Some(Row { subject: Subject::Rule, name: rule.name.value.clone(), file, line, zone: named(zone), days })
        });
        offices.chain(rules).collect()
    }
}

fn ends(span: &Span) -> [Time; 2] {
    [span.from, span.to]
}

fn named(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// A day, asked at each minute at which something may change.
fn drawn(
    date: Date,
    zone: &TimeZone,
    why: Option<Exception>,
    edges: &[Time],
    is_open: impl Fn(&ZonedDateTime) -> bool,
) -> Option<Day> {
    let begin = date.to_zoned_datetime(zone.clone()).ok()?;
    let end = date.tomorrow().ok()?.to_zoned_datetime(zone.clone()).ok()?;
    let (first, last) = (begin.timestamp(), end.timestamp());
    let on_the_wall = |time: &Time| {
        let both = zone.to_ambiguous_timestamp(date.to_datetime(*time));
        [both.earlier().ok(), both.later().ok()].into_iter().flatten()
    };
    let changes = zone.following(first).map(|change| change.timestamp()).take_while(|change| *change < last);
    let mut moments: Vec<Timestamp> = edges.iter().flat_map(on_the_wall).chain(changes).chain([first]).collect();
    moments.retain(|moment| (first..last).contains(moment));
    moments.sort_unstable();
    moments.dedup();
    let since = |moment: Timestamp| (moment.as_second() - first.as_second()) / 60;
    let mut open: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (at, moment) in moments.iter().enumerate() {
        let until = moments.get(at + 1).copied().unwrap_or(last);
        if is_open(&moment.to_zoned_datetime(zone.clone())) {
            match open.last_mut() {
                Some((_, end)) if *end == *moment => *end = until,
                _ => open.push((*moment, until)),
            }
        }
    }
    let clock = |moment: Timestamp| moment.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string();
    let open = open.into_iter().map(|(from, to)| Open {
        from: clock(from),
        to: if to == last { String::from("24:00") } else { clock(to) },
        start: since(from),
        end: since(to),
    });
    Some(Day { date: date.to_string(), why, minutes: since(last), open: open.collect() })
}
