//! Which rule takes a call, and why. In: facts and the time. Out: a decision, and what was looked at.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::Dialled;
use super::pattern::Pattern;
use super::{Action, Context, Decision, Onward, Placed, Plan, Rescue, Rule, Saying, Transfer, When};
use crate::words::{Language, LanguageTag, Personal, PhoneNumber, Purpose, TrunkName};

/// What is known of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What was dialled: a number or a name.
    pub called: String,
    /// Who calls, unless that is withheld.
    pub caller: Option<Personal<PhoneNumber>>,
    /// For whom the trunk vouches (P-Asserted-Identity).
    pub asserted: Option<Personal<PhoneNumber>>,
    /// Who diverted the call here.
    pub diverted: Option<Personal<PhoneNumber>>,
    /// The language that the telephone likes best.
    pub language: Option<LanguageTag>,
    /// Which way the call came.
    pub trunk: Option<TrunkName>,
    /// Whether it came with TLS.
    pub secure: bool,
}

/// What became of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It decides.
    Takes,
    /// Another context goes on.
    Goes,
    /// It is for other numbers.
    OtherNumber,
    /// It is for other callers.
    OtherCaller,
    /// It is for calls that were diverted by others, or by anybody.
    OtherDiversion,
    /// It is for telephones with another language.
    OtherLanguage,
    /// It is for another trunk.
    OtherTrunk,
    /// It is for calls with TLS, or for those without.
    OtherTransport,
    /// It does not hold at this time.
    OtherTime,
    /// The number is not in its table.
    NotInTable,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub rule: String,
    /// Where it stands: file:line.
    pub place: String,
    /// In which context.
    pub context: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// Everything that was looked at, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The number in the international form, if it has one.
    pub international: Option<String>,
    /// The rules.
    pub steps: Vec<Step>,
}

impl Trace {
    /// The rule that decided.
    pub fn rule(&self) -> Option<&str> {
        self.steps.last().filter(|step| step.outcome == Outcome::Takes).map(|step| step.rule.as_str())
    }
}

/// A decision, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken<'a> {
    /// What is done.
    pub decision: &'a Decision,
    /// By which rule.
    pub rule: &'a str,
}

/// What a rule asks of a call.
struct Asked<'a> {
    called: Dialled,
    matter: Matter<'a>,
}

/// What a rule asks of a call beside its number.
pub(super) struct Matter<'a> {
    caller: Option<Dialled>,
    asserted: Option<Dialled>,
    diverted: Option<Dialled>,
    facts: &'a Facts,
    now: &'a jiff::ZonedDateTime,
}

impl Plan {
    /// What the call is for; `None` if no rule takes it. Looks only at rules that the number can concern.
    pub fn decide(&self, facts: &Facts, now: &jiff::ZonedDateTime) -> Option<Taken<'_>> {
        let asked = self.asked(facts, now);
        let candidates = |context: &Context| context.index.candidates(&asked.called);
        self.walk(&asked, self.entry(facts), &mut Vec::new(), &candidates, &mut |_, _, _| {})
    }

    /// What the call is for once a context is to go on with it.
    pub fn decide_onward(&self, onward: Onward, facts: &Facts, now: &jiff::ZonedDateTime) -> Option<Taken<'_>> {
        let asked = self.asked(facts, now);
        let candidates = |context: &Context| context.index.candidates(&asked.called);
        self.walk(&asked, onward.0, &mut Vec::new(), &candidates, &mut |_, _, _| {})
    }

    /// What [`Self::decide`] does, with every rule on the way, and what became of it.
    pub fn trace(&self, facts: &Facts, now: &jiff::ZonedDateTime) -> (Option<Taken<'_>>, Trace) {
        self.told(facts, now, &|_, context| (0..).take(context.rules.len()).collect())
    }

    /// The same, without the rules whose numbers are others anyway: what a record of the call shows.
    pub fn follow(&self, facts: &Facts, now: &jiff::ZonedDateTime) -> (Option<Taken<'_>>, Trace) {
        self.told(facts, now, &|asked, context| context.index.candidates(&asked.called))
    }

    fn told(
        &self,
        facts: &Facts,
        now: &jiff::ZonedDateTime,
        looked_at: &impl Fn(&Asked<'_>, &Context) -> Vec<u32>,
    ) -> (Option<Taken<'_>>, Trace) {
        let asked = self.asked(facts, now);
        let international = asked.called.international.as_ref().map(|digits| format!("+{digits}"));
        let mut trace = Trace { international, steps: Vec::new() };
        let rules = |context: &Context| looked_at(&asked, context);
        let taken = self.walk(&asked, self.entry(facts), &mut Vec::new(), &rules, &mut |context, rule, outcome| {
            let (rule, place, context) = (rule.name.value.clone(), self.place(rule), context.name.clone());
            trace.steps.push(Step { rule, place, context, outcome });
        });
        (taken, trace)
    }

    /// Whether a rule asks for whom the trunk vouches, who diverted the call, or which language its telephone likes.
    pub fn asks_beside_the_caller(&self) -> bool {
        let asks = |rule: &Rule| !rule.asserted.is_empty() || !rule.diversion.is_empty() || !rule.accepts.is_empty();
        self.contexts.iter().flat_map(|context| &context.rules).any(asks)
    }

    fn asked<'a>(&self, facts: &'a Facts, now: &'a jiff::ZonedDateTime) -> Asked<'a> {
        Asked { called: self.home.dialled(&facts.called), matter: self.matter(facts, now) }
    }

    pub(super) fn matter<'a>(&self, facts: &'a Facts, now: &'a jiff::ZonedDateTime) -> Matter<'a> {
        let dialled = |number: &Option<Personal<PhoneNumber>>| {
            number.as_ref().map(|number| self.home.dialled(number.reveal(Purpose::Routing).as_str()))
        };
        let [caller, asserted, diverted] = [&facts.caller, &facts.asserted, &facts.diverted].map(dialled);
        Matter { caller, asserted, diverted, facts, now }
    }

    pub(super) fn entry(&self, facts: &Facts) -> usize {
        facts.trunk.as_ref().and_then(|trunk| self.entries.get(trunk)).copied().unwrap_or_default()
    }

    /// Tries the rules of a context, then of those it includes; none a second time.
    fn walk<'a>(
        &'a self,
        asked: &Asked<'_>,
        context: usize,
        tried: &mut Vec<usize>,
        candidates: &impl Fn(&Context) -> Vec<u32>,
        met: &mut impl FnMut(&Context, &Rule, Outcome),
    ) -> Option<Taken<'a>> {
        if tried.contains(&context) {
            return None;
        }
        tried.push(context);
        let context = self.contexts.get(context)?;
        for rule in candidates(context).into_iter().filter_map(|rule| context.rules.get(rule as usize)) {
            let (outcome, decision) = self.outcome(rule, asked);
            met(context, rule, outcome);
            if let Some(decision) = decision {
                return Some(Taken { decision, rule: &rule.name.value });
            }
            if let (Outcome::Goes, Action::Go(next)) = (outcome, &rule.action.value) {
                return self.walk(asked, *next, tried, candidates, met);
            }
        }
        context.include.iter().find_map(|included| self.walk(asked, included.value, tried, candidates, met))
    }

    fn outcome<'a>(&'a self, rule: &'a Rule, asked: &Asked<'_>) -> (Outcome, Option<&'a Decision>) {
        let unfit = |outcome| (outcome, None);
        if !rule.called.iter().any(|pattern| pattern.value.fits(&asked.called)) {
            return unfit(Outcome::OtherNumber);
        }
        if let Some(objection) = self.objection(rule, &asked.matter) {
            return unfit(objection);
        }
        match &rule.action.value {
            Action::Decide(decision) => (Outcome::Takes, Some(decision)),
            Action::Go(_) => unfit(Outcome::Goes),
            Action::Table(table) => {
                match self.tables.get(*table).and_then(|table| table.value.value.get(&asked.called)) {
                    Some(decision) => (Outcome::Takes, Some(decision)),
                    None => unfit(Outcome::NotInTable),
                }
            }
        }
    }

    /// Why a rule is not for a call, whatever its number.
    pub(super) fn objection(&self, rule: &Rule, asked: &Matter<'_>) -> Option<Outcome> {
        let is_one = |wanted: &[Placed<Pattern>], party: &Option<Dialled>| {
            let known = |party: &Dialled| wanted.iter().any(|pattern| pattern.value.fits(party));
            wanted.is_empty() || party.as_ref().is_some_and(known)
        };
        if !is_one(&rule.caller, &asked.caller)
            || !is_one(&rule.asserted, &asked.asserted)
            || rule.withheld.is_some_and(|withheld| withheld != asked.caller.is_none())
        {
            return Some(Outcome::OtherCaller);
        }
        if !is_one(&rule.diversion, &asked.diverted) {
            return Some(Outcome::OtherDiversion);
        }
        let likes = |language: &LanguageTag| rule.accepts.contains(language);
        if !rule.accepts.is_empty() && !asked.facts.language.as_ref().is_some_and(likes) {
            return Some(Outcome::OtherLanguage);
        }
        if rule.trunk.as_ref().is_some_and(|trunk| Some(&trunk.value) != asked.facts.trunk.as_ref()) {
            return Some(Outcome::OtherTrunk);
        }
        if rule.secure.is_some_and(|secure| secure != asked.facts.secure) {
            return Some(Outcome::OtherTransport);
        }
        rule.when.as_ref().is_some_and(|when| !self.holds(when, asked.now)).then_some(Outcome::OtherTime)
    }

    fn holds(&self, when: &When, now: &jiff::ZonedDateTime) -> bool {
        match when {
            When::Window(window) => window.holds(now),
            When::Office { office, open } => {
                self.offices.get(*office).is_some_and(|office| office.value.is_open(now) == *open)
            }
            When::During(calendar) => self.calendars.get(*calendar).is_some_and(|calendar| calendar.value.is_on(now)),
        }
    }

    /// `10-aemter.toml:14`
    pub(super) fn place(&self, rule: &Rule) -> String {
        let (file, line) = self.file_and_line(&rule.name);
        format!("{file}:{line}")
    }

    /// Where something stands.
    pub(super) fn file_and_line<T>(&self, placed: &Placed<T>) -> (String, usize) {
        let file = self.sources.get(placed.file);
        file.map_or_else(Default::default, |file| (file.name.clone(), file.line(placed.span.start).0))
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Menu { language } => write!(f, "the menu in {language}"),
            Self::Room { room } => write!(f, "the door of room {room}"),
            Self::Reject { why } => write!(
                f,
                "refused: {}",
                super::Reject::ALL.iter().find(|(_, one)| one == why).map_or("", |(name, _)| name)
            ),
            Self::Closed { language } => write!(f, "told in {language} that the office is closed, then hung up"),
            Self::Redirect { to } => write!(f, "sent to {to}"),
            Self::Emergency { to: Some(to) } => write!(f, "an emergency: sent to {to}"),
            Self::Rescue(Rescue { trunk, .. }) => write!(f, "an emergency: called over {trunk}"),
            Self::Ring(ring) => ring.fmt(f),
            Self::Queue(queue) => write!(f, "waits in queue {}", queue.name),
            Self::Callback(callback) => write!(f, "asked at which number {} is to call back", callback.name),
            Self::Transfer(Transfer { to, .. }) => write!(f, "answered, then handed on to {to}"),
            Self::Announce(Saying { say, then: None, .. }) => write!(f, "told {say:?}, then hung up"),
            Self::Announce(Saying { say, then: Some(_), .. }) => write!(f, "told {say:?}, then led on"),
            Self::Emergency { to: None } => {
                f.write_str("an emergency: refused, for the telephone system to find another way")
            }
        }
    }
}

impl Outcome {
    /// In words, behind the name of the rule.
    pub const fn said(self, language: Language) -> &'static str {
        let (german, english) = match self {
            Self::Takes => ("nimmt den Anruf", "takes the call"),
            Self::Goes => ("schickt ihn weiter", "sends it on"),
            Self::OtherNumber => ("ist für andere Nummern", "is for other numbers"),
            Self::OtherCaller => ("ist für andere Anrufer", "is for other callers"),
            Self::OtherDiversion => ("ist für Anrufe, die andere umleiten", "is for calls that others diverted"),
            Self::OtherLanguage => ("ist für andere Sprachen", "is for other languages"),
            Self::OtherTrunk => ("ist für einen anderen Anschluss", "is for another trunk"),
            Self::OtherTransport => ("ist für die andere Art der Verbindung", "is for calls with other security"),
            Self::OtherTime => ("gilt zu dieser Zeit nicht", "does not hold at this time"),
            Self::NotInTable => ("hat die Nummer nicht in ihrer Tabelle", "has no such number in its table"),
        };
        match language {
            Language::De => german,
            Language::En => english,
        }
    }
}
