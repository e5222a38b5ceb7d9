//! Every word that a plan may hold, told once: the reader knows no other, and the schema that editors complete and check by is
//! made from the same list. Out: tables of words for the one, JSON Schema for the other.
//!
//! A text may always be, or hold, a `${variable}`; so the schema says no more of a text than what it is for.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::Reject;
use super::read::callback::{DAYS, LONGEST as REQUESTS, MINUTES, TRIES};
use super::read::placing::{SECONDS, WAYS};
use super::read::queue::{EARLY, LONGEST};
use crate::words::Language;

/// A word, and what may stand behind it.
pub(super) struct Word {
    pub(super) name: &'static str,
    pub(super) need: Need,
    kind: Kind,
    says: &'static str,
}

/// Whether a word has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    May,
    Must,
    /// Exactly one of these has to be.
    OneOf,
}

/// What may stand behind a word.
pub(super) enum Kind {
    Text,
    Flag,
    /// A whole number of these.
    Number(&'static RangeInclusive<u64>),
    /// A text that is one of these.
    Choice(fn() -> Vec<&'static str>),
    /// One, or several in an array.
    Several(&'static Self),
    /// One or the other.
    Either(&'static [Self]),
    True,
    Table(&'static [Word]),
    /// Tables of the same words, each by a name that the admin gives.
    Named(&'static Self),
    /// The same, in an array: `[[rule]]`.
    Rows(&'static [Word]),
    /// The words of hours, and days and ranges of days.
    Week(&'static [Word]),
}

const fn may(name: &'static str, kind: Kind, says: &'static str) -> Word {
    Word { name, need: Need::May, kind, says }
}

const fn must(name: &'static str, kind: Kind, says: &'static str) -> Word {
    Word { name, need: Need::Must, kind, says }
}

const fn does(name: &'static str, kind: Kind, says: &'static str) -> Word {
    Word { name, need: Need::OneOf, kind, says }
}

const COMMENT: Word = may("comment", Kind::Text, "For people.");
const TEXTS: Kind = Kind::Several(&Kind::Text);
const LANGUAGE: Kind = Kind::Choice(languages);

pub(super) const FILE: &[Word] = &[
    may("rule", Kind::Rows(RULE), "A rule. Rules stand in order: the first that fits decides."),
    may("example", Kind::Rows(EXAMPLE), "A call, and the rule that is to take it. Tried whenever the plan is checked."),
    may("variables", Kind::Named(&Kind::Text), "Texts that stand in many places: written ${name} there."),
    may(
        "contexts",
        Kind::Named(&Kind::Table(CONTEXT)),
        "Rules of their own, for the calls of some trunks or for those that go there.",
    ),
    may("hours", Kind::Named(&Kind::Week(HOURS)), "Opening hours of an office."),
    may("calendars", Kind::Named(&Kind::Table(CALENDAR)), "Days and times of an iCalendar file."),
    may("queues", Kind::Named(&Kind::Table(QUEUE)), "Callers who wait for an office."),
    may("callbacks", Kind::Named(&Kind::Table(CALLBACK)), "Offices that call back who asks for it."),
    may("tables", Kind::Named(&Kind::Table(TABLE)), "Numbers with a target each, in a CSV file."),
];

pub(super) const RULE: &[Word] = &[
    must("name", Kind::Text, "How the log and the trace call it; each once."),
    may("context", Kind::Text, "Where the rule belongs; left out, main."),
    must("called", TEXTS, "One pattern or several, for the number that was called; \"*\" is every number."),
    may("caller", TEXTS, "One pattern or several, for the caller's number; a withheld number fits none."),
    may("asserted", TEXTS, "One pattern or several, for the number that the trunk vouches for (P-Asserted-Identity)."),
    may(
        "diversion",
        TEXTS,
        "One pattern or several, for the number that diverted the call here (Diversion, History-Info).",
    ),
    may("accepts", TEXTS, "The language that the telephone likes best (Accept-Language): \"en\", or several."),
    may("withheld", Kind::Flag, "true: only callers who show no number; false: only those who do."),
    may("trunk", Kind::Text, "Only calls by this trunk."),
    may("secure", Kind::Flag, "true: only calls with TLS; false: only those without."),
    may("when", Kind::Table(WHEN), "Only at these times."),
    COMMENT,
    does("menu", LANGUAGE, "The call gets the menu: conference ID and PIN."),
    does("room", Kind::Text, "The call gets to the door of this room, which may ask for its PIN."),
    does("ring", Kind::Table(RING), "Telephones are rung; the call is answered when one of them is."),
    does("queue", Kind::Text, "The caller waits in this queue until somebody is free."),
    does("callback", Kind::Text, "The caller is asked at which number this office is to call back."),
    does(
        "transfer",
        Kind::Either(&[Kind::Text, Kind::Table(TRANSFER)]),
        "The call is answered and handed on: \"2001@pbx\".",
    ),
    does("announce", Kind::Either(&[Kind::Text, Kind::Table(ANNOUNCE)]), "The caller is told a prompt."),
    does(
        "table",
        Kind::Text,
        "The call does what the number's row in this table says; without a row the next rule is tried.",
    ),
    does("go", Kind::Text, "The call goes on in this context, and does not come back."),
    does("reject", Kind::Choice(rejects), "The call is refused."),
    does("closed", LANGUAGE, "The caller is told that the office is closed, then hung up."),
    does("redirect", Kind::Text, "The call is sent elsewhere (302): a SIP or tel address."),
    does(
        "emergency",
        Kind::Either(&[Kind::True, Kind::Text, Kind::Table(RESCUE)]),
        "110 and 112: refused for the telephone system to find another way (true), sent to a SIP address (302), or called over a trunk.",
    ),
];

pub(super) const RING: &[Word] = &[
    must(
        "to",
        TEXTS,
        "Extensions or numbers: 2001, or 2001@pbx with its trunk; {called} is the number that was called, {called:-4} its last four digits.",
    ),
    may("trunk", Kind::Text, "The trunk by which they are called."),
    may("way", Kind::Choice(ways), "One after the other, all at once, or each call beginning with the next."),
    may("seconds", Kind::Number(&SECONDS), "So long each rings."),
    may("otherwise", Kind::Text, "The context that goes on if nobody answers."),
];

pub(super) const QUEUE: &[Word] = &[
    must("agents", TEXTS, "Who serves it: extensions or numbers, 2001 or 2001@pbx."),
    may("trunk", Kind::Text, "The trunk by which they are called."),
    may("opens", Kind::Text, "The hours of the office: before, callers wait for the opening."),
    may("early", Kind::Number(&EARLY), "So many minutes before the opening callers may wait."),
    may("longest", Kind::Number(&LONGEST), "So many callers wait at most."),
    may("seconds", Kind::Number(&SECONDS), "So long each agent's telephone rings."),
    may("otherwise", Kind::Text, "The context that goes on for those who cannot wait."),
    may("language", LANGUAGE, "In this language; left out, in that of the menu."),
    may(
        "callback",
        Kind::Either(&[Kind::Text, Kind::Table(BY_KEY)]),
        "By this key (\"1\") who waits asks to be called back, by the callback of the same name or by another.",
    ),
    COMMENT,
];

pub(super) const BY_KEY: &[Word] = &[
    must("key", Kind::Text, "A key from 0 to 9."),
    may("name", Kind::Text, "The callback; left out, that of the queue's own name."),
];

pub(super) const CALLBACK: &[Word] = &[
    must("agents", TEXTS, "Who calls back: extensions or numbers, 2001 or 2001@pbx. One of them is rung first."),
    may("trunk", Kind::Text, "The trunk by which they are called."),
    may("outside", Kind::Text, "The trunk by which whoever asked is called; left out, that of the agents."),
    may("identity", Kind::Text, "The number that is shown there; left out, that of the trunk."),
    may("opens", Kind::Text, "The hours in which it is called back; left out, always."),
    may("numbers", TEXTS, "Only these numbers; left out, all of our country that cost no more than usual."),
    may("tries", Kind::Number(&TRIES), "So often somebody is called who does not answer."),
    may("minutes", Kind::Number(&MINUTES), "So long it is waited before they are called again."),
    may("days", Kind::Number(&DAYS), "After so many days a request is erased."),
    may("longest", Kind::Number(&REQUESTS), "So many requests are kept at most."),
    may("seconds", Kind::Number(&SECONDS), "So long each telephone rings."),
    may("say", Kind::Text, "The name of a prompt that is heard first."),
    may("otherwise", Kind::Text, "The context that goes on if no more requests are taken."),
    may("language", LANGUAGE, "In this language; left out, in that of the menu."),
    COMMENT,
];

pub(super) const TRANSFER: &[Word] = &[
    must("to", Kind::Text, "An extension or a number, or {called}, as in ring."),
    may("trunk", Kind::Text, "The trunk by which it is called."),
    may("otherwise", Kind::Text, "The context that goes on if nobody answers."),
];

pub(super) const ANNOUNCE: &[Word] = &[
    must("say", Kind::Text, "The name of a prompt."),
    may("language", LANGUAGE, "In this language; left out, in that of the menu."),
    may("then", Kind::Text, "The context that goes on behind it; left out, the call ends."),
];

pub(super) const RESCUE: &[Word] = &[
    must("trunk", Kind::Text, "The trunk by which an emergency is called."),
    may("identity", Kind::Text, "The number that is shown there."),
];

pub(super) const WHEN: &[Word] = &[
    may("days", TEXTS, "mon, tue, wed, thu, fri, sat, sun, or a range like mon-fri; left out, every day."),
    may("from", Kind::Text, "From this time of day, like 08:00."),
    may("to", Kind::Text, "Until before this time; 24:00 is the end of the day."),
    may("open", Kind::Text, "While these hours are open."),
    may("closed", Kind::Text, "While these hours are closed."),
    may("during", Kind::Text, "During the events of this calendar."),
];

pub(super) const EXAMPLE: &[Word] = &[
    must("called", Kind::Text, "The number, as it is dialled."),
    may("from", Kind::Text, "The caller's number; left out, it is withheld."),
    may("asserted", Kind::Text, "The number that the trunk vouches for."),
    may("diversion", Kind::Text, "The number that diverted the call."),
    may("accepts", Kind::Text, "The language that the telephone likes best."),
    may("trunk", Kind::Text, "The trunk by which the call comes."),
    may("secure", Kind::Flag, "true: the call comes with TLS."),
    may("at", Kind::Text, "A local time like 2026-11-24T08:00; left out, a Tuesday at ten."),
    must("expect", Kind::Text, "The name of the rule that is to take the call."),
    COMMENT,
];

pub(super) const CONTEXT: &[Word] = &[
    may("trunks", TEXTS, "Calls by these trunks begin here."),
    may("include", TEXTS, "Contexts whose rules are tried after its own, in this order."),
    COMMENT,
];

pub(super) const HOURS: &[Word] = &[
    may(
        "holidays",
        Kind::Text,
        "Closed on the public holidays of a country of the EU or EEA, or a part of one: FR, DE-BE.",
    ),
    may("closed", TEXTS, "Closed on these days: 2026-12-24, 2026-12-24..2027-01-01, or calendar:NAME."),
    may("open", Kind::Named(&TEXTS), "On these days open otherwise: { \"2026-12-05\" = \"10:00-14:00\" }."),
    may("zone", Kind::Text, "The time zone of the office, like Europe/Berlin; left out, the institution's own."),
    COMMENT,
];

pub(super) const CALENDAR: &[Word] =
    &[must("file", Kind::Text, "An iCalendar file beside the plan; its name ends with .ics."), COMMENT];

pub(super) const TABLE: &[Word] = &[
    must("file", Kind::Text, "A CSV file beside the plan, whose first line names the columns: number,room."),
    COMMENT,
];

fn languages() -> Vec<&'static str> {
    Language::ALL.map(Language::code).to_vec()
}

fn ways() -> Vec<&'static str> {
    WAYS.map(|(name, _)| name).to_vec()
}

fn rejects() -> Vec<&'static str> {
    Reject::ALL.map(|(name, _)| name).to_vec()
}

/// The words by name.
pub(super) fn names(words: &[Word]) -> String {
    words.iter().map(|word| word.name).collect::<Vec<_>>().join(", ")
}

/// `menu, room, …`: the words of which a table needs one.
pub(super) fn one_of(words: &[Word]) -> String {
    words.iter().filter(|word| word.need == Need::OneOf).map(|word| word.name).collect::<Vec<_>>().join(", ")
}

/// JSON Schema (draft 2020-12) of a file of a plan, for editors that know TOML.
pub fn schema() -> Value {
    let mut whole = table(FILE);
    let about = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A dialplan of Einwahl",
        "description": "One of the files of a dialplan, read in the order of their names. docs/dialplan.md explains it.",
    });
    if let (Value::Object(whole), Value::Object(about)) = (&mut whole, about) {
        whole.extend(about);
    }
    whole
}

fn table(words: &[Word]) -> Value {
    let properties: Map<String, Value> = words.iter().map(|word| (word.name.to_owned(), described(word))).collect();
    let named = |need| words.iter().filter(move |word| word.need == need).map(|word| word.name);
    let mut made = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if let Value::Object(made) = &mut made {
        let must: Vec<&str> = named(Need::Must).collect();
        if !must.is_empty() {
            made.insert(String::from("required"), json!(must));
        }
        let one: Vec<Value> = named(Need::OneOf).map(|name| json!({ "required": [name] })).collect();
        if !one.is_empty() {
            made.insert(String::from("oneOf"), json!(one));
        }
    }
    made
}

fn described(word: &Word) -> Value {
    let mut made = kind(&word.kind);
    if let Value::Object(made) = &mut made {
        made.insert(String::from("description"), json!(word.says));
    }
    made
}

fn kind(kind_of: &Kind) -> Value {
    match kind_of {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number(range) => json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::True => json!({ "const": true }),
        Kind::Choice(choices) => {
            json!({ "anyOf": [{ "enum": choices() }, { "type": "string", "pattern": "\\$\\{" }] })
        }
        Kind::Several(one) => {
            json!({ "anyOf": [kind(one), { "type": "array", "items": kind(one), "minItems": 1 }] })
        }
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(kind).collect::<Vec<_>>() }),
        Kind::Table(words) => table(words),
        Kind::Named(one) => json!({ "type": "object", "additionalProperties": kind(one) }),
        Kind::Rows(words) => json!({ "type": "array", "items": table(words) }),
        Kind::Week(words) => {
            let mut made = table(words);
            if let Value::Object(made) = &mut made {
                let day = "(mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)";
                let spans = json!({ "description": "08:00-12:00, or several.", "anyOf": [
                    { "type": "string" }, { "type": "array", "items": { "type": "string" } }] });
                made.insert(String::from("patternProperties"), json!({ format!("^{day}(-{day})?$"): spans }));
            }
            made
        }
    }
}
