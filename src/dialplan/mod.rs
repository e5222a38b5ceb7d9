//! What a call is for. In: files that an admin wrote, then the facts of one call and the time. Out: every problem of the
//! files at once, or a [`Plan`]; of a call a [`Decision`], and why. Pure: the same facts at the same time decide the same.
//!
//! Rules stand in order, over all files in the order of their names; the first that fits decides. A rule belongs to a context:
//! a call begins in that of its trunk, or in `main`, and a rule may send it on to another. 110 and 112 are taken by an explicit
//! emergency rule or by nothing (a plan in which another rule could take them does not load).

mod calendar;
mod callback;
mod called;
mod decide;
mod expression;
mod file;
mod foreign;
mod holidays;
mod hours;
mod index;
mod lint;
mod number;
mod pattern;
mod placing;
mod problem;
mod read;
mod sets;
mod survey;
mod table;
mod vocabulary;
mod window;

#[cfg(test)]
mod stories;

pub use calendar::Calendar;
pub use callback::{ByKey, Callback, NotCalledBack};
pub use called::is_callee;
pub use decide::{Facts, Outcome, Step, Taken, Trace};
pub use expression::Expression;
pub use holidays::{Holidays, UnknownPlace};
pub use hours::{Exception, Hours, InvalidSpan, Span};
pub use number::Home;
pub use pattern::{InvalidPattern, Pattern, is_emergency};
pub use placing::{Callee, Door, Onward, Queue, Rescue, Ring, Saying, Transfer};
pub use problem::{Problem, Severity, Told};
pub use survey::{Block, Branch, Day, InvalidBlock, Leaf, Open, Row, Said, Stretch, Subject};
pub use vocabulary::schema;
pub use window::Window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::words::{Domain, Language, LanguageTag, Personal, PhoneNumber, RoomId, TrunkName};

/// What is known beside the files.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where the institution is: for numbers as people dial them.
    pub home: Home,
    /// The rooms that there are.
    pub rooms: Vec<RoomId>,
    /// The trunks that there are.
    pub trunks: Vec<TrunkName>,
    /// Those of them by which calls can be placed.
    pub dial: Vec<TrunkName>,
    /// What can be said: the names of the prompts.
    pub prompts: Vec<String>,
    /// The institution's time.
    pub zone: jiff::tz::TimeZone,
    /// The institution's own numbers; none, if nothing is said of them.
    pub blocks: Vec<Pattern>,
    /// What the institution is called in the federation, if it is in one.
    pub us: Option<Domain>,
    /// Its other members; none, if they are not known here.
    pub members: Vec<Domain>,
    /// Those of them that join by their own systems alone, and cannot be called.
    pub by_sip: Vec<Domain>,
}

impl Surroundings {
    /// Nothing but a place and its time.
    pub const fn only(home: Home, zone: jiff::tz::TimeZone) -> Self {
        Self {
            home,
            zone,
            rooms: Vec::new(),
            trunks: Vec::new(),
            dial: Vec::new(),
            prompts: Vec::new(),
            blocks: Vec::new(),
            us: None,
            members: Vec::new(),
            by_sip: Vec::new(),
        }
    }
}

/// A file of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, as an admin would type it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A rule.
#[derive(Clone, Debug)]
struct Rule {
    name: Placed<String>,
    called: Vec<Placed<Pattern>>,
    caller: Vec<Placed<Pattern>>,
    asserted: Vec<Placed<Pattern>>,
    diversion: Vec<Placed<Pattern>>,
    /// Languages that the telephone likes best.
    accepts: BTreeSet<LanguageTag>,
    trunk: Option<Placed<TrunkName>>,
    /// Only calls with TLS, or only those without.
    secure: Option<bool>,
    /// Only callers who show no number, or only those who do.
    withheld: Option<bool>,
    when: Option<When>,
    action: Placed<Action>,
}

impl Rule {
    /// Those for the number that was called.
    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.called.iter().map(|called| &called.value)
    }
}

/// Times at which a rule holds.
#[derive(Clone, Debug)]
enum When {
    /// These.
    Window(Window),
    /// While an office is open, or while it is not.
    Office { office: usize, open: bool },
    /// During the events of a calendar.
    During(usize),
}

/// What a rule does.
#[derive(Clone, Debug)]
enum Action {
    /// It decides.
    Decide(Decision),
    /// Another context does.
    Go(usize),
    /// The row of the number in a table does, if there is one.
    Table(usize),
}

/// Rules in order.
#[derive(Clone, Debug)]
struct Context {
    name: String,
    /// Where it is told of, if it is.
    told: Option<Placed<()>>,
    rules: Vec<Rule>,
    /// Contexts whose rules are tried after its own.
    include: Vec<Placed<usize>>,
    index: index::Index,
}

/// Something that rules speak of by name.
#[derive(Clone, Debug)]
struct Named<T> {
    name: Placed<String>,
    value: T,
    /// Whether a rule does.
    used: bool,
}

/// A value, and where it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed<T> {
    value: T,
    file: usize,
    span: std::ops::Range<usize>,
}

/// A call that an admin wrote down with the rule that is to take it.
#[derive(Clone, Debug)]
struct Example {
    called: String,
    from: Option<Personal<PhoneNumber>>,
    asserted: Option<Personal<PhoneNumber>>,
    diverted: Option<Personal<PhoneNumber>>,
    language: Option<LanguageTag>,
    trunk: Option<TrunkName>,
    secure: bool,
    at: Option<jiff::civil::DateTime>,
    expect: Placed<String>,
}

/// What a call is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The menu: conference ID and PIN.
    Menu {
        /// In this language.
        language: Language,
    },
    /// Straight to the door of a room, which may ask for its PIN.
    Room {
        /// Which.
        room: RoomId,
    },
    /// Refused.
    Reject {
        /// How.
        why: Reject,
    },
    /// Told that the office is closed, then hung up.
    Closed {
        /// In this language.
        language: Language,
    },
    /// Sent elsewhere (302).
    Redirect {
        /// A SIP URI.
        to: String,
    },
    /// 110 or 112: this gateway cannot help, but tells who can.
    Emergency {
        /// Where the trunk finds the emergency service; without it the call is refused, and the log says so loudly.
        to: Option<String>,
    },
    /// 110 or 112: this gateway places the call itself.
    Rescue(Rescue),
    /// Telephones are rung; the call is answered when one of them is.
    Ring(Ring),
    /// Answered, and handed on.
    Transfer(Transfer),
    /// Answered, and told something.
    Announce(Saying),
    /// Waits for an office.
    Queue(Box<Queue>),
    /// Answered, and asked at which number an office is to call back.
    Callback(Box<Callback>),
}

impl Decision {
    /// Whether it is for emergency calls.
    pub const fn is_for_emergencies(&self) -> bool {
        matches!(self, Self::Emergency { .. } | Self::Rescue(_))
    }

    /// The context that goes on if it comes to nothing, or to its end.
    pub const fn onward(&self) -> Option<Onward> {
        match self {
            Self::Ring(ring) => ring.otherwise,
            Self::Transfer(transfer) => transfer.otherwise,
            Self::Announce(saying) => saying.then,
            Self::Queue(queue) => queue.otherwise,
            Self::Callback(callback) => callback.otherwise,
            Self::Menu { .. }
            | Self::Room { .. }
            | Self::Reject { .. }
            | Self::Closed { .. }
            | Self::Redirect { .. }
            | Self::Emergency { .. }
            | Self::Rescue(_) => None,
        }
    }

    /// The same for a call to this number: of a telephone that stands there as `{called}`, which it is. Who cannot be called
    /// is left out.
    #[must_use]
    pub fn for_call(&self, called: &str) -> Self {
        match self {
            Self::Ring(ring) => {
                let to = ring.to.iter().filter_map(|callee| callee.for_call(called)).collect();
                Self::Ring(Ring { to, ..ring.clone() })
            }
            Self::Transfer(transfer) => match transfer.to.for_call(called) {
                Some(to) => Self::Transfer(Transfer { to, otherwise: transfer.otherwise }),
                None => Self::Reject { why: Reject::NotFound },
            },
            Self::Menu { .. }
            | Self::Room { .. }
            | Self::Reject { .. }
            | Self::Closed { .. }
            | Self::Redirect { .. }
            | Self::Emergency { .. }
            | Self::Rescue(_)
            | Self::Announce(_)
            | Self::Queue(_)
            | Self::Callback(_) => self.clone(),
        }
    }

    /// As an example expects it beside the rule: `queue:buergeramt`; of what has no name, nothing.
    pub fn word(&self) -> Option<String> {
        match self {
            Self::Room { room } => Some(format!("room:{room}")),
            Self::Announce(saying) => Some(format!("announce:{}", saying.say)),
            Self::Queue(queue) => Some(format!("queue:{}", queue.name)),
            Self::Callback(callback) => Some(format!("callback:{}", callback.name)),
            Self::Menu { .. }
            | Self::Reject { .. }
            | Self::Closed { .. }
            | Self::Redirect { .. }
            | Self::Emergency { .. }
            | Self::Rescue(_)
            | Self::Ring(_)
            | Self::Transfer(_) => None,
        }
    }

    /// Whom it may call.
    pub fn callees(&self) -> &[Callee] {
        match self {
            Self::Ring(ring) => &ring.to,
            Self::Transfer(transfer) => std::slice::from_ref(&transfer.to),
            Self::Queue(queue) => &queue.agents,
            Self::Callback(callback) => &callback.agents,
            Self::Announce(_)
            | Self::Menu { .. }
            | Self::Room { .. }
            | Self::Reject { .. }
            | Self::Closed { .. }
            | Self::Redirect { .. }
            | Self::Emergency { .. }
            | Self::Rescue(_) => &[],
        }
    }
}

/// Whether all numbers of some patterns are among those of others. Of expressions, which cannot be compared, it is not.
pub fn are_covered(patterns: &[Pattern], by: &[Pattern]) -> bool {
    let parties = |patterns: &[Pattern]| patterns.iter().map(sets::Party::from).collect::<Vec<_>>();
    sets::are_within(parties(patterns), &parties(by))
}

/// How a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 480.
    Unavailable,
    /// 486.
    Busy,
}

impl Reject {
    const ALL: [(&'static str, Self); 4] = [
        ("forbidden", Self::Forbidden),
        ("not-found", Self::NotFound),
        ("unavailable", Self::Unavailable),
        ("busy", Self::Busy),
    ];
}

/// A dialplan that can be used.
#[derive(Clone, Debug)]
pub struct Plan {
    home: Home,
    sources: Vec<file::File>,
    /// The first is where calls begin that have no other.
    contexts: Vec<Context>,
    /// Where calls of a trunk begin.
    entries: BTreeMap<TrunkName, usize>,
    offices: Vec<Named<Hours>>,
    calendars: Vec<Named<Arc<Calendar>>>,
    tables: Vec<Named<Placed<table::Table>>>,
    queues: Vec<Named<Queue>>,
    callbacks: Vec<Named<Callback>>,
}

impl Plan {
    /// Reads the files (in order of their names) and looks for mistakes. The plan is whole only if no problem is an error.
    pub fn check(mut sources: Vec<Source>, around: &Surroundings) -> (Self, Vec<Problem>) {
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        let sources: Vec<file::File> = sources.into_iter().map(file::File::from).collect();
        let read = read::read(&sources);
        let (mut contexts, examples, mut problems) = (read.contexts, read.examples, read.problems);
        for context in &mut contexts {
            context.index = index::Index::new(context.rules.iter().map(Rule::patterns));
        }
        let home = around.home.clone();
        let plan = Self {
            home,
            sources,
            contexts,
            entries: read.entries,
            offices: read.offices,
            calendars: read.calendars,
            tables: read.tables,
            queues: read.queues,
            callbacks: read.callbacks,
        };
        lint::lint(&plan, &examples, &read.variables, around, &mut problems);
        problems.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
        (plan, problems)
    }

    /// A rule that sends calls into this room, by its name, or that looks into a table which does.
    pub fn leads_into(&self, room: &RoomId) -> Option<&str> {
        let is_it = |decision: &Decision| matches!(decision, Decision::Room { room: into } if into == room);
        let leads = |rule: &&Rule| match &rule.action.value {
            Action::Decide(decision) => is_it(decision),
            Action::Go(_) => false,
            Action::Table(table) => {
                self.tables.get(*table).is_some_and(|table| table.value.value.rows().any(|row| is_it(&row.decision)))
            }
        };
        self.contexts.iter().flat_map(|context| &context.rules).find(leads).map(|rule| rule.name.value.as_str())
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.contexts.iter().map(|context| context.rules.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
