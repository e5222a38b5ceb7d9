//! Faults that are seldom made: each is found in its line all the same.

use super::*;

fn file(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn rule(body: &str) -> Vec<Source> {
    source(&format!("[[rule]]\nname = \"A\"\n{body}\n"))
}

/// A rule that does something, and one line more.
fn with(line: &str) -> Vec<Source> {
    rule(&format!("called = \"2XXX\"\nmenu = \"de\"\n{line}"))
}

fn rings(to: &str) -> Vec<Source> {
    rule(&format!("called = \"+49 30 9018 1XX\"\nring = {{ to = {to}, trunk = \"haus-1\" }}"))
}

fn called_back(line: &str) -> Vec<Source> {
    source(&format!("[callbacks.amt]\nagents = [\"2001@haus-1\"]\ntrunk = \"haus-1\"\n{line}\n"))
}

/// A table with one row.
fn row(head: &str, row: &str) -> Vec<Source> {
    vec![file("10.toml", "[tables.amt]\nfile = \"amt.csv\"\n"), file("amt.csv", &format!("{head}\n{row}\n"))]
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n")
}

fn calendar(events: &str) -> Vec<Source> {
    let plan = file("10.toml", "[calendars.ferien]\nfile = \"ferien.ics\"\n");
    vec![plan, file("ferien.ics", &format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n"))]
}

/// The same in two files.
fn twice(text: &str) -> Vec<Source> {
    vec![file("10.toml", text), file("20.toml", text), file("ferien.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n")]
}

fn many(word: &str) -> String {
    (0..21).map(|number| format!("20{number:02}{word}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_seldom_fault_is_found_in_its_line_in_each_language() {
    let weekly = event("DTSTART:20260101T080000\nRRULE:FREQ=WEEKLY");
    let telephones =
        format!("[{}]", many("").split(' ').map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", "));
    let one_day = event("DTSTART;VALUE=DATE:20260101");
    let faults: Vec<(Vec<Source>, &str)> = vec![
        // How a file is written.
        (
            source("[rule]\nname = \"A\"\n"),
            "1:1 this is one table, and there may be many | write it with two brackets: [[rule]]",
        ),
        (source("rule = [1]\n"), "1:9 this is no table | write [[rule]] on a line of its own"),
        (source("hours = 5\n"), "1:9 this is a table | write [hours] or [hours.NAME] on a line of its own"),
        (source("[hours]\namt = 5\n"), "2:7 this is a table | write [hours.NAME] on a line of its own"),
        (source("[[rule]]\ncalled = \"1\"\nmenu = \"de\"\n"), "1:1 this rule has no name"),
        (rule("called = \"2XXX\"\nmenu = true"), "4:8 a text is needed here, this is a boolean"),
        (rule("called = \"2XXX\"\nmenu = 2.5"), "4:8 a text is needed here, this is a float"),
        (rule("called = \"2XXX\"\nmenu = [\"de\"]"), "4:8 a text is needed here, this is a array"),
        (rule("called = \"2XXX\"\nmenu = 2026-12-24"), "4:8 a text is needed here, this is a datetime"),
        (rule("called = \"2XXX\"\nmenu = { in = \"de\" }"), "4:8 a text is needed here, this is a table"),
        (with("secure = \"ja\""), "5:10 this is true or false | write it without quotes"),
        (with("when = \"mon\""), "5:8 this is a table | write { days = "),
        (with("when = { open = \"amt\", days = \"mon\" }"), "5:8 hours by name stand alone"),
        (with("when = { during = \"ferien\", days = \"mon\" }"), "5:8 a calendar stands alone"),
        (source("[[example]]\ncalled = \"1\"\n"), "1:1 an example needs a number and a rule"),
        // Patterns.
        (rule("called = \"${haus\"\nmenu = \"de\""), "3:10 a variable begins here that does not end | write ${name}"),
        (rule("called = \"b!\"\nmenu = \"de\""), "3:12 a name has small letters, digits, '-', '_' and '.' only"),
        (rule("called = \"1.2\"\nmenu = \"de\""), "3:13 nothing can follow '.', '!' or '…'"),
        (rule("called = \"[3-1]\"\nmenu = \"de\""), "3:11 a class is written like [2-57]"),
        (rule("called = \"49#\"\nmenu = \"de\""), "3:13 only digits, X, Z, N, [classes], separators"),
        (rule("called = \"+\"\nmenu = \"de\""), "3:11 the pattern has no digit; write * for every number"),
        (
            rule(&format!("called = '/{}/'\nmenu = \"de\"", "1".repeat(201))),
            "3:11 this regular expression is longer than 200 characters",
        ),
        // Names that stand twice, in two files.
        (twice("[variables]\nhaus = \"030\"\n"), "2:1 there are two variables \"haus\" | leave one of them out"),
        (twice("[contexts.amt]\n"), "1:11 context \"amt\" is told of twice | put all of it in one place"),
        (twice("[hours.amt]\nmon = \"08:00-12:00\"\n"), "1:8 there are two hours \"amt\""),
        (twice("[calendars.ferien]\nfile = \"ferien.ics\"\n"), "1:12 there are two calendars \"ferien\""),
        (twice("[queues.amt]\nagents = \"2001@haus-1\"\n"), "1:9 there are two queues \"amt\""),
        (twice("[callbacks.amt]\nagents = \"2001\"\ntrunk = \"haus-1\"\n"), "1:12 there are two callbacks \"amt\""),
        (
            source("[contexts.a]\ntrunks = \"haus-1\"\n[contexts.b]\ntrunks = \"haus-1\"\n"),
            "4:10 calls by haus-1 begin in \"a\" already | name each trunk in one context",
        ),
        // Hours.
        (source("[hours.amt]\nopen = \"10:00-12:00\"\n"), "2:8 this is a table | write open = "),
        (source("[hours.amt]\nopen = { morgen = \"10:00-12:00\" }\n"), "2:10 \"morgen\" is no day"),
        (
            source("[hours.amt]\nholidays = \"XX\"\n"),
            "2:12 the public holidays of \"XX\" are not known | write a country",
        ),
        // Who is rung.
        (rings(&telephones), "4:15 these are 21 telephones; 20 can be rung | let the telephone system ring a group"),
        (rings("\"{caller}\""), "4:15 \"{caller}\" does not say what of the number is called | write {called}"),
        (rings("\"{called:-3}\""), "4:8 {called:-3} of rule \"A\" could ring 110 or 112 like a telephone"),
        (rule("called = \"2XXX\"\ntransfer = { trunk = \"haus-1\" }"), "4:12 this does not say to whom"),
        (rule("called = \"2XXX\"\nring = \"2001\""), "4:8 this is a table | write ring = "),
        (
            source("[queues.amt]\nagents = [\"{called}\"]\ntrunk = \"haus-1\"\n"),
            "2:10 a queue has the same agents whatever number was called | name them",
        ),
        (source("[callbacks.amt]\nagents = [\"2001@haus-1\"]\n"), "1:12 by which trunk does \"amt\" call back?"),
        (called_back("longest = 0"), "4:11 this is a number of requests, from 1 to 500"),
        (called_back("days = 0"), "4:8 this is a number of days, from 1 to 30"),
        (called_back("minutes = 0"), "4:11 this is a number of minutes, from 1 to 1440"),
        // Tables.
        (source("[tables.amt]\n"), "1:9 \"amt\" names no file | add file = \"NAME.csv\""),
        (row("nummer,room", "1,rat"), "1:1 there is no column number | the first line names the columns"),
        (row("number,zimmer", "1,rat"), "2:1 the row of 1 cannot be used | column zimmer means nothing; known: number"),
        (row("number,room", "1,Rat 1"), "2:1 the row of 1 cannot be used | a room's name has"),
        (row("number,menu", "1,fr"), "2:1 the row of 1 cannot be used | \"de\" or \"en\""),
        (row("number,redirect", "1,100@pbx"), "2:1 the row of 1 cannot be used | write sip:NUMBER@HOST"),
        (
            row("number,ring", "1,2001"),
            "2:1 the row of 1 cannot be used | by which trunk is \"2001\" called?: add trunk",
        ),
        (
            row("number,ring", &format!("1,{}", many("@haus-1"))),
            "2:1 the row of 1 cannot be used | 20 telephones can be rung, these are 21",
        ),
        // Calendars.
        (source("[calendars.ferien]\n"), "1:12 \"ferien\" names no file | add file = \"NAME.ics\""),
        (calendar(&weekly.repeat(501)), "2002:1 more than 500 events come again | write fewer"),
        (calendar(&one_day.repeat(20_001)), "1:1 this calendar has more than 20000 events | split it"),
        (
            calendar(&event("DTSTART:19000101T080000\nRRULE:FREQ=DAILY")),
            "4:1 this event comes again more than 20000 times",
        ),
        (calendar(&event("DTSTART:20260101T080000\nRRULE:WEEKLY")), "4:1 \"WEEKLY\" is no part of a rule"),
    ];
    let mut wrong = Vec::new();
    for (sources, expected) in faults {
        let told = told(sources);
        if !told.iter().any(|line| line.starts_with(expected)) {
            wrong.push(format!("{expected}\nis told as\n{}\n", told.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
