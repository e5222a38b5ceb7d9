//! Stories of a school and its calendar files.

use super::*;

const PLAN: &str = r#"
[calendars.ferien]
file = "ferien.ics"

[calendars.unterricht]
file = "unterricht.ics"

[hours.sekretariat]
mon-fri = "07:30-15:00"
closed = "calendar:ferien"

[[rule]]
name = "Notruf"
called = ["110", "112"]
emergency = true

[[rule]]
name = "Unterricht"
called = "7"
when = { during = "unterricht" }
reject = "busy"

[[rule]]
name = "Sekretariat"
called = "*"
when = { open = "sekretariat" }
menu = "de"

[[rule]]
name = "Zu"
called = "*"
closed = "de"
"#;

const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261222\r\n\
    DTEND;VALUE=DATE:20270103\r\nSUMMARY:Weihnachtsferien\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\n\
    DTSTART;TZID=Europe/Berlin:20261124T120000\r\nDTEND;TZID=Europe/Berlin:20261124T140000\r\nSUMMARY:Konferenz\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

const LESSONS: &str = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:a\n\
    DTSTART;TZID=W. Europe Standard Time:20260831T080000\nDURATION:PT45M\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270131T230000Z\n\
    EXDATE;TZID=W. Europe Standard Time:20261125T080000\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\n\
    RECURRENCE-ID;TZID=W. Europe Standard Time:20261130T080000\nDTSTART;TZID=W. Europe Standard Time:20261130T100000\n\
    DTEND;TZID=W. Europe Standard Time:20261130T104500\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n";

fn school(holidays: &str, lessons: &str) -> Vec<Source> {
    let file = |name: &str, text: &str| Source { name: format!("schule/{name}"), text: text.to_owned() };
    vec![file("10-schule.toml", PLAN), file("ferien.ics", holidays), file("unterricht.ics", lessons)]
}

#[test]
fn a_school_is_closed_in_its_holidays_and_busy_in_its_lessons() {
    let (plan, problems) = Plan::check(school(HOLIDAYS, LESSONS), &around());
    assert!(problems.is_empty(), "{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let takes = |called: &str, time: &str| {
        let time: jiff::civil::DateTime = time.parse().expect("a time");
        let now = time.in_tz("Europe/Berlin").expect("a time");
        plan.decide(&call(called), &now).map(|taken| taken.rule.to_owned()).unwrap_or_default()
    };
    for (called, time, rule) in [
        ("1", "2026-12-21T10:00", "Sekretariat"),
        ("1", "2026-12-22T10:00", "Zu"),
        ("1", "2027-01-01T10:00", "Zu"),
        ("1", "2027-01-04T10:00", "Sekretariat"),
        // A conference closes the office for as long as it takes.
        ("1", "2026-11-24T11:59", "Sekretariat"),
        ("1", "2026-11-24T12:00", "Zu"),
        ("1", "2026-11-24T14:00", "Sekretariat"),
        // Lessons are at eight by the clock on the wall, in summer and in winter.
        ("7", "2026-10-19T08:44", "Unterricht"),
        ("7", "2026-11-23T08:00", "Unterricht"),
        ("7", "2026-11-23T08:45", "Sekretariat"),
        ("7", "2026-11-24T08:00", "Sekretariat"),
        // Left out, moved, and over.
        ("7", "2026-11-25T08:10", "Sekretariat"),
        ("7", "2026-11-30T08:10", "Sekretariat"),
        ("7", "2026-11-30T10:10", "Unterricht"),
        ("7", "2027-02-01T08:10", "Sekretariat"),
    ] {
        assert_eq!(takes(called, time), rule, "{called} at {time}");
    }
}

#[test]
fn mistakes_in_a_calendar_are_told_with_their_file_and_line() {
    let event = |lines: &str| format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n");
    let whole_day = "DTSTART;VALUE=DATE:20261222";
    for (text, expected) in [
        (event("SUMMARY:Ferien"), "2:1 this event does not say when it begins | add DTSTART"),
        (event("DTSTART:24.12.2026"), "3:1 \"24.12.2026\" is no day and no time | write a day like 20261224"),
        (event("DTSTART;TZID=Mars:20261224T080000"), "3:1 \"Mars\" is no time zone"),
        (event(&format!("{whole_day}\nDTEND;VALUE=DATE:20261221")), "4:1 this event ends before it begins"),
        (event(&format!("{whole_day}\nDURATION:lang")), "4:1 \"lang\" is no duration"),
        (event(&format!("{whole_day}\nRRULE:FREQ=SECONDLY")), "4:1 an event cannot come again SECONDLY"),
        (event(&format!("{whole_day}\nRRULE:FREQ=WEEKLY;BYDAY=XX")), "4:1 this rule cannot be read"),
        (event(&format!("{whole_day}\nRRULE:FREQ=WEEKLY;UNTIL=x")), "4:1 \"x\" is no day and no time"),
        (event(&format!("{whole_day}\n???")), "4:1 this line cannot be read"),
        (event(whole_day).replace("END:VEVENT\n", ""), "4:1 VEVENT ends here as VCALENDAR"),
        (event(whole_day).replace("END:VCALENDAR\n", ""), "5:1 END:VCALENDAR is missing"),
        (String::from("<html>"), "1:1 this line cannot be read"),
        (String::from("BEGIN:VCARD\nEND:VCARD\n"), "1:1 this is no calendar"),
    ] {
        let told = told(school(&text, LESSONS));
        assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n\nin\n{}", told.join("\n"));
    }
    let told_of = |text: &str| {
        let sources = vec![Source { name: String::from("10-stadt.toml"), text: text.to_owned() }];
        told(sources)
    };
    let told = told_of(
        "[calendars.ferien]\nfile = \"ferien.ics\"\n\n[[rule]]\nname = \"A\"\ncalled = \"1\"\nwhen = { during = \"ferein\" }\nmenu = \"de\"\n",
    );
    for expected in
        ["2:8 there is no file ferien.ics | put it beside this file", "7:19 there is no calendar \"ferein\""]
    {
        assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n\nin\n{}", told.join("\n"));
    }
    let empty = super::told(school("BEGIN:VCALENDAR\nEND:VCALENDAR\n", LESSONS));
    assert!(empty.iter().any(|line| line.starts_with("2:12 calendar \"ferien\" has no event")), "{empty:?}");
    let unused = PLAN.replace("closed = \"calendar:ferien\"\n", "");
    let unused = vec![
        Source { name: String::from("10.toml"), text: unused },
        Source { name: String::from("ferien.ics"), text: HOLIDAYS.to_owned() },
        Source { name: String::from("unterricht.ics"), text: LESSONS.to_owned() },
    ];
    assert!(super::told(unused).iter().any(|line| line.starts_with("2:12 no rule speaks of calendar \"ferien\"")));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 40, failure_persistence: None, ..Default::default() })]

    /// A weekly lesson by its rule is what counting the days gives, over nights on which the clock changes and leap days.
    #[test]
    fn a_series_is_every_week_at_the_same_hour(start in 0_i64..1_500, hour in 0_i8..24, weeks in 1_i64..5, ahead in 0_i64..2_000) {
        let first = jiff::civil::date(2026, 1, 1).saturating_add(jiff::Span::new().days(start));
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:{}T{hour:02}0000\nDURATION:PT1H\n\
             RRULE:FREQ=WEEKLY;INTERVAL={weeks}\nEND:VEVENT\nEND:VCALENDAR\n",
            first.strftime("%Y%m%d")
        );
        let file = file::File::from(Source { name: String::from("a.ics"), text });
        let (calendar, mistakes) = Calendar::read(&file);
        proptest::prop_assert!(mistakes.is_empty(), "{:?}", mistakes);
        let day = first.saturating_add(jiff::Span::new().days(ahead));
        // Where the clock is put forward two o'clock does not come.
        let now = day.at(hour, 30, 0, 0).in_tz("Europe/Berlin").expect("a time");
        proptest::prop_assume!(now.hour() == hour && day.year() <= 2040);
        proptest::prop_assert_eq!(calendar.is_on(&now), ahead % (7 * weeks) == 0, "{}", now);
    }
}
