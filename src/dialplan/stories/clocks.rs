//! Nights on which the clock changes, and leap days: hours, windows and calendars against a reference that counts minutes of moments.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Where the clock changes at 01:00 UTC: on the wall at two, at one, at three, and at midnight, where a day begins at one or has two
/// beginnings.
const ZONES: [&str; 4] = ["Europe/Berlin", "Europe/Lisbon", "Europe/Helsinki", "Atlantic/Azores"];

/// The last Sunday of March or October, or around the 29th of February.
fn nights() -> impl Strategy<Value = Date> {
    let last_sunday = |year: i16, month: i8| {
        let last = date(year, month, 31);
        (0..7)
            .map(|back| last.saturating_sub(jiff::Span::new().days(back)))
            .find(|day| day.weekday() == Weekday::Sunday)
    };
    let changes = (2025_i16..=2039).prop_flat_map(move |year| {
        let days: Vec<Date> = [3, 10].into_iter().filter_map(|month| last_sunday(year, month)).collect();
        prop::sample::select(days)
    });
    let leaps = prop::sample::select(vec![date(2028, 2, 29), date(2032, 2, 29), date(2036, 2, 29), date(2027, 2, 28)]);
    (prop_oneof![3 => changes, 1 => leaps], -1_i64..=1)
        .prop_map(|(day, off)| day.saturating_add(jiff::Span::new().days(off)))
}

/// A span of a day: from a quarter of an hour to another; over midnight if that is earlier.
fn span() -> impl Strategy<Value = (u32, u32)> {
    (0_u32..96, 0_u32..96).prop_filter("a span", |(from, to)| from != to).prop_map(|(from, to)| (from * 15, to * 15))
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// What a clock on the wall shows: the day before, the day, and the minute of it. Counted from the moment and how far the wall is off,
/// without asking for a wall's own arithmetic.
fn wall(now: Timestamp, zone: &TimeZone) -> (Date, u32) {
    let seconds = now.as_second() + i64::from(zone.to_offset(now).seconds());
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    (date(1970, 1, 1).saturating_add(jiff::Span::new().days(days)), u32::try_from(second / 60).expect("a minute"))
}

/// Whether a span of some days holds, minute by minute of the wall.
fn holds(day: Date, minute: u32, (from, to): (u32, u32), on: impl Fn(Date) -> bool) -> bool {
    let before = day.yesterday().expect("a day");
    if from < to {
        on(day) && (from..to).contains(&minute)
    } else {
        (on(day) && minute >= from) || (on(before) && minute < to)
    }
}

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn name(day: Date) -> &'static str {
    NAMES[usize::try_from(day.weekday().to_monday_zero_offset()).expect("a day")]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_night_on_which_the_clock_changes_decides_as_the_wall_shows(
        zone in prop::sample::select(ZONES.to_vec()),
        night in nights(),
        hours in span(),
        window in span(),
        weekly in span(),
        closed in prop::option::of(-1_i64..=1),
        days in prop::sample::subsequence(NAMES.to_vec(), 1..=7),
        lesson in -1_i64..=1,
    ) {
        let near = |off: i64| night.saturating_add(jiff::Span::new().days(off));
        let closed = closed.map(near);
        // Events are by the clock on the wall of the zone, and end with their day.
        let (begin, end) = (weekly.0.min(weekly.1), weekly.0.max(weekly.1));
        let first = near(lesson).saturating_sub(jiff::Span::new().days(364));
        let stamp = |day: Date, minute: u32| format!("{}T{:02}{:02}00", day.strftime("%Y%m%d"), minute / 60, minute % 60);
        let ics = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:{}\nDTEND:{}\nRRULE:FREQ=WEEKLY\nEND:VEVENT\nEND:VCALENDAR\n",
            stamp(first, begin), stamp(first, end)
        );
        let shut = closed.map_or_else(String::new, |day| format!("closed = \"{day}\"\n"));
        let plan = format!(
            "[calendars.lessons]\nfile = \"lessons.ics\"\n[hours.office]\nzone = \"{zone}\"\n{} = \"{}-{}\"\n{shut}\
             [[rule]]\nname = \"office\"\ncalled = \"1\"\nwhen = {{ open = \"office\" }}\nmenu = \"de\"\n\
             [[rule]]\nname = \"window\"\ncalled = \"2\"\nwhen = {{ days = [{}], from = \"{}\", to = \"{}\" }}\nmenu = \"de\"\n\
             [[rule]]\nname = \"lesson\"\ncalled = \"3\"\nwhen = {{ during = \"lessons\" }}\nmenu = \"de\"\n",
            name(night), clock(hours.0), clock(hours.1),
            days.iter().map(|day| format!("\"{day}\"")).collect::<Vec<_>>().join(", "), clock(window.0), clock(window.1),
        );
        let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
        let (made, problems) = Plan::check(vec![source("10.toml", &plan), source("lessons.ics", &ics)], &around());
        prop_assert!(problems.iter().all(|problem| !problem.is_error()), "{:?}\n{}", problems, plan);
        let there = TimeZone::get(zone).expect("a zone");
        let start = near(-1).at(12, 0, 0, 0).to_zoned_datetime(there.clone()).expect("a time").timestamp();
        for quarter in 0..(48 * 4) {
            let now = start + jiff::SignedDuration::from_mins(quarter * 15 + 7);
            let (day, minute) = wall(now, &there);
            let local = now.to_zoned_datetime(there.clone());
            let takes = |called: &str| made.decide(&call(called), &local).is_some();
            let is_open = |day: Date| day.weekday() == night.weekday() && Some(day) != closed;
            prop_assert_eq!(takes("1"), holds(day, minute, hours, is_open), "office at {}\n{}", local, plan);
            let is_named = |day: Date| days.contains(&name(day));
            prop_assert_eq!(takes("2"), holds(day, minute, window, is_named), "window at {}\n{}", local, plan);
            let is_lesson = day.weekday() == near(lesson).weekday() && (begin..end).contains(&minute);
            prop_assert_eq!(takes("3"), is_lesson, "lesson at {}\n{}", local, ics);
        }
    }

    /// What the week shows as open is what is decided, minute by minute of a day as long as it is.
    #[test]
    fn the_week_of_a_night_on_which_the_clock_changes_shows_what_is_decided(
        zone in prop::sample::select(ZONES.to_vec()),
        night in nights(),
        hours in span(),
        window in span(),
    ) {
        let plan = format!(
            "[hours.office]\nzone = \"{zone}\"\nmon-sun = \"{}-{}\"\n\
             [[rule]]\nname = \"office\"\ncalled = \"1\"\nwhen = {{ open = \"office\" }}\nmenu = \"de\"\n\
             [[rule]]\nname = \"window\"\ncalled = \"2\"\nwhen = {{ from = \"{}\", to = \"{}\" }}\nmenu = \"de\"\n",
            clock(hours.0), clock(hours.1), clock(window.0), clock(window.1),
        );
        let there = TimeZone::get(zone).expect("a zone");
        let here = Surroundings { zone: there.clone(), ..around() };
        let (made, _) = Plan::check(source(&plan), &here);
        let first = night.yesterday().expect("a day");
        for row in made.week(first, &there) {
            let called = if row.name == "office" { "1" } else { "2" };
            for (day, shown) in std::iter::successors(Some(first), |day| day.tomorrow().ok()).zip(row.days.iter().take(3)) {
                let begin = day.to_zoned_datetime(there.clone()).expect("a time").timestamp();
                let end = day.tomorrow().expect("a day").to_zoned_datetime(there.clone()).expect("a time").timestamp();
                prop_assert_eq!(shown.minutes * 60, end.as_second() - begin.as_second(), "{} in {}", day, zone);
                for minute in (0..shown.minutes).step_by(5) {
                    let now = begin + jiff::SignedDuration::from_mins(minute);
                    let is_open = made.decide(&call(called), &now.to_zoned_datetime(there.clone())).is_some();
                    let is_shown = shown.open.iter().any(|open| (open.start..open.end).contains(&minute));
                    prop_assert_eq!(is_shown, is_open, "minute {} of {} in {}: {:?}\n{}", minute, day, zone, shown.open, plan);
                }
            }
        }
    }
}
