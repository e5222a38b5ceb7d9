//! Times at which a rule holds: days of the week, and hours of the day, in the institution's own time.

use jiff::civil::{Time, Weekday};

/// When a rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// On these days; none named is every day.
    pub days: Vec<Weekday>,
    /// From this time.
    pub from: Time,
    /// Until before this time; if it is earlier than `from`, until then on the next day.
    pub to: Time,
}

impl Window {
    /// Whether it holds at this time.
    pub fn holds(&self, now: &jiff::ZonedDateTime) -> bool {
        self.holds_at(now.datetime())
    }

    /// Whether it holds at this time on the wall.
    pub fn holds_at(&self, now: jiff::civil::DateTime) -> bool {
        let (time, today) = (now.time(), now.weekday());
        let on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        if self.from <= self.to {
            on(today) && self.from <= time && (time < self.to || self.to == Time::midnight())
        } else {
            (on(today) && time >= self.from) || (on(today.previous()) && time < self.to)
        }
    }
}

/// `mon` or `mon-fri`.
pub(super) fn days(text: &str) -> Option<Vec<Weekday>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    let mut found = vec![first];
    let mut next = first;
    while next != last {
        next = next.next();
        found.push(next);
    }
    Some(found)
}

fn day(text: &str) -> Option<Weekday> {
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "mon" | "mo" => Weekday::Monday,
        "tue" | "di" => Weekday::Tuesday,
        "wed" | "mi" => Weekday::Wednesday,
        "thu" | "do" => Weekday::Thursday,
        "fri" | "fr" => Weekday::Friday,
        "sat" | "sa" => Weekday::Saturday,
        "sun" | "so" => Weekday::Sunday,
        _ => return None,
    })
}

/// `08:00`, and `24:00` for the end of the day. Whole minutes: the lint counts in them.
pub(super) fn time(text: &str) -> Option<Time> {
    let whole = |time: &Time| time.second() == 0 && time.subsec_nanosecond() == 0;
    if text == "24:00" { Some(Time::midnight()) } else { text.parse().ok().filter(whole) }
}
