//! The plan as a tree of sentences: contexts, and in each its rules in order. In: a plan and a language. Out: the tree, each
//! rule with its place.

use serde::Serialize;

use super::super::{Action, Plan, Rule};
use crate::words::Language;

/// A context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    /// Its name.
    pub context: String,
    /// Trunks whose calls begin here.
    pub trunks: Vec<String>,
    /// Contexts whose rules are tried after its own.
    pub include: Vec<String>,
    /// Its rules, in order.
    pub rules: Vec<Leaf>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Leaf {
    /// Its name.
    pub rule: String,
    /// The file in which it stands.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// For which calls it is.
    pub condition: String,
    /// What happens to them.
    pub consequence: String,
    /// The same as one word of the plan: `menu`, `room`, `go`, …
    pub kind: String,
    /// The context in which it goes on, if it does.
    pub goes: Option<String>,
}

impl Plan {
    /// The rules as sentences.
    pub fn tree(&self, language: Language) -> Vec<Branch> {
        let name = |context: usize| self.contexts.get(context).map(|context| context.name.clone());
        let branch = |(number, context): (usize, &super::super::Context)| Branch {
            context: context.name.clone(),
            trunks: self.entries.iter().filter(|(_, at)| **at == number).map(|(trunk, _)| trunk.to_string()).collect(),
            include: context.include.iter().filter_map(|included| name(included.value)).collect(),
            rules: context.rules.iter().map(|rule| self.leaf(rule, language)).collect(),
        };
        self.contexts.iter().enumerate().map(branch).collect()
    }

    fn leaf(&self, rule: &Rule, language: Language) -> Leaf {
        let said = self.consequence(rule, language);
        let (file, line) = self.file_and_line(&rule.name);
        let goes = match rule.action.value {
            Action::Go(context) => self.contexts.get(context).map(|context| context.name.clone()),
            Action::Decide(_) | Action::Table(_) => None,
        };
        let condition = self.condition(rule, language);
        Leaf {
            rule: rule.name.value.clone(),
            file,
            line,
            condition,
            consequence: said.text,
            kind: said.kind.into(),
            goes,
        }
    }
}
