//! What a call is for. In: files that an admin wrote, then the facts of one call and the time. Out: every problem of the
//! files at once, or a [`Plan`]; of a call a [`Decision`], and why. Pure: the same facts at the same time decide the same.
//!
//! Rules stand in order, over all files in the order of their names; the first that fits decides. 110 and 112 are taken by
//! an explicit emergency rule or by nothing (a plan in which another rule could take them does not load).

mod decide;
mod lint;
mod number;
mod pattern;
mod problem;
mod read;
mod window;

#[cfg(test)]
mod stories;

pub use decide::{Facts, Outcome, Step, Trace};
pub use number::Home;
pub use pattern::{InvalidPattern, Pattern};
pub use problem::{Problem, Severity};
pub use window::Window;

use crate::words::{Language, Personal, PhoneNumber, RoomId, TrunkName};

/// What is known beside the files.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where the institution is: for numbers as people dial them.
    pub home: Home,
    /// The rooms that there are.
    pub rooms: Vec<RoomId>,
    /// The trunks that there are.
    pub trunks: Vec<TrunkName>,
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
pub(crate) struct Rule {
    name: String,
    /// Which file, and where its name stands there.
    file: usize,
    span: std::ops::Range<usize>,
    called: Vec<Placed<Pattern>>,
    caller: Vec<Placed<Pattern>>,
    trunk: Option<Placed<TrunkName>>,
    when: Option<Window>,
    action: Decision,
    action_span: std::ops::Range<usize>,
}

/// A value, and where it stands in its file.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    value: T,
    span: std::ops::Range<usize>,
}

/// A call that an admin wrote down with the rule that is to take it.
#[derive(Clone, Debug)]
struct Example {
    file: usize,
    span: std::ops::Range<usize>,
    called: String,
    from: Option<Personal<PhoneNumber>>,
    trunk: Option<TrunkName>,
    at: Option<jiff::civil::DateTime>,
    expect: String,
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
    sources: Vec<Source>,
    rules: Vec<Rule>,
}

impl Plan {
    /// Reads the files (in order of their names) and looks for mistakes. The plan is whole only if no problem is an error.
    pub fn check(mut sources: Vec<Source>, around: &Surroundings) -> (Self, Vec<Problem>) {
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        let mut read = read::Reader::new(&sources);
        read.read();
        let (rules, examples, mut problems) = read.into_parts();
        let plan = Self { home: around.home.clone(), sources, rules };
        lint::lint(&plan, &examples, around, &mut problems);
        problems.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
        (plan, problems)
    }

    /// How many rules there are.
    pub const fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}
