//! Stories of an admin and a plan.

use super::*;

fn around() -> Surroundings {
    Surroundings {
        home: Home { country: "DE".parse().expect("a country"), area: String::from("30") },
        rooms: vec!["rat".parse().expect("a room")],
        trunks: vec!["haus-1".parse().expect("a trunk")],
    }
}

fn source(text: &str) -> Vec<Source> {
    vec![Source { name: String::from("10-stadt.toml"), text: text.to_owned() }]
}

/// As the gateway does: a plan with an error is not served.
fn load(text: &str) -> Result<Plan, Vec<Problem>> {
    let (plan, problems) = Plan::check(source(text), &around());
    if problems.iter().any(Problem::is_error) { Err(problems) } else { Ok(plan) }
}

fn now() -> jiff::ZonedDateTime {
    jiff::civil::datetime(2026, 11, 24, 10, 0, 0, 0).in_tz("Europe/Berlin").expect("a time")
}

fn decide(plan: &Plan, called: &str) -> Option<Decision> {
    plan.decide(&Facts { called: called.to_owned(), caller: None, trunk: None }, &now()).0
}

#[test]
fn the_shipped_plans_have_no_problem() {
    for text in
        [include_str!("../../dialplans/10-einwahl.toml"), include_str!("../../dialplans/examples/10-kleinstadt.toml")]
    {
        let (_, problems) = Plan::check(source(text), &around());
        assert!(problems.is_empty(), "{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn five_mistakes_are_all_told_at_once_with_place_and_help() {
    let text = "[[rule]]\nname = \"Alles\"\ncalled = \"X.\"\nmenu = \"de\"\n\n[[rule]]\nname = \"Rat\"\ncalled = \"12x4\"\nroom = \"rat\"\n\n\
        [[rule]]\nname = \"Amt\"\ncaled = \"900\"\ncalled = \"900\"\nmenu = \"fr\"\n\n[[rule]]\nname = \"Saal\"\ncalled = \"77\"\nroom = \"saal\"\n";
    let problems = load(text).expect_err("mistakes");
    let told: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}:{} {} | {}", problem.line, problem.column, problem.message, problem.help))
        .collect();
    for expected in [
        "3:10 rule \"Alles\" could take 110",
        "8:13 write X, Z and N as capitals",
        "13:1 \"caled\" means nothing here | did you mean \"called\"?",
        "15:8 \"fr\" cannot be used here | \"de\" or \"en\"",
        "20:8 there is no room saal | there are: rat",
        "19:10 rule \"Saal\" can never decide: \"Alles\" (10-stadt.toml:2)",
    ] {
        assert!(told.iter().any(|line| line.contains(expected)), "{expected}\n\nin\n{}", told.join("\n"));
    }
    let shown = problems.iter().find(|problem| problem.line == 8).map(ToString::to_string).expect("told");
    assert!(
        shown.contains("10-stadt.toml:8:13") && shown.contains("called = \"12x4\"") && shown.contains("^\n"),
        "{shown}"
    );
}

#[test]
fn an_emergency_call_is_taken_by_its_own_rule_or_by_none() {
    let plan = load("[[rule]]\nname = \"Alles\"\ncalled = \"*\"\nmenu = \"de\"\n").expect("a plan");
    assert_eq!(decide(&plan, "112"), None);
    assert!(decide(&plan, "115").is_some());
}

#[test]
fn an_example_that_fails_keeps_the_plan_out() {
    let text = "[[rule]]\nname = \"Rat\"\ncalled = \"100\"\nroom = \"rat\"\n\n[[example]]\ncalled = \"101\"\nexpect = \"Rat\"\n";
    let problems = load(text).expect_err("a mistake");
    assert!(
        problems.iter().any(|problem| problem.line == 8 && problem.message.contains("no rule takes it")),
        "{problems:?}"
    );
}

#[test]
fn an_office_hour_over_midnight_holds_on_both_sides_of_it() {
    let text = "[[rule]]\nname = \"Nacht\"\ncalled = \"1\"\nwhen = { days = [\"mon\"], from = \"22:00\", to = \"06:00\" }\nmenu = \"de\"\n";
    let (plan, _) = Plan::check(source(text), &around());
    let at = |day: i8, hour: i8| {
        let now = jiff::civil::datetime(2026, 11, day, hour, 0, 0, 0).in_tz("Europe/Berlin").expect("a time");
        plan.decide(&Facts { called: String::from("1"), caller: None, trunk: None }, &now).0.is_some()
    };
    assert_eq!([at(23, 21), at(23, 22), at(24, 5), at(24, 6), at(24, 22)], [false, true, true, false, false]);
}

proptest::proptest! {
    #[test]
    fn no_file_stops_the_reader(text in ".{0,200}", at in 0_usize..900) {
        let shipped = include_str!("../../dialplans/examples/10-kleinstadt.toml");
        let mut broken = shipped.to_owned();
        let mut place = at.min(broken.len());
        while !broken.is_char_boundary(place) { place -= 1; }
        broken.insert_str(place, &text);
        let _ = Plan::check(source(&broken), &around());
        let _ = Plan::check(source(&text), &around());
    }
}
