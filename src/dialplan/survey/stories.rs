//! A town looks at its plan.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::dialplan::{Exception, Facts, Home, Plan, Source, Surroundings};
use crate::words::{Language, Personal};

const TOWN: &str = r#"
[variables]
haus = "+49 30 9018"

[contexts.aussen]
trunks = ["carrier"]
include = ["main"]

[contexts.haus]

[hours.buergeramt]
mon-fri = ["08:00-12:00", "13:00-16:00"]
sun = "01:00-03:30"
holidays = "DE-BE"
closed = ["2026-12-24..2026-12-30"]
open = { "2026-12-28" = "10:00-14:00" }

[hours.helsinki]
tue = "22:00-02:00"
zone = "Europe/Helsinki"

[tables.durchwahl]
file = "durchwahl.csv"

[[rule]]
name = "Notruf"
called = ["110", "112"]
emergency = "sip:notruf@pbx.example"

[[rule]]
name = "Von außen nicht"
context = "aussen"
called = "${haus} 1[89]XX"
withheld = true
reject = "forbidden"

[[rule]]
name = "Amt"
called = ["${haus} 2000-2499", "2000-2499"]
when = { open = "buergeramt" }
menu = "de"

[[rule]]
name = "Amt zu"
called = ["${haus} 2000-2499", "2000-2499"]
closed = "de"

[[rule]]
name = "Sprechstunde"
called = "3XXX"
caller = "+49 30!"
trunk = "carrier"
secure = true
when = { days = ["mon-thu", "sat"], from = "22:00", to = "06:00" }
room = "rat"

[[rule]]
name = "Haus"
called = ["${haus} 4XXX", "4XXX"]
go = "haus"

[[rule]]
name = "Nur 41"
context = "haus"
called = ["${haus} 41XX", "41XX"]
menu = "en"

[[rule]]
name = "Durchwahl"
called = ["${haus} 1XXX", "1XXX"]
table = "durchwahl"

[[rule]]
name = "Rest"
called = ["${haus} [13]!", "[13]XXX", "sip"]
reject = "not-found"

[[rule]]
name = "Helsinki"
called = "9"
when = { closed = "helsinki" }
redirect = "sip:9@pbx.example"
"#;

const ROWS: &str = "number,room\n1000,rat\n+493090181234,rat\n1235,rat\n493090181999,rat\n";

fn town() -> Plan {
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let around = Surroundings {
        rooms: vec!["rat".parse().expect("a room")],
        trunks: vec!["carrier".parse().expect("a trunk")],
        ..Surroundings::only(Home { country: "DE".parse().expect("a country"), area: "30".into() }, berlin())
    };
    let (plan, problems) = Plan::check(vec![source("10-stadt.toml", TOWN), source("durchwahl.csv", ROWS)], &around);
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    plan
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").expect("a zone")
}

fn leaf(plan: &Plan, rule: &str, language: Language) -> Leaf {
    let tree = plan.tree(language);
    tree.into_iter().flat_map(|branch| branch.rules).find(|leaf| leaf.rule == rule).expect(rule)
}

#[test]
fn each_rule_is_a_sentence_in_german_and_in_english() {
    let plan = town();
    for (rule, german, english) in [
        (
            "Amt",
            "Anrufe an +493090182[0-4]XX oder 2000-2499, wenn „buergeramt“ geöffnet ist → Menü auf Deutsch: Konferenznummer und PIN",
            "Calls to +493090182[0-4]XX or 2000-2499, while “buergeramt” is open → menu in German: conference ID and PIN",
        ),
        (
            "Sprechstunde",
            "Anrufe an 3XXX von +49 30! über carrier, verschlüsselt, Mo–Do, Sa 22:00–6:00 Uhr → zur Tür des Raums „rat“",
            "Calls to 3XXX from +49 30! by carrier, encrypted, Mon–Thu, Sat 22:00–6:00 → to the door of room “rat”",
        ),
        (
            "Von außen nicht",
            "Anrufe an +493090181[89]XX ohne Rufnummer des Anrufers → abgewiesen: nicht erlaubt (403)",
            "Calls to +493090181[89]XX without the caller’s number → refused: not allowed (403)",
        ),
        (
            "Durchwahl",
            "Anrufe an +493090181XXX oder 1XXX → wie in der Tabelle „durchwahl“ (4 Nummern); was dort fehlt, geht weiter",
            "Calls to +493090181XXX or 1XXX → as table “durchwahl” says (4 numbers); what is not there goes on",
        ),
        (
            "Notruf",
            "Anrufe an 110 oder 112 → Notruf: umgeleitet an sip:notruf@pbx.example",
            "Calls to 110 or 112 → an emergency: sent on to sip:notruf@pbx.example",
        ),
    ] {
        let said = |language| {
            let leaf = leaf(&plan, rule, language);
            format!("{} → {}", leaf.condition, leaf.consequence)
        };
        assert_eq!(said(Language::De), german);
        assert_eq!(said(Language::En), english);
    }
}

#[test]
fn the_tree_says_where_calls_begin_where_they_go_on_and_where_each_rule_stands() {
    let tree = town().tree(Language::En);
    let outside = tree.iter().find(|branch| branch.context == "aussen").expect("the context");
    assert_eq!(
        (outside.trunks.as_slice(), outside.include.as_slice()),
        (&["carrier".into()][..], &["main".into()][..])
    );
    let house = tree.iter().flat_map(|branch| &branch.rules).find(|leaf| leaf.rule == "Haus").expect("the rule");
    assert_eq!((house.goes.as_deref(), house.kind.as_str()), (Some("haus"), "go"));
    let line = TOWN.lines().position(|line| line == "name = \"Haus\"").expect("a line") + 1;
    assert_eq!((house.file.as_str(), house.line), ("10-stadt.toml", line));
}

/// A row's days: date, why, and openings.
fn shown(row: &Row) -> Vec<String> {
    let opening = |open: &Open| format!("{}-{}", open.from, open.to);
    let day = |day: &Day| {
        let openings: Vec<String> = day.open.iter().map(opening).collect();
        let why = day.why.map_or_else(String::new, |why| format!(" {why:?}"));
        format!("{}{why} {}", day.date, openings.join(" ")).trim_end().to_owned()
    };
    row.days.iter().map(day).collect()
}

fn row(first: jiff::civil::Date, name: &str) -> Row {
    town().week(first, &berlin()).into_iter().find(|row| row.name == name).expect(name)
}

#[test]
fn a_week_shows_holidays_closing_days_and_exceptions_with_their_reason() {
    assert_eq!(
        shown(&row(date(2026, 12, 21), "buergeramt")),
        [
            "2026-12-21 08:00-12:00 13:00-16:00",
            "2026-12-22 08:00-12:00 13:00-16:00",
            "2026-12-23 08:00-12:00 13:00-16:00",
            "2026-12-24 Closed",
            "2026-12-25 Closed",
            "2026-12-26 Closed",
            "2026-12-27 Closed",
        ]
    );
    let next = row(date(2026, 12, 28), "buergeramt");
    assert_eq!(next.days[0].why, Some(Exception::Otherwise));
    assert_eq!(shown(&next)[0], "2026-12-28 Otherwise 10:00-14:00");
    assert_eq!(shown(&next)[4], "2027-01-01 Holiday");
}

#[test]
fn a_night_in_which_the_clock_changes_is_as_long_as_it_is() {
    let sunday = |first| row(first, "buergeramt").days[6].clone();
    let usual = Open { from: "01:00".into(), to: "03:30".into(), start: 60, end: 210 };
    assert_eq!((sunday(date(2026, 11, 23)).minutes, sunday(date(2026, 11, 23)).open), (1_440, vec![usual.clone()]));
    // Put back on 25 October: from 2 to 3 twice. Put forward on 29 March: not at all.
    let longer = sunday(date(2026, 10, 19));
    assert_eq!((longer.minutes, longer.open), (1_500, vec![Open { end: 270, ..usual.clone() }]));
    let shorter = sunday(date(2026, 3, 23));
    assert_eq!((shorter.minutes, shorter.open), (1_380, vec![Open { end: 150, ..usual }]));
}

#[test]
fn a_night_passes_midnight_and_each_clock_is_its_own() {
    let helsinki = row(date(2026, 11, 23), "helsinki");
    assert_eq!(helsinki.zone, "Europe/Helsinki");
    assert_eq!(shown(&helsinki)[1..3], ["2026-11-24 22:00-24:00", "2026-11-25 00:00-02:00"]);
    let rule = row(date(2026, 11, 23), "Sprechstunde");
    assert_eq!((rule.subject, rule.zone.as_str()), (Subject::Rule, "Europe/Berlin"));
    assert_eq!(shown(&rule)[0], "2026-11-23 22:00-24:00");
    assert_eq!(shown(&rule)[1], "2026-11-24 00:00-06:00 22:00-24:00");
    assert_eq!(shown(&rule)[4], "2026-11-27 00:00-06:00");
}

/// Every number of these blocks, asked one by one, at an open and a closed hour, by the carrier and without one.
#[test]
fn coverage_is_what_each_number_would_be_told() {
    let plan = town();
    for block in ["+49 30 9018 XXXX", "+49 30 9018!", "1XXX", "2000-2499", "9", "11X"] {
        let parsed = Block::read(block).expect(block);
        for (hour, trunk) in [(9, None), (9, Some("carrier")), (23, Some("carrier"))] {
            let now = date(2026, 11, 24).at(hour, 0, 0, 0).to_zoned_datetime(berlin()).expect("a time");
            let caller = (hour == 9).then(|| Personal::new("+49301234567".parse().expect("a number")));
            let trunk = trunk.map(|trunk| trunk.parse().expect("a trunk"));
            let facts = Facts { caller, trunk, secure: true, ..Facts::default() };
            let stretches = plan.coverage(&parsed, &facts, &now, Language::En);
            let mut count = 0;
            for stretch in &stretches {
                let length = stretch.from.len() - usize::from(stretch.from.starts_with('+'));
                let plus = if stretch.from.starts_with('+') { "+" } else { "" };
                let ends = [&stretch.from, &stretch.to].map(|end| end.parse::<u64>().expect("a number"));
                for number in ends[0]..=ends[1] {
                    let called = format!("{plus}{number:0length$}");
                    let facts = Facts { called: called.clone(), ..facts.clone() };
                    let taken = plan.decide(&facts, &now);
                    assert_eq!(taken.map(|taken| taken.rule), stretch.rule.as_deref(), "{called} at {hour}");
                    if let Some(taken) = taken {
                        assert_eq!(taken.decision.said(Language::En).text, stretch.consequence, "{called} at {hour}");
                    }
                    count += 1;
                }
                assert_eq!(ends[1] - ends[0] + 1, stretch.count);
            }
            let size = match block {
                "+49 30 9018 XXXX" => 10_000,
                "+49 30 9018!" => 11_111,
                "1XXX" => 1_000,
                "2000-2499" => 500,
                "11X" => 10,
                _ => 1,
            };
            assert_eq!(count, size, "{block}");
        }
    }
}

#[test]
fn what_no_rule_takes_is_told_and_what_is_no_block_says_why() {
    let plan = town();
    let now = date(2026, 11, 24).at(9, 0, 0, 0).to_zoned_datetime(berlin()).expect("a time");
    let facts = Facts::default();
    let told = plan.coverage(&Block::read("+49 30 9018 4XXX").expect("a block"), &facts, &now, Language::En);
    let told: Vec<_> = told.iter().map(|one| (one.from.as_str(), one.to.as_str(), one.rule.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("+493090184000", "+493090184099", None),
            ("+493090184100", "+493090184199", Some("Nur 41")),
            ("+493090184200", "+493090184999", None),
        ]
    );
    for (block, why) in [
        ("90181234", "write it with +"),
        ("0XXX", "write it with +"),
        ("+49 XXXXXXX", "at most a million"),
        ("+49 30!X", "nothing can follow"),
        ("*", "made of digits"),
        ("rat", "made of digits"),
        ("", "no digit"),
    ] {
        let error = Block::read(block).expect_err(block).to_string();
        assert!(error.contains(why), "{block}: {error}");
    }
}
