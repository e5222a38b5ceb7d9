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
    let line =
        |problem: &Problem| format!("{}:{} {} | {}", problem.line, problem.column, problem.message, problem.help);
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
