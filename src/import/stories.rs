//! Stories of an admin who comes from Asterisk, or from a spreadsheet.

use std::collections::BTreeMap;

use super::*;
use crate::dialplan::{Decision, Facts, Plan, Problem, Reject, Surroundings};

pub(super) fn options() -> Options {
    Options {
        home: Home { country: "DE".parse().expect("a country"), area: String::from("30") },
        trunk: "pbx".parse().expect("a trunk"),
        peers: BTreeMap::from([(String::from("Amt"), "haus-2".parse().expect("a trunk"))]),
        entries: Vec::new(),
        language: Language::De,
        prompts: ["closed", "goodbye"].map(String::from).to_vec(),
        sounds: BTreeMap::new(),
    }
}

fn file(name: &str, text: &str) -> File {
    File { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

const TOWN: &str = include_str!("../../interop-tests/asterisk/extensions.conf");
const QUEUES: &str = include_str!("../../interop-tests/asterisk/queues.conf");
const CALLS: &str = include_str!("../../interop-tests/asterisk/calls.txt");

fn town(options: &Options) -> Imported {
    import(&[file("extensions.conf", TOWN), file("queues.conf", QUEUES)], options).expect("files")
}

/// The plan, with a configuration that has what it needs.
fn plan(imported: &Imported) -> (Plan, Vec<Problem>) {
    let trunks: Vec<TrunkName> = imported.report.needs.trunks.iter().cloned().collect();
    let around = Surroundings {
        rooms: imported.report.needs.rooms.iter().cloned().collect(),
        dial: trunks.clone(),
        trunks,
        prompts: options().prompts,
        ..Surroundings::only(options().home, jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone"))
    };
    Plan::check(imported.files.clone(), &around)
}

fn shown(imported: &Imported) -> String {
    let texts: Vec<&str> = imported.files.iter().map(|file| file.text.as_str()).collect();
    format!("{}\n{}", texts.join("\n"), imported.report.to_text(Language::En))
}

fn lines<'a>(imported: &'a Imported, text: &str) -> Vec<&'a Line> {
    imported.report.lines.iter().filter(|line| line.text.contains(text)).collect()
}

fn line<'a>(imported: &'a Imported, text: &str) -> &'a Line {
    let found = lines(imported, text);
    assert_eq!(found.len(), 1, "{text}");
    found[0]
}

/// Step by step what becomes of a call that nobody answers.
fn followed(plan: &Plan, facts: &Facts, now: &jiff::ZonedDateTime) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut taken = plan.decide(facts, now);
    if taken.is_none() {
        return String::from("none");
    }
    while let Some(found) = taken {
        let decision = found.decision.for_call(&facts.called);
        match &decision {
            Decision::Ring(ring) => {
                let users: Vec<String> = ring.to.iter().map(|callee| callee.user.clone()).collect();
                let all = ring.way == crate::call::hunt::Way::All;
                told.push(users.join(if all { "&" } else { " " }));
            }
            Decision::Announce(saying) => told.push(saying.say.clone()),
            Decision::Queue(queue) => told.push(format!("queue:{}", queue.name)),
            Decision::Room { room } => return [told, vec![format!("room:{room}")]].concat().join(" "),
            Decision::Menu { .. } => return [told, vec![String::from("menu")]].concat().join(" "),
            Decision::Reject { why } => {
                let how = match why {
                    Reject::Forbidden => "forbidden",
                    Reject::NotFound => "not-found",
                    Reject::Unavailable => "unavailable",
                    Reject::Busy => "busy",
                };
                return [told, vec![how.to_owned()]].concat().join(" ");
            }
            other @ (Decision::Closed { .. }
            | Decision::Redirect { .. }
            | Decision::Emergency { .. }
            | Decision::Rescue(_)
            | Decision::Callback(_)
            | Decision::Transfer(_)) => told.push(other.to_string()),
        }
        taken = decision.onward().and_then(|onward| plan.decide_onward(onward, facts, now));
    }
    told.push(String::from("end"));
    told.join(" ")
}

#[test]
fn a_town_moves_in_and_each_call_goes_where_asterisk_sent_it() {
    for entry in ["from-trunk", "intern"] {
        let options = Options { entries: vec![(entry.to_owned(), None)], ..options() };
        let imported = town(&options);
        let (plan, problems) = plan(&imported);
        let errors: Vec<String> = problems.iter().filter(|one| one.is_error()).map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{}\n{}", errors.join("\n"), shown(&imported));
        let mut wrong = Vec::new();
        let mut asked = 0;
        for call in CALLS.lines().filter(|line| line.starts_with(entry)) {
            let ours = call.split('|').next().expect("a call");
            let words: Vec<&str> = ours.split_whitespace().collect();
            let [_, called, time, expected @ ..] = words.as_slice() else { panic!("{call}") };
            let time: jiff::civil::DateTime = time.parse().expect("a time");
            let now = time.in_tz("Europe/Berlin").expect("a time");
            let facts = Facts { called: (*called).to_owned(), ..Facts::default() };
            let found = followed(&plan, &facts, &now);
            asked += 1;
            if found != expected.join(" ") {
                wrong.push(format!("{call}\n    but {found}"));
            }
        }
        assert!(asked >= 15 && wrong.is_empty(), "{}\n{}", wrong.join("\n"), shown(&imported));
    }
}

#[test]
fn every_line_stands_in_the_report_once_and_those_that_are_lost_say_what_to_do() {
    let carrier = "carrier".parse().ok();
    let entries = vec![(String::from("from-trunk"), carrier), (String::from("intern"), None)];
    let imported = town(&Options { entries, ..options() });
    let told: Vec<(&str, usize)> = imported.report.lines.iter().map(|line| (line.file.as_str(), line.number)).collect();
    let conf = (1..=TOWN.lines().count()).map(|number| ("extensions.conf", number));
    let queues = (1..=QUEUES.lines().count()).map(|number| ("queues.conf", number));
    assert_eq!(told, conf.chain(queues).collect::<Vec<_>>());
    for language in Language::ALL {
        for line in imported.report.lines.iter().filter(|line| line.fate == Fate::NotCarried) {
            assert!(line.reasons.iter().any(|reason| !reason.tell(language).1.is_empty()), "{line:?}");
        }
    }
    for (text, code) in [
        ("2040,hint", "lamp"),
        ("GotoIf($[", "condition"),
        ("Voicemail(2030", "voicemail"),
        ("VoiceMailMain()", "voicemail"),
        ("System(/usr", "program"),
        ("Set(CALLERID(num)", "caller-name"),
        ("WaitExten(8)", "keys"),
        ("Background(willkommen)", "sound"),
        ("Playback(ss-noservice)", "sound"),
        ("Queue(unbekannt)", "no-queue"),
        ("include => ferien", "no-place"),
        ("[verwaist](!)", "templates"),
        ("#include \"weitere.conf\"", "other-file"),
        ("Local/3103@agenten", "device"),
    ] {
        let line = line(&imported, text);
        let codes: Vec<&str> = line.reasons.iter().map(Reason::code).collect();
        assert!(line.fate == Fate::NotCarried && codes.contains(&code), "{line:?}");
    }
    for (text, code) in [
        ("UNGENUTZT=1", "unused"),
        ("NoOp(aufgelegt)", "after-hangup"),
        ("static=yes", "setting"),
        ("die der Anbieter", "comment"),
        ("musicclass = default", "setting"),
    ] {
        let line = line(&imported, text);
        assert!(line.fate == Fate::NotNeeded && line.reasons.iter().any(|one| one.code() == code), "{line:?}");
    }
    for (text, rules) in [
        ("Dial(PJSIP/${EXTEN},25)", "durchwahlen _20XX"),
        ("ZENTRALE=PJSIP/2000", "[globals]"),
        ("include => nachts", "aemter-nachts"),
        ("member => PJSIP/3101", "[queues.buergeramt]"),
        ("[intern]", "[contexts.intern]"),
        ("exten => 112,1", "notruf 112: 112"),
    ] {
        let line = line(&imported, text);
        assert!(line.fate == Fate::Carried && line.rules.iter().any(|rule| rule.starts_with(rules)), "{line:?}");
    }
    let needs: Vec<String> = imported.report.needs.rooms.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["4001", "ratssaal"]);
    let text = imported.report.to_text(Language::De);
    assert!(text.starts_with("Nicht übernommen: ") && text.contains("[[meetings]]\nroom = \"ratssaal\""), "{text}");
    let json = imported.report.to_json(Language::En);
    assert_eq!(json["lines"].as_array().map(Vec::len), Some(told.len()));
}

#[test]
fn an_emergency_keeps_its_own_rule_whatever_pattern_would_have_taken_it() {
    let text = "[default]\nexten => _X.,1,Dial(SIP/carrier/${EXTEN})\nexten => _0.,1,Dial(SIP/carrier/${EXTEN:1})\n";
    let imported = import(&[file("extensions.conf", text)], &options()).expect("files");
    let (plan, problems) = plan(&imported);
    assert!(problems.iter().all(|one| !one.is_error()), "{problems:?}\n{}", shown(&imported));
    let now = jiff::civil::date(2026, 11, 24).at(10, 0, 0, 0).in_tz("Europe/Berlin").expect("a time");
    let decided = |called: &str| {
        let facts = Facts { called: called.to_owned(), ..Facts::default() };
        plan.decide(&facts, &now).map(|taken| taken.decision.for_call(called).to_string()).unwrap_or_default()
    };
    assert_eq!(decided("112"), "an emergency: called over carrier");
    assert_eq!(decided("1121"), "1121@carrier is rung for 180 s");
    assert_eq!(decided("030123"), "30123@carrier is rung for 180 s");
    // A zero before it is dialled like any number, not called for help.
    assert_eq!(decided("0112"), "0112@carrier is rung for 180 s");
}

#[test]
fn a_list_of_extensions_becomes_a_table_however_the_spreadsheet_wrote_it() {
    let german = "Durchwahl;Name;Konferenzraum;Ziel;Etage\r\n2001;\"Meier; Büro\r\nzwei\";;2001;1\r\n\
        (030) 9018-2002;Fraktion;Rats-Saal;;\r\n2001;Meier;;2001;\r\n2001;Anders;;2009;\r\nkeine;Leer;;1;\r\n2003;Niemand;;;\r\n;;;;\r\n\
        112;Notruf;;112;\r\n2004;Nacht;;bereit@Amt;\r\n";
    let western = german.chars().map(|c| u8::try_from(u32::from(c)).expect("a letter of the West")).collect();
    for bytes in [german.as_bytes().to_vec(), western] {
        let list = File { name: String::from("Durchwahlen 2026.csv"), bytes };
        let imported = import(&[list], &options()).expect("a file");
        let names: Vec<&str> = imported.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["20-durchwahlen-2026.toml", "durchwahlen-2026.csv"]);
        assert_eq!(
            imported.files[1].text,
            "number,room,ring,menu,redirect,comment\n2001,,2001@pbx,,,Meier; Büro zwei\n+493090182002,rats-saal,,,,Fraktion\n\
             2004,,bereit@haus-2,,,Nacht\n"
        );
        let fates: Vec<(Fate, Option<&str>)> =
            imported.report.lines.iter().map(|line| (line.fate, line.reasons.last().map(Reason::code))).collect();
        use Fate::{Carried, NotCarried, NotNeeded};
        assert_eq!(
            fates,
            [
                (NotCarried, Some("columns")),
                (Carried, None),
                (Carried, None),
                (Carried, None),
                (NotNeeded, Some("twice")),
                (NotCarried, Some("again")),
                (NotCarried, Some("no-number")),
                (NotCarried, Some("no-target")),
                (NotNeeded, Some("blank")),
                (NotCarried, Some("no-number")),
                (Carried, None),
            ]
        );
        let (plan, problems) = plan(&imported);
        assert!(problems.iter().all(|one| !one.is_error()), "{problems:?}");
        let now = jiff::civil::date(2026, 11, 24).at(10, 0, 0, 0).in_tz("Europe/Berlin").expect("a time");
        let room = Facts { called: String::from("90182002"), ..Facts::default() };
        assert_eq!(
            plan.decide(&room, &now).map(|taken| taken.decision.to_string()).as_deref(),
            Some("the door of room rats-saal")
        );
    }
    for (text, row) in [
        ("extension,room\n2001,rat\n", "2001,rat,,,,"),
        ("Rufnummer\tSprache\n2001\tEnglisch\n", "2001,,,en,,"),
        ("Nr.|Weiterleitung\n2001|rat@pbx.example\n", "2001,,,,sip:rat@pbx.example,"),
        ("2001;Meier\n2002;Schulz\n", "2002,,2002@pbx,,,Schulz"),
        ("Meier,2001\n", "2001,,2001@pbx,,,Meier"),
    ] {
        let imported = import(&[file("a.csv", text)], &options()).expect("a file");
        assert!(imported.files[1].text.contains(&format!("{row}\n")), "{text}\n{}", shown(&imported));
    }
    let none = import(&[file("a.csv", "Name;Amt\nMeier;Bau\n")], &options()).expect("a file");
    assert!(none.files.is_empty() && none.report.count(Fate::NotCarried) == 2);
    assert!(import(&[file("a.xlsx", "")], &options()).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, failure_persistence: None, ..Default::default() })]

    /// Lines of a town in any order, some of them torn: each stands in the report once, and the plan can be read.
    #[test]
    fn whatever_stands_in_which_order_no_line_is_lost(picks in proptest::collection::vec((0_usize..200, 0_usize..80), 0..120)) {
        let lines: Vec<&str> = TOWN.lines().collect();
        let torn = picks.iter().map(|(line, cut)| {
            let line = lines[line % lines.len()];
            // Most lines stay whole.
            if *cut < 8 { line.chars().take(cut * 5).collect() } else { line.to_owned() }
        });
        let text = torn.collect::<Vec<String>>().join("\n");
        crate::fuzz::asterisk_file(text.as_bytes());
        crate::fuzz::list_of_extensions(text.as_bytes());
    }
}
