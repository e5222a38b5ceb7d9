//! What a plan does, before it does it: its mistakes, what becomes of one call, its rules as sentences, a week of its hours, and
//! where numbers lead. In: JSON with the files of a draft, or without any for the plan that runs. Out: wishes to the gateway, and
//! what came of them.

mod body;
mod routes;

pub(super) use routes::{Api, routes};

use jiff::civil::{Date, DateTime};

use crate::dialplan::{Block, Branch, Problem, Row, Source, Stretch, Trace};
use crate::words::{Language, LanguageTag, Personal, PhoneNumber, TrunkName};

/// What somebody wants to know of a plan. All of it needs the right to see plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Survey {
    /// What is wrong with these files.
    Check(Vec<Source>),
    /// What a plan does.
    Ask {
        /// The files of a draft; none is the plan that runs.
        files: Option<Vec<Source>>,
        /// What is asked.
        question: Question,
    },
}

/// What is asked of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What becomes of a call.
    Try {
        /// What is dialled.
        called: String,
        /// The rest of it.
        circumstances: Circumstances,
    },
    /// Its rules as sentences.
    Tree(Language),
    /// What is open on seven days from this one; from this week's Monday, if none is named.
    Week(Option<Date>),
    /// Where numbers lead.
    Coverage {
        /// Which numbers, by how they were written.
        blocks: Vec<(String, Block)>,
        /// Who calls, and when.
        circumstances: Circumstances,
    },
}

/// A call beside its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Who calls; nobody is a caller who shows no number.
    pub caller: Option<Personal<PhoneNumber>>,
    /// For whom the trunk vouches.
    pub asserted: Option<Personal<PhoneNumber>>,
    /// Who diverted the call.
    pub diverted: Option<Personal<PhoneNumber>>,
    /// The language that the telephone likes best.
    pub accepts: Option<LanguageTag>,
    /// By which trunk.
    pub trunk: Option<TrunkName>,
    /// With TLS.
    pub secure: bool,
    /// When, by the institution's clock; now, if nothing is said.
    pub at: Option<DateTime>,
    /// In which language the answer is.
    pub language: Language,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surveyed {
    /// See [`Survey::Check`].
    Checked {
        /// How many rules there are.
        rules: usize,
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// See [`Question::Try`].
    Tried {
        /// When the call was tried.
        at: String,
        /// What was looked at.
        trace: Trace,
        /// What happens to the call.
        consequence: String,
        /// The same as one word of the plan.
        kind: &'static str,
        /// How many errors keep this plan from being published.
        errors: usize,
    },
    /// See [`Question::Tree`].
    Tree {
        /// The contexts.
        contexts: Vec<Branch>,
        /// How many errors keep this plan from being published.
        errors: usize,
    },
    /// See [`Question::Week`].
    Week {
        /// The first day.
        from: Date,
        /// Hours, and rules with times of their own.
        rows: Vec<Row>,
        /// How many errors keep this plan from being published.
        errors: usize,
    },
    /// See [`Question::Coverage`].
    Coverage {
        /// When the calls were tried.
        at: String,
        /// Each block and where it leads.
        blocks: Vec<(String, Vec<Stretch>)>,
        /// How many errors keep this plan from being published.
        errors: usize,
    },
}
