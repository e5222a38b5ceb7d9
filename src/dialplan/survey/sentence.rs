//! Rules in words. In: a rule, or a decision. Out: a sentence in German or in English, as one would say it at the counter.

use jiff::civil::{Time, Weekday};

use super::super::pattern::{ANY, Pattern, Tail};
use super::super::window::Window;
use super::super::{Action, Decision, Placed, Plan, Reject, Rule, When};
use super::placing;
use crate::words::{Both, Language};

/// What happens, in words, and by one word for who colours it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// As a plan writes it: `menu`, `room`, …
    pub kind: &'static str,
    /// In words.
    pub text: String,
}

impl Decision {
    /// What it does, in words of both languages.
    pub fn told(&self) -> Both {
        Both::new(self.said(Language::De).text, self.said(Language::En).text)
    }

    /// What it does, in words.
    pub fn said(&self, language: Language) -> Said {
        let (kind, german, english) = match self {
            Self::Menu { language: Language::De } => (
                "menu",
                "Menü auf Deutsch: Konferenznummer und PIN".into(),
                "menu in German: conference ID and PIN".into(),
            ),
            Self::Menu { language: Language::En } => (
                "menu",
                "Menü auf Englisch: Konferenznummer und PIN".into(),
                "menu in English: conference ID and PIN".into(),
            ),
            Self::Room { room } => {
                ("room", format!("zur Tür des Raums „{room}“"), format!("to the door of room “{room}”"))
            }
            Self::Reject { why } => rejected(*why),
            Self::Closed { language } => {
                let (in_german, in_english) = tongue(*language);
                (
                    "closed",
                    format!("Ansage auf {in_german}, dass geschlossen ist, dann aufgelegt"),
                    format!("told in {in_english} that the office is closed, then hung up"),
                )
            }
            Self::Redirect { to } => ("redirect", format!("umgeleitet an {to}"), format!("sent on to {to}")),
            Self::Emergency { to: Some(to) } => {
                ("emergency", format!("Notruf: umgeleitet an {to}"), format!("an emergency: sent on to {to}"))
            }
            Self::Ring(ring) => placing::ring(ring),
            Self::Transfer(transfer) => placing::transfer(transfer),
            Self::Announce(saying) => placing::announce(saying),
            Self::Rescue(rescue) => placing::rescue(rescue),
            Self::Queue(queue) => placing::queue(queue),
            Self::Callback(callback) => placing::callback(callback),
            Self::Emergency { to: None } => (
                "emergency",
                "Notruf: abgewiesen, damit die Telefonanlage einen anderen Weg sucht".into(),
                "an emergency: refused, for the telephone system to find another way".into(),
            ),
        };
        Said { kind, text: pick(language, german, english) }
    }
}

fn rejected(why: Reject) -> (&'static str, String, String) {
    let (german, english) = match why {
        Reject::Forbidden => ("abgewiesen: nicht erlaubt (403)", "refused: not allowed (403)"),
        Reject::NotFound => ("abgewiesen: kein Anschluss unter dieser Nummer (404)", "refused: no such number (404)"),
        Reject::Unavailable => ("abgewiesen: zurzeit nicht erreichbar (480)", "refused: not available now (480)"),
        Reject::Busy => ("abgewiesen: besetzt (486)", "refused: busy (486)"),
    };
    ("reject", german.to_owned(), english.to_owned())
}

/// That no rule takes a call.
pub(super) fn not_covered(language: Language) -> Said {
    let (german, english) = ("keine Regel nimmt den Anruf: abgewiesen (404)", "no rule takes the call: refused (404)");
    Said { kind: "none", text: pick(language, german.into(), english.into()) }
}

impl Plan {
    /// What happens to a call that no rule takes, in words.
    pub fn said_of_nothing(language: Language) -> Said {
        not_covered(language)
    }

    /// The same in both languages.
    pub fn told_of_nothing() -> Both {
        Both::new(not_covered(Language::De).text, not_covered(Language::En).text)
    }

    /// For which calls a rule is.
    pub(super) fn condition(&self, rule: &Rule, language: Language) -> String {
        let say = |german: &str, english: &str| pick(language, german.to_owned(), english.to_owned());
        let or = say(" oder ", " or ");
        let parties = |patterns: &[Placed<Pattern>]| self.numbers(patterns, language).join(&or);
        let mut text = match rule.called.as_slice() {
            [only] if only.value == Pattern::Everything => say("Alle Anrufe", "All calls"),
            called => format!("{}{}", say("Anrufe an ", "Calls to "), parties(called)),
        };
        if !rule.caller.is_empty() {
            text.push_str(&format!("{}{}", say(" von ", " from "), parties(&rule.caller)));
        }
        if !rule.asserted.is_empty() {
            text.push_str(&format!("{}{}", say(", bestätigt als ", ", asserted as "), parties(&rule.asserted)));
        }
        if !rule.diversion.is_empty() {
            text.push_str(&format!("{}{}", say(", umgeleitet von ", ", diverted by "), parties(&rule.diversion)));
        }
        if !rule.accepts.is_empty() {
            let languages: Vec<String> = rule.accepts.iter().map(ToString::to_string).collect();
            text.push_str(&format!("{}{}", say(", Sprache ", ", language "), languages.join(&or)));
        }
        match rule.withheld {
            Some(true) => text.push_str(&say(" ohne Rufnummer des Anrufers", " without the caller’s number")),
            Some(false) => text.push_str(&say(" mit Rufnummer des Anrufers", " with the caller’s number")),
            None => {}
        }
        if let Some(trunk) = &rule.trunk {
            text.push_str(&format!("{}{}", say(" über ", " by "), trunk.value));
        }
        match rule.secure {
            Some(true) => text.push_str(&say(", verschlüsselt", ", encrypted")),
            Some(false) => text.push_str(&say(", unverschlüsselt", ", not encrypted")),
            None => {}
        }
        if let Some(when) = &rule.when {
            text.push_str(&format!(", {}", self.time(when, language)));
        }
        text
    }

    /// What a rule does with them.
    pub(super) fn consequence(&self, rule: &Rule, language: Language) -> Said {
        match &rule.action.value {
            Action::Decide(decision) => decision.said(language),
            Action::Go(context) => {
                let name = self.contexts.get(*context).map_or("", |context| &context.name);
                let text = pick(language, format!("weiter bei „{name}“"), format!("goes on at “{name}”"));
                Said { kind: "go", text }
            }
            Action::Table(table) => {
                let Some(table) = self.tables.get(*table) else { return not_covered(language) };
                let (name, rows) = (&table.name.value, table.value.value.rows().count());
                let german = format!("wie in der Tabelle „{name}“ ({rows} Nummern); was dort fehlt, geht weiter");
                let english = format!("as table “{name}” says ({rows} numbers); what is not there goes on");
                Said { kind: "table", text: pick(language, german, english) }
            }
        }
    }

    fn time(&self, when: &When, language: Language) -> String {
        match when {
            When::Window(window) => windowed(window, language),
            When::Office { office, open } => {
                let name = self.offices.get(*office).map_or("", |office| &office.name.value);
                let (german, english) = if *open { ("geöffnet", "open") } else { ("geschlossen", "closed") };
                pick(language, format!("wenn „{name}“ {german} ist"), format!("while “{name}” is {english}"))
            }
            When::During(calendar) => {
                let name = self.calendars.get(*calendar).map_or("", |calendar| &calendar.name.value);
                pick(language, format!("während „{name}“"), format!("during “{name}”"))
            }
        }
    }

    /// Patterns as they stand in the file; those that hold a variable, in full. A range is one, however many it is made of.
    fn numbers(&self, patterns: &[Placed<Pattern>], language: Language) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut last = None;
        for pattern in patterns {
            let place = (pattern.file, pattern.span.clone());
            let source = self.sources.get(pattern.file).and_then(|source| source.text.get(pattern.span.clone()));
            let written = source.map(|text| text.trim_matches(['"', '\''])).filter(|text| !text.contains("${"));
            match written {
                Some(_) if last.as_ref() == Some(&place) => {}
                Some(_) if pattern.value == Pattern::Everything => {
                    found.push(pick(language, "alle Nummern".into(), "any number".into()));
                }
                Some(text) => found.push(text.to_owned()),
                None => found.push(spelled(&pattern.value, language)),
            }
            last = Some(place);
        }
        found
    }
}

/// A pattern as one would write it.
fn spelled(pattern: &Pattern, language: Language) -> String {
    match pattern {
        Pattern::Everything => pick(language, "alle Nummern".into(), "any number".into()),
        Pattern::Name(name) => name.clone(),
        Pattern::Expression(expression) => format!("/{}/", expression.text()),
        Pattern::Digits { international, sets, tail } => {
            let tail = match tail {
                Tail::End => "",
                Tail::Some => ".",
                Tail::Any => "…",
            };
            let plus = if *international { "+" } else { "" };
            format!("{plus}{}{tail}", sets.iter().map(|set| digit(*set)).collect::<String>())
        }
    }
}

fn digit(set: u16) -> String {
    if set == ANY {
        return String::from("X");
    }
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for digit in (0..10).filter(|digit| set & (1 << digit) != 0) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == digit => *last = digit,
            _ => runs.push((digit, digit)),
        }
    }
    match runs.as_slice() {
        [(first, last)] if first == last => first.to_string(),
        runs => {
            let run = |(first, last): &(u16, u16)| match last - first {
                0 => first.to_string(),
                1 => format!("{first}{last}"),
                _ => format!("{first}-{last}"),
            };
            format!("[{}]", runs.iter().map(run).collect::<String>())
        }
    }
}

fn windowed(window: &Window, language: Language) -> String {
    let whole_day = window.from == Time::midnight() && window.to == Time::midnight();
    let days = days(&window.days, language);
    let hour = |time: Time, end: bool| match (time.hour(), time.minute()) {
        (0, 0) if end => String::from("24:00"),
        (hour, minute) => format!("{hour}:{minute:02}"),
    };
    let hours = pick(
        language,
        format!("{}–{} Uhr", hour(window.from, false), hour(window.to, true)),
        format!("{}–{}", hour(window.from, false), hour(window.to, true)),
    );
    match (days.is_empty(), whole_day) {
        (true, true) => pick(language, "jederzeit".into(), "at any time".into()),
        (true, false) => pick(language, format!("täglich {hours}"), format!("every day {hours}")),
        (false, true) => days,
        (false, false) => format!("{days} {hours}"),
    }
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// `Mo–Do, Sa`
fn days(days: &[Weekday], language: Language) -> String {
    let mut runs: Vec<(Weekday, Weekday)> = Vec::new();
    for day in WEEK.into_iter().filter(|day| days.contains(day)) {
        match runs.last_mut() {
            Some((_, last)) if last.next() == day => *last = day,
            _ => runs.push((day, day)),
        }
    }
    let name = |day| short(day, language);
    let run = |(first, last): (Weekday, Weekday)| match first == last {
        true => name(first).to_owned(),
        false => format!("{}–{}", name(first), name(last)),
    };
    if days.len() >= 7 { String::new() } else { runs.into_iter().map(run).collect::<Vec<_>>().join(", ") }
}

const fn short(day: Weekday, language: Language) -> &'static str {
    match (day, language) {
        (Weekday::Monday, Language::De) => "Mo",
        (Weekday::Tuesday, Language::De) => "Di",
        (Weekday::Wednesday, Language::De) => "Mi",
        (Weekday::Thursday, Language::De) => "Do",
        (Weekday::Friday, Language::De) => "Fr",
        (Weekday::Saturday, Language::De) => "Sa",
        (Weekday::Sunday, Language::De) => "So",
        (Weekday::Monday, Language::En) => "Mon",
        (Weekday::Tuesday, Language::En) => "Tue",
        (Weekday::Wednesday, Language::En) => "Wed",
        (Weekday::Thursday, Language::En) => "Thu",
        (Weekday::Friday, Language::En) => "Fri",
        (Weekday::Saturday, Language::En) => "Sat",
        (Weekday::Sunday, Language::En) => "Sun",
    }
}

const fn tongue(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::De => ("Deutsch", "German"),
        Language::En => ("Englisch", "English"),
    }
}

fn pick(language: Language, german: String, english: String) -> String {
    match language {
        Language::De => german,
        Language::En => english,
    }
}
