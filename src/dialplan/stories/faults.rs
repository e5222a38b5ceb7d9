//! Faults in what rules can match, each in a plan that is else without any: the line, and what is said of it.

use super::*;

const EMERGENCY: &str = "[[rule]]\nname = \"Notruf\"\ncalled = [\"110\", \"112\"]\nemergency = true\n";
const REST: &str = "[[rule]]\nname = \"Rest\"\ncalled = \"*\"\nreject = \"not-found\"\n";

/// A plan of which rule A begins in line 5.
fn with(body: &str) -> String {
    format!("{EMERGENCY}{body}{REST}")
}

fn rule(name: &str, body: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\n{body}\n")
}

fn own() -> Surroundings {
    Surroundings { blocks: Pattern::read("+49 30 9018 XXXX").expect("a block"), ..around() }
}

fn told_with(sources: Vec<Source>, around: &Surroundings) -> Vec<String> {
    let (_, problems) = Plan::check(sources, around);
    problems.iter().map(line).collect()
}

#[test]
fn each_kind_of_fault_in_numbers_is_found_in_its_line_and_is_the_only_one() {
    let menu = "menu = \"de\"";
    let faults = [
        (
            rule("A", &format!("called = '/^2\\d{{3}}$/'\n{menu}")),
            "7:10 this regular expression could be a pattern",
            "write \"2XXX\"",
        ),
        (
            rule("A", &format!("called = '/^(21|22)\\d$/'\n{menu}")),
            "7:10 this regular expression could be a pattern",
            "write [\"21X\", \"22X\"]",
        ),
        (
            rule("A", &format!("called = \"/^2(1$/\"\n{menu}")),
            "7:11 this regular expression cannot be used: unclosed group",
            "",
        ),
        (
            rule("A", &format!("called = \"2000-2499\"\n{menu}"))
                + &rule("B", "called = \"2400-2999\"\nroom = \"rat\""),
            "11:10 the numbers of \"B\" overlap those of \"A\" (10-stadt.toml:6): 2400 gets to \"A\"",
            "let one of them end where the other begins",
        ),
        (
            rule("A", &format!("called = [\"+49 30 9018 20XX\", \"20XX\"]\n{menu}"))
                + &rule("B", "called = \"X01X\"\nroom = \"rat\""),
            "11:10 the numbers of \"B\" overlap those of \"A\" (10-stadt.toml:6): 2010 gets to \"A\"",
            "",
        ),
        (
            rule("A", &format!("called = \"+49 30 9081 2XXX\"\n{menu}")),
            "7:10 +493090812000 is not one of the institution's own numbers",
            "blocks in [dialplan]",
        ),
        (rule("A", &format!("called = \"+49 30 9018 20XXX\"\n{menu}")), "7:10 +493090182000", "correct it"),
        (rule("A", &format!("called = \"+49 30 9081!\"\n{menu}")), "7:10 +4930908", ""),
        (
            rule("A", &format!("called = \"2XXX\"\naccepts = \"deutsch\"\n{menu}")),
            "8:11 \"deutsch\" cannot be used here",
            "a language like",
        ),
        (rule("A", &format!("called = \"2XXX\"\nasserted = \"49x\"\n{menu}")), "8:15 write X, Z and N as capitals", ""),
        (rule("A", &format!("called = \"2XXX\"\ndiversion = []\n{menu}")), "8:13 this list is empty", ""),
        (
            rule("A", &format!("called = \"2XXX\"\naccepts = [\"de\", \"en\"]\n{menu}"))
                + &rule("B", "called = \"2XXX\"\naccepts = \"en\"\nroom = \"rat\""),
            "12:10 rule \"B\" can never decide: \"A\" (10-stadt.toml:6) already takes every such call",
            "",
        ),
        (
            rule("A", &format!("called = '/^2(0|5).*7$/'\n{menu}"))
                + &rule("B", "called = '/^2(0|5).*7$/'\nroom = \"rat\""),
            "11:10 rule \"B\" can never decide: \"A\" (10-stadt.toml:6) already takes every such call",
            "",
        ),
        (
            rule("A", &format!("called = \"2XXX\"\ndiversion = \"+49 30 9018!\"\n{menu}"))
                + &rule("B", "called = \"2[0-4]XX\"\ndiversion = \"+49 30 9018 1XXX\"\nroom = \"rat\""),
            "12:10 rule \"B\" can never decide: \"A\" (10-stadt.toml:6) already takes every such call",
            "",
        ),
        (
            rule("A", "called = \"112\"\nasserted = \"+49 30 9018!\"\nemergency = true"),
            "6:8 rule \"A\" is for emergencies, but not from everybody and at any time",
            "only called",
        ),
    ];
    for (fault, expected, help) in faults {
        let told = told_with(source(&with(&fault)), &own());
        let is_meant = |line: &String| line.starts_with(expected) && line.contains(help);
        assert!(told.iter().any(is_meant), "{expected} | {help}\n\nof\n{fault}\nin\n{}", told.join("\n"));
        // The second rule for 112 is one that can never decide, too.
        let others = told.iter().filter(|line| !is_meant(line) && !line.contains("\"Notruf\""));
        assert_eq!(others.count(), 0, "beside {expected}\n{}", told.join("\n"));
    }
}

#[test]
fn rows_of_a_table_for_numbers_of_others_are_told_the_first_ten_of_them() {
    let rows: String = (0..30).map(|row| format!("+4930908{row:05},rat\n")).collect();
    let table = "[tables.amt]\nfile = \"amt.csv\"\n".to_owned() + &rule("A", "called = \"XXXX\"\ntable = \"amt\"");
    let csv =
        Source { name: String::from("amt.csv"), text: format!("number,room\n+49 30 9018 1234,rat\n1234,rat\n{rows}") };
    let told = told_with([source(&with(&table)), vec![csv]].concat(), &own());
    assert_eq!(told.len(), 10, "{told:?}");
    assert!(told[0].starts_with("4:1 +493090800000 is not one of the institution's own numbers |"), "{told:?}");
    assert!(told[9].starts_with("13:1 +493090800009 is not one of the institution's own numbers, nor are 20 below it"));
}

#[test]
fn what_is_meant_is_no_fault() {
    let menu = "menu = \"de\"";
    for meant in [
        // Expressions that no pattern can be written for.
        rule("A", &format!("called = '/^2(0|5).*7$/'\n{menu}")),
        // A part before the whole, and the whole behind it; an expression takes nothing for certain.
        rule("A", &format!("called = \"2000-2499\"\n{menu}")) + &rule("B", "called = \"2XXX\"\nroom = \"rat\""),
        rule("A", &format!("called = '/^2/'\nsecure = true\n{menu}")).replace("'/^2/'", "'/^2(0|5).*7$/'")
            + &rule("B", "called = \"2557\"\nroom = \"rat\""),
        // One pattern of a rule within the other rule, by both of its patterns together.
        rule("A", &format!("called = [\"2000-2099\", \"2100-2199\"]\nsecure = true\n{menu}"))
            + &rule("B", "called = \"2050-2150\"\nroom = \"rat\""),
        // Calls by different trunks do not meet.
        rule("A", &format!("called = \"2000-2499\"\nsecure = true\n{menu}"))
            + &rule("B", "called = \"2400-2999\"\nsecure = false\nroom = \"rat\""),
        // Numbers of others: refused, or for some callers only.
        rule("A", "called = \"+49 137!\"\nreject = \"forbidden\""),
        rule("A", "called = \"+49 30 2345!\"\ncaller = \"+49 30 9018 1XXX\"\nredirect = \"tel:+4930234567\""),
        // Any, which are our own, too.
        rule("A", &format!("called = \"+49 30!\"\nsecure = true\n{menu}")),
        // Languages, diversions and assertions part the calls.
        rule("A", &format!("called = \"2XXX\"\naccepts = \"en\"\n{menu}"))
            + &rule("B", "called = \"2XXX\"\ndiversion = \"+49 30 9018 1XXX\"\nroom = \"rat\"")
            + &rule("C", "called = \"2XXX\"\nasserted = \"+49 30 9018!\"\nroom = \"rat\""),
    ] {
        assert_eq!(told_with(source(&with(&meant)), &own()), Vec::<String>::new(), "of\n{meant}");
    }
}

#[test]
fn a_rule_may_ask_who_vouches_who_diverted_and_for_a_language() {
    let plan = load(&with(
        &(rule("Englisch", "called = \"2XXX\"\naccepts = [\"en\", \"fr\"]\nmenu = \"en\"")
            + &rule("Umgeleitet", "called = \"2XXX\"\ndiversion = \"+49 30 9018 1XXX\"\nroom = \"rat\"")
            + &rule("Eigene", "called = \"2XXX\"\nasserted = [\"+49 30 9018!\", '/^7(0|3).*9$/']\nmenu = \"de\"")),
    ))
    .expect("a plan");
    let number = |number: &str| Some(Personal::new(number.parse().expect("a number")));
    let called = || call("2000");
    let english = Facts { language: "en-GB".parse().ok(), ..called() };
    let diverted = Facts { diverted: number("030 9018 1234"), ..called() };
    let elsewhere = Facts { diverted: number("+49 30 4444 1234"), ..called() };
    let asserted = Facts { asserted: number("90181234"), ..called() };
    let expressed = Facts { asserted: number("73459"), ..called() };
    let claimed = Facts { caller: number("+49 30 9018 1234"), ..called() };
    for (facts, rule) in [
        (english, "Englisch"),
        (diverted, "Umgeleitet"),
        (elsewhere.clone(), "Rest"),
        (asserted, "Eigene"),
        (expressed, "Eigene"),
        (claimed, "Rest"),
    ] {
        assert_eq!(taker(&plan, &facts), Some(rule), "{facts:?}");
    }
    let (_, trace) = plan.trace(&elsewhere, &now());
    let outcomes: Vec<Outcome> = trace.steps.iter().map(|step| step.outcome).collect();
    use Outcome::{OtherCaller, OtherDiversion, OtherLanguage, OtherNumber, Takes};
    assert_eq!(outcomes, [OtherNumber, OtherLanguage, OtherDiversion, OtherCaller, Takes]);
}

/// Two trunks: one of the house, one that only calls here.
fn office() -> Surroundings {
    Surroundings { trunks: vec!["haus-1".parse().expect("a trunk"), "tuer".parse().expect("a trunk")], ..own() }
}

const RING: &str =
    "called = \"2000\"\nring = { to = [\"2001\", \"2002\"], trunk = \"haus-1\", seconds = 20, otherwise = \"abend\" }";
const CALLBACK: &str =
    "[callbacks.amt]\nagents = [\"2001\"]\ntrunk = \"haus-1\"\nidentity = \"+49 30 9018 2000\"\nopens = \"amt\"\n";
const WAIT: &str = "[queues.amt]\nagents = [\"2001\"]\ntrunk = \"haus-1\"\nopens = \"amt\"\ncallback = \"1\"\n";
const EVENING: &str =
    "[contexts.abend]\n[[rule]]\nname = \"Abends\"\ncontext = \"abend\"\ncalled = \"*\"\nmenu = \"de\"\n";

/// What rings, waits and is called back, without a fault: a rule of each, in lines that the faults change.
fn placing() -> String {
    let hours = "[hours.amt]\nmon-fri = \"08:00-12:00\"\n";
    let rules = rule("Klingeln", RING)
        + &rule("Warten", "called = \"2100\"\nqueue = \"amt\"")
        + &rule("Rückruf", "called = \"2200\"\ncallback = \"amt\"");
    format!("{hours}{CALLBACK}{WAIT}{EVENING}{rules}")
}

#[test]
fn each_fault_in_what_rings_waits_and_calls_back_is_found_in_its_line_and_is_the_only_one() {
    assert_eq!(told_with(source(&with(&placing())), &office()), Vec::<String>::new(), "without a fault");
    let faults = [
        // ring
        ("to = [\"2001\", \"2002\"]", "to = []", "26:15 nobody is rung", "name at least one telephone"),
        ("to = [\"2001\", \"2002\"]", "to = [\"sie@haus 1\"]", "26:16 \"haus 1\" is no name of a trunk", "2001@pbx"),
        ("to = [\"2001\", \"2002\"]", "to = [\"112\"]", "26:8 112 is rung like a telephone", "write emergency"),
        ("to = [\"2001\", \"2002\"]", "to = [\"+49 171 123\"]", "26:8 whoever calls may reach +49171123", "add caller"),
        ("trunk = \"haus-1\", seconds", "trunk = \"haus-9\", seconds", "26:8 there is no trunk haus-9", "haus-1"),
        (
            "trunk = \"haus-1\", seconds",
            "trunk = \"tuer\", seconds",
            "26:8 by trunk tuer nobody can be called",
            "add dial",
        ),
        ("trunk = \"haus-1\", seconds", "seconds", "26:16 by which trunk is \"2001\" called?", "behind an @"),
        ("seconds = 20", "seconds = 2", "26:61 this is a number of seconds, from 3 to 180", "without quotes"),
        ("seconds = 20", "way = \"alle\"", "26:57 \"alle\" is no way to ring", "in-order, all, rotation"),
        ("otherwise = \"abend\"", "otherwise = \"nacht\"", "26:77 there is no context \"nacht\"", "abend"),
        (
            "otherwise = \"abend\"",
            "otherwise = \"main\"",
            "26:8 this is a loop: \"main\" leads back to \"main\"",
            "end",
        ),
        // queue
        ("[queues.amt]\nagents = [\"2001\"]", "[queues.amt]", "12:9 nobody is rung", "at least one telephone"),
        ("queue = \"amt\"", "queue = \"post\"", "30:9 there is no queue \"post\"", "amt"),
        ("callback = \"1\"", "callback = \"#\"", "16:12 \"#\" is no key from 0 to 9", "write callback"),
        ("callback = \"1\"", "callback = { name = \"amt\" }", "16:12 this names no key", "write callback"),
        (
            "callback = \"1\"",
            "callback = { key = \"1\", name = \"post\" }",
            "16:32 there is no callback \"post\"",
            "amt",
        ),
        ("callback = \"1\"", "longest = 0", "16:11 this is a number of callers, from 1 to 100", ""),
        // callback
        ("callback = \"amt\"", "callback = \"post\"", "34:12 there is no callback \"post\"", "[callbacks.post]"),
        (
            "trunk = \"haus-1\"\nidentity",
            "outside = \"haus-1\"\nidentity",
            "8:11 by which trunk is \"2001\" called?",
            "",
        ),
        ("trunk = \"haus-1\"\nidentity", "trunk = \"haus-9\"\nidentity", "7:12 there is no trunk haus-9", "haus-1"),
        ("identity", "outside = \"tuer\"\nidentity", "7:12 by trunk tuer nobody can be called", "add dial"),
        (
            "+49 30 9018 2000\"\nopens",
            "+49 30 9081 2000\"\nopens",
            "7:12 +493090812000 is shown, which is not one",
            "reach you",
        ),
        ("opens = \"amt\"", "opens = \"post\"", "11:9 there are no hours \"post\"", "amt"),
        ("mon-fri = \"08:00-12:00\"", "closed = \"2026-12-24\"", "5:8 hours \"amt\" never open", "add a day"),
        ("opens = \"amt\"", "say = \"guten-tag\"", "7:12 there is no prompt \"guten-tag\"", "closed"),
        ("opens = \"amt\"", "minutes = 1440\ndays = 2", "7:12 the last of 3 tries comes when the request has", "days"),
        ("opens = \"amt\"", "tries = 99", "11:9 this is a number of tries, from 1 to 10", ""),
        ("opens = \"amt\"", "otherwise = \"main\"", "34:12 this is a loop", ""),
        ("opens = \"amt\"", "numbers = \"*\"", "11:11 by this callers could have numbers called all over", "+49"),
        ("opens = \"amt\"", "numbers = \"0!\"", "11:11 by this callers could have numbers called all over", "+49"),
        ("opens = \"amt\"", "numbers = \"+4!\"", "11:11 a callback calls only numbers of our own country", "+49"),
        ("opens = \"amt\"", "numbers = \"+43 1!\"", "11:11 a callback calls only numbers of our own country", "+49"),
        ("opens = \"amt\"", "numbers = \"+49 900!\"", "11:11 +49900… are no ordinary telephones", "leave them out"),
        ("opens = \"amt\"", "numbers = [\"+49 30!\", \"+49 137!\"]", "11:23 +49137… are no ordinary telephones", ""),
        (
            "[\"2001\"]\ntrunk = \"haus-1\"\nid",
            "[\"112\"]\ntrunk = \"haus-1\"\nid",
            "7:12 112 is rung like a telephone",
            "",
        ),
        (
            "[\"2001\"]\ntrunk = \"haus-1\"\nid",
            "[\"0171 12\"]\ntrunk = \"haus-1\"\nid",
            "7:12 whoever calls may have 017112 called",
            "",
        ),
        (
            "[callbacks.amt]",
            "[callbacks.amt]\nnumber = \"+49 30!\"",
            "8:1 \"number\" means nothing here",
            "\"numbers\"",
        ),
        (
            EVENING,
            "[contexts.abend]\n[[rule]]\nname = \"Abends\"\ncontext = \"abend\"\ncalled = [\"+49!\"]\nreject = \"forbidden\"\n[[rule]]\nname = \"R\"\ncontext = \"abend\"\ncalled = \"*\"\nmenu = \"de\"\n",
            "7:12 rules refuse all numbers that \"amt\" could call back",
            "narrow the rules",
        ),
    ];
    let mut wrong = Vec::new();
    for (from, to, expected, help) in faults {
        let text = placing();
        assert!(text.contains(from), "{from}");
        let told = told_with(source(&with(&text.replacen(from, to, 1))), &office());
        let is_meant = |line: &String| line.starts_with(expected) && line.contains(help);
        // What a fault leaves without a use, or what cannot be read because of it, is told, too.
        let follows =
            ["no rule speaks of", "there is no callback \"amt\"", "there is no queue \"amt\"", "no call gets into"];
        let others = told.iter().filter(|line| !is_meant(line) && !follows.iter().any(|what| line.contains(what)));
        if !told.iter().any(is_meant) || others.count() > 0 {
            wrong.push(format!("{expected} | {help}\nof {to}\nis told as\n{}\n", told.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_example_may_expect_what_is_done_in_place_of_a_rule() {
    let example = |expect: &str| format!("{}[[example]]\ncalled = \"2200\"\nexpect = \"{expect}\"\n", placing());
    assert_eq!(told_with(source(&with(&example("callback:amt"))), &office()), Vec::<String>::new());
    let told = told_with(source(&with(&example("queue:amt"))), &office());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("does not get to \"queue:amt\": rule \"Rückruf\" takes it"), "{told:?}");
    let told = told_with(source(&with(&example("rueckruf:amt"))), &office());
    assert!(told[0].contains("there is no rule \"rueckruf:amt\" | name the rule"), "{told:?}");
}

#[test]
fn only_ordinary_telephones_of_our_country_for_which_no_rule_is_made_are_called_back() {
    let own = rule("Eigene", "called = \"+49 30 9018 XXXX\"\nmenu = \"de\"")
        + &rule("Gesperrt", "called = \"+49 171 555!\"\nreject = \"forbidden\"");
    let plan = load(&with(&format!("{}{own}", placing()))).expect("a plan");
    let callback = plan.callback("amt").expect("an office");
    let ask = |callback: &Callback, number: &str| {
        let number = Personal::new(number.parse().expect("a number"));
        plan.may_call_back(callback, &number, None, &now()).map(|number| format!("{:?}", plan.as_said(&number)))
    };
    for number in ["+49 30 234567", "030 234567", "0049 171 2345678", "234567", "+49 32 221234567"] {
        assert!(ask(callback, number).is_ok(), "{number}: {:?}", ask(callback, number));
    }
    use NotCalledBack::{Abroad, ByRule, Emergency, NoNumber, NoTelephone};
    for (number, why) in [
        ("112", Emergency),
        ("110", Emergency),
        ("2001", NoNumber),
        ("115", NoNumber),
        ("+43 1 5877560", Abroad),
        ("0043 1 5877560", Abroad),
        ("+1 900 2345678", Abroad),
        ("+882 16 1234567", Abroad),
        ("0900 1 234567", NoTelephone),
        ("0137 1234567", NoTelephone),
        ("0180 5 123456", NoTelephone),
        ("0800 1234567", NoTelephone),
        ("0700 12345678", NoTelephone),
        ("116 117", NoTelephone),
        ("+49 112", NoTelephone),
        ("030 90182000", ByRule(String::from("Eigene"))),
        ("+49 171 5551234", ByRule(String::from("Gesperrt"))),
    ] {
        assert_eq!(ask(callback, number), Err(why), "{number}");
    }
    let narrow = Callback { numbers: Vec::new(), ..callback.clone() };
    let patterns = Pattern::read("+49 30!").expect("a pattern");
    let numbers = patterns.into_iter().map(|value| Placed { value, file: 0, span: 0..1 }).collect();
    assert!(ask(&narrow, "0171 2345678").is_ok());
    let narrow = Callback { numbers, ..narrow };
    assert_eq!(ask(&narrow, "0171 2345678"), Err(NotCalledBack::NotNamed));
    assert!(ask(&narrow, "030 234567").is_ok());
    let number = Personal::new("+4930234567".parse().expect("a number"));
    assert_eq!(plan.as_said(&number).reveal(crate::words::Purpose::Callback), "030234567");
}

#[test]
fn an_office_calls_back_while_it_is_open_and_the_plan_says_so_in_words() {
    let plan = load(&with(&placing())).expect("a plan");
    let callback = plan.callback("amt").expect("an office");
    let at = |hour| jiff::civil::datetime(2026, 11, 24, hour, 0, 0, 0).in_tz("Europe/Berlin").expect("a time");
    assert_eq!([7, 8, 11, 12].map(|hour| plan.calls_back(callback, &at(hour))), [false, true, true, false]);
    let said = |called: &str, language| plan.decide(&call(called), &now()).expect("taken").decision.said(language).text;
    assert!(
        said("2200", crate::words::Language::De)
            .contains("Rückruf durch „amt“ vorgemerkt: 3-mal, alle 60 Minuten, 7 Tage")
    );
    assert!(said("2100", crate::words::Language::En).contains("key 1 for a callback by “amt”"));
    let (_, trace) = plan.trace(&call("2200"), &now());
    assert_eq!(trace.rule(), Some("Rückruf"));
    assert_eq!(
        plan.decide(&call("2200"), &now()).expect("taken").decision.to_string(),
        "asked at which number amt is to call back"
    );
}
