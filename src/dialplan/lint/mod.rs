//! Mistakes that a plan can have although each line of it can be read. In: a plan. Out: problems, with place and help.

mod callbacks;
mod emergency;
mod numbers;
mod paths;
mod placing;
mod reach;

use std::collections::{BTreeMap, BTreeSet};

use super::decide::Facts;
use super::pattern::Pattern;
use super::problem::{Problem, Severity, there_are};
use super::{Action, Decision, Example, Named, Placed, Plan, Rule, Surroundings};
use crate::words::{Both, Domain, RoomId, TrunkName, both};

pub(super) fn lint(
    plan: &Plan,
    examples: &[Example],
    variables: &BTreeMap<String, Named<String>>,
    around: &Surroundings,
    problems: &mut Vec<Problem>,
) {
    let is_readable = problems.is_empty();
    let mut findings = Findings { plan, problems };
    names(&mut findings);
    things(&mut findings, around);
    placing::lint(&mut findings, around);
    callbacks::lint(&mut findings, around);
    unused(&mut findings, variables);
    paths::lint(&mut findings);
    reach::lint(&mut findings, around);
    numbers::lint(&mut findings, around);
    emergency::rules(&mut findings);
    // A plan that could not be read whole says nothing of calls.
    if is_readable {
        emergency::calls(&mut findings, around);
        let rules: BTreeSet<&str> = plan.rules().map(|rule| rule.name.value.as_str()).collect();
        for example in examples {
            if let Some((message, help)) = fails(plan, &rules, example, around) {
                findings.error(&example.expect, message, help);
            }
        }
    }
}

/// When a call comes that names no time.
const TUESDAY_AT_TEN: jiff::civil::DateTime = jiff::civil::date(2026, 11, 24).at(10, 0, 0, 0);

/// What was found so far.
struct Findings<'a> {
    plan: &'a Plan,
    problems: &'a mut Vec<Problem>,
}

impl Findings<'_> {
    fn error<T>(&mut self, place: &Placed<T>, message: impl Into<Both>, help: impl Into<Both>) {
        self.say(place, Severity::Error, message.into(), help.into());
    }

    fn warning<T>(&mut self, place: &Placed<T>, message: impl Into<Both>, help: impl Into<Both>) {
        self.say(place, Severity::Warning, message.into(), help.into());
    }

    fn say<T>(&mut self, place: &Placed<T>, severity: Severity, message: Both, help: Both) {
        if let Some(file) = self.plan.sources.get(place.file) {
            self.problems.push(Problem::new(file, place.span.clone(), severity, message, help));
        }
    }
}

impl Plan {
    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.contexts.iter().flat_map(|context| &context.rules)
    }
}

fn names(findings: &mut Findings<'_>) {
    let plan = findings.plan;
    let mut seen: BTreeMap<&str, &Rule> = BTreeMap::new();
    for rule in plan.rules() {
        if let Some(first) = seen.insert(&rule.name.value, rule) {
            let message = both!(
                "Die Regel {:?} gibt es zweimal, die andere steht in {}",
                "there are two rules {:?}; the other is at {}",
                rule.name.value,
                plan.place(first)
            );
            let help = ("Geben Sie einer davon einen anderen Namen", "give one of them another name");
            findings.error(&rule.name, message, help);
        }
    }
}

/// Rooms, trunks and hours that a rule speaks of.
fn things(findings: &mut Findings<'_>, around: &Surroundings) {
    let plan = findings.plan;
    let rooms: BTreeSet<&RoomId> = around.rooms.iter().collect();
    let room = |findings: &mut Findings<'_>, place: &Placed<()>, decision: &Decision| {
        let Decision::Room { room } = decision else { return };
        if let Some(member) = room.home() {
            return elsewhere(findings, place, room, &member, around);
        }
        if !rooms.contains(room) {
            findings.error(
                place,
                both!("Den Raum {} gibt es nicht", "there is no room {}", room),
                there_are(&around.rooms, NO_ROOM),
            );
        }
    };
    for rule in plan.rules() {
        if let Action::Decide(decision) = &rule.action.value {
            room(findings, &Placed { value: (), file: rule.action.file, span: rule.action.span.clone() }, decision);
        }
        if let Some(trunk) = rule.trunk.as_ref().filter(|trunk| !around.trunks.contains(&trunk.value)) {
            findings.error(trunk, no_trunk(&trunk.value), there_are(&around.trunks, NO_TRUNK));
        }
        if let Action::Decide(Decision::Redirect { to }) = &rule.action.value
            && leads_outside(to)
            && rule.caller.is_empty()
        {
            let help = (
                "Ergänzen Sie caller = \"…\" für die, die das dürfen, oder leiten Sie den Anruf an eine Durchwahl",
                "add caller = \"…\" for those who may, or send the call to an extension",
            );
            findings.warning(&rule.action, on_your_bill(to, rule), help);
        }
    }
    for table in &plan.tables {
        let Placed { value, file, .. } = &table.value;
        for row in value.rows() {
            room(findings, &Placed { value: (), file: *file, span: row.span.clone() }, &row.decision);
        }
    }
    for (trunk, context) in &plan.entries {
        let told = plan.contexts.get(*context).and_then(|context| context.told.as_ref());
        if let Some(told) = told.filter(|_| !around.trunks.contains(trunk)) {
            findings.error(told, no_trunk(trunk), there_are(&around.trunks, NO_TRUNK));
        }
    }
    for calendar in plan.calendars.iter().filter(|calendar| calendar.value.is_empty()) {
        let message = both!("Im Kalender {:?} steht kein Termin", "calendar {:?} has no event", calendar.name.value);
        let help = ("Exportieren Sie ihn neu, mit seinen Terminen", "export it anew, with its events");
        findings.warning(&calendar.name, message, help);
    }
    for office in &plan.offices {
        if office.value.never_opens() {
            let message =
                both!("Mit den Öffnungszeiten {:?} ist nie geöffnet", "hours {:?} never open", office.name.value);
            let help = ("Ergänzen Sie einen Tag: mon-fri = \"08:00-16:00\"", "add a day: mon-fri = \"08:00-16:00\"");
            findings.error(&office.name, message, help);
        }
    }
}

/// A room of another institution. That of somebody who is no member at present is a warning: a plan outlives a registry.
fn elsewhere(findings: &mut Findings<'_>, place: &Placed<()>, room: &RoomId, member: &Domain, around: &Surroundings) {
    let Some(us) = &around.us else {
        let help = ("Ergänzen Sie [federation] in der Konfiguration", "add [federation] to the configuration");
        let message = both!(
            "{} ist ein Raum einer anderen Einrichtung, und wir sind in keiner Föderation",
            "{} is a room of another institution, and we are in no federation",
            room
        );
        return findings.error(place, message, help);
    };
    if member == us {
        let help = both!("Schreiben Sie {:?}", "write {:?}", room.here().to_string());
        findings.error(place, both!("{} ist unser eigener Raum", "{} is our own room", room), help);
    } else if !around.members.is_empty() && !around.members.contains(member) {
        let message = both!(
            "{} ist kein Mitglied der Föderation: Anrufer hören, dass dort nichts ist",
            "{} is no member of the federation: callers hear that nothing is there",
            member
        );
        findings.warning(place, message, there_are(&around.members, ("", "")));
    } else if around.by_sip.contains(member) {
        let message = both!(
            "{} nimmt mit SIP an unseren Konferenzen teil und nimmt keine Verbindungen an: nach {} wird niemand geführt, Anrufer hören von einer Störung",
            "{} joins our meetings by SIP and takes no links: nobody is led to {}, callers hear of a fault",
            member,
            room
        );
        let help = (
            "Lassen Sie dort unter der Telefonnummer anrufen, oder bitten Sie um ein Gateway, das Verbindungen annimmt",
            "have people call it by its telephone number, or ask it for a gateway that takes links",
        );
        findings.warning(place, message, help);
    }
}

const NO_ROOM: (&str, &str) = (
    "Noch ist kein Raum eingerichtet: Ergänzen Sie [[meetings]] in der Konfiguration",
    "no room is set up yet: add [[meetings]] to the configuration",
);
const NO_TRUNK: (&str, &str) = (
    "Noch ist kein Anschluss eingerichtet: Ergänzen Sie [[trunks]] in der Konfiguration",
    "no trunk is set up yet: add [[trunks]] to the configuration",
);
const PROMPTS: (&str, &str) = ("`einwahl prompts list` nennt sie", "`einwahl prompts list` names them");

fn no_trunk(trunk: &TrunkName) -> Both {
    both!("Den Anschluss {} gibt es nicht", "there is no trunk {}", trunk)
}

fn no_prompt(prompt: &str) -> Both {
    both!("Die Ansage {:?} gibt es nicht", "there is no prompt {:?}", prompt)
}

fn on_your_bill(to: &str, rule: &Rule) -> Both {
    both!(
        "Jeder Anrufer kann über die Regel {1:?} auf Ihre Kosten {0} erreichen",
        "whoever calls may reach {0} by rule {1:?}, and the call goes on your bill",
        to,
        rule.name.value
    )
}

/// A number outside the house: it begins with a plus or a zero.
fn leads_outside(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, rest)| scheme == "tel" || is_outside(rest))
}

fn is_outside(user: &str) -> bool {
    user.starts_with(['+', '0'])
}

fn unused(findings: &mut Findings<'_>, variables: &BTreeMap<String, Named<String>>) {
    let plan = findings.plan;
    let offices = plan.offices.iter().map(|office| (("den Öffnungszeiten", "hours"), &office.name, office.used));
    let calendars = plan.calendars.iter().map(|calendar| (("dem Kalender", "calendar"), &calendar.name, calendar.used));
    let tables = plan.tables.iter().map(|table| (("der Tabelle", "table"), &table.name, table.used));
    let queues = plan.queues.iter().map(|queue| (("der Warteschlange", "queue"), &queue.name, queue.used));
    let callbacks = plan.callbacks.iter().map(|callback| (("dem Rückruf", "callback"), &callback.name, callback.used));
    let variables = variables.values().map(|variable| (("der Variablen", "variable"), &variable.name, variable.used));
    for ((german, english), name, _) in offices
        .chain(calendars)
        .chain(tables)
        .chain(queues)
        .chain(callbacks)
        .chain(variables)
        .filter(|(.., used)| !used)
    {
        let message = Both::new(
            format!("Keine Regel spricht von {german} {:?}", name.value),
            format!("no rule speaks of {english} {:?}", name.value),
        );
        let help = ("Lassen Sie es weg, oder verwenden Sie es", "leave it out, or use it");
        findings.warning(name, message, help);
    }
}

impl Rule {
    fn is_for_everybody(&self) -> bool {
        self.has_no_condition() && self.called.iter().any(|called| called.value == Pattern::Everything)
    }

    /// Whether only the number counts.
    fn has_no_condition(&self) -> bool {
        self.caller.is_empty()
            && self.asserted.is_empty()
            && self.diversion.is_empty()
            && self.accepts.is_empty()
            && self.trunk.is_none()
            && self.secure.is_none()
            && self.withheld.is_none()
            && self.when.is_none()
    }
}

/// What an example may expect beside the name of a rule: see [`Decision::word`].
const WORDS: [&str; 4] = ["room", "announce", "queue", "callback"];

fn fails(plan: &Plan, rules: &BTreeSet<&str>, example: &Example, around: &Surroundings) -> Option<(Both, Both)> {
    let expected = example.expect.value.as_str();
    let is_rule = rules.contains(expected);
    let is_word = WORDS.iter().any(|word| expected.split_once(':').is_some_and(|(kind, _)| kind == *word));
    if !is_rule && !is_word {
        let help = both!(
            "Nennen Sie die Regel, die diesen Anruf nehmen soll, oder was sie tut: {}:NAME",
            "name the rule that is to take this call, or what it does: {}:NAME",
            WORDS.join(":NAME, ")
        );
        return Some((both!("Die Regel {:?} gibt es nicht", "there is no rule {:?}", expected), help));
    }
    let at = example.at.unwrap_or(TUESDAY_AT_TEN);
    let now = at.to_zoned_datetime(around.zone.clone()).ok()?;
    let facts = Facts {
        called: example.called.clone(),
        caller: example.from.clone(),
        asserted: example.asserted.clone(),
        diverted: example.diverted.clone(),
        language: example.language.clone(),
        trunk: example.trunk.clone(),
        secure: example.secure,
    };
    let taken = plan.decide(&facts, &now);
    let is_so = taken.is_some_and(|taken| match is_rule {
        true => taken.rule == expected,
        false => taken.decision.word().as_deref() == Some(expected),
    });
    (!is_so).then(|| {
        let missed = both!(
            "Ein Anruf an {:?} kommt nicht zu {:?}",
            "a call to {:?} does not get to {:?}",
            example.called,
            expected
        );
        let taken = match taken {
            None => Both::new("Keine Regel nimmt ihn", "no rule takes it"),
            Some(taken) => both!("Ihn nimmt die Regel {:?}", "rule {:?} takes it", taken.rule),
        };
        let help = both!(
            "`einwahl dialplan trace {:?}` zeigt, warum",
            "`einwahl dialplan trace {:?}` shows why",
            example.called
        );
        (missed.then(": ", &taken), help)
    })
}
