//! What becomes of a call, in words of ours: what is done, and what if that comes to nothing.

use super::super::ledger::At;
use super::times::Window;
use crate::words::{Language, TrunkName};

/// Something that is done, and the lines that say so.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) lines: Vec<At>,
    pub(super) does: Does,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) enum Does {
    /// Nothing more: the call ends.
    End,
    /// Refused, as our word for it says.
    Refuse(&'static str),
    Menu,
    Room(String),
    Ring {
        to: Vec<Callee>,
        all: bool,
        seconds: u64,
        then: Box<Tree>,
    },
    Transfer {
        to: Callee,
        then: Box<Tree>,
    },
    Redirect(String),
    Announce {
        say: String,
        language: Option<Language>,
        then: Box<Tree>,
    },
    Queue {
        name: String,
        then: Box<Tree>,
    },
    /// The rules of this context go on.
    Go(usize),
    /// One of these, by the number that was dialled.
    Choose(Vec<(Vec<String>, Tree)>),
    /// At these times one, else the other.
    Branch {
        when: Vec<Window>,
        yes: Box<Tree>,
        no: Box<Tree>,
    },
}

/// A telephone, and the trunk that leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callee {
    pub(super) user: String,
    pub(super) trunk: TrunkName,
}

/// So many telephones can be rung one after the other.
const MOST: usize = 20;

impl Tree {
    /// Every telephone that it may ring, as it stands in a rule.
    pub(super) fn rung<'a>(&'a self, found: &mut Vec<&'a str>) {
        match &self.does {
            Does::Ring { to, then, .. } => {
                found.extend(to.iter().map(|callee| callee.user.as_str()));
                then.rung(found);
            }
            Does::Transfer { to, then } => {
                found.push(&to.user);
                then.rung(found);
            }
            Does::Announce { then, .. } | Does::Queue { then, .. } => then.rung(found),
            Does::Branch { yes, no, .. } => {
                yes.rung(found);
                no.rung(found);
            }
            Does::Choose(ways) => ways.iter().for_each(|(_, tree)| tree.rung(found)),
            Does::End | Does::Refuse(_) | Does::Menu | Does::Room(_) | Does::Redirect(_) | Does::Go(_) => {}
        }
    }

    pub(super) const fn end(lines: Vec<At>) -> Self {
        Self { lines, does: Does::End }
    }

    /// Rings, and what then: telephones that ring for as long, one after the other, are one list.
    pub(super) fn ring(mut lines: Vec<At>, mut to: Vec<Callee>, all: bool, seconds: u64, then: Self) -> Self {
        let may_join = |to: &[Callee], all: bool| !all || to.len() == 1;
        match then {
            Self { lines: more, does: Does::Ring { to: others, all: other, seconds: length, then } }
                if may_join(&to, all)
                    && may_join(&others, other)
                    && length == seconds
                    && to.len() + others.len() <= MOST =>
            {
                lines.extend(more);
                to.extend(others);
                Self { lines, does: Does::Ring { to, all: false, seconds, then } }
            }
            then => Self { lines, does: Does::Ring { to, all, seconds, then: Box::new(then) } },
        }
    }
}
