//! What changes from one document to the next, for those who are to sign it. In: two documents. Out: changes in words.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::document::{Document, Member};
use crate::words::Domain;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something of the document itself: word, before, after.
    Document(&'static str, String, String),
    /// A member that was none.
    Joins(Domain),
    /// A member that is none any more.
    Leaves(Domain),
    /// A member's word: domain, word, before, after.
    Member(Domain, String, String, String),
}

/// What changes, in the order of the domains.
pub fn changes(before: &Document, after: &Document) -> Vec<Change> {
    let mut found = Vec::new();
    let mut compare = |word, one: String, other: String| {
        if one != other {
            found.push(Change::Document(word, one, other));
        }
    };
    compare("federation", before.federation.to_string(), after.federation.to_string());
    compare("serial", before.serial.to_string(), after.serial.to_string());
    compare("issued", before.issued.to_string(), after.issued.to_string());
    compare("expires", before.expires.to_string(), after.expires.to_string());
    compare("operators", shown(&before.operators), shown(&after.operators));
    let by_domain = |document: &Document| -> BTreeMap<Domain, Member> {
        document.members.iter().map(|member| (member.domain.clone(), member.clone())).collect()
    };
    let (old, mut new) = (by_domain(before), by_domain(after));
    for (domain, member) in &old {
        match new.remove(domain) {
            None => found.push(Change::Leaves(domain.clone())),
            Some(now) => found.extend(of_member(member, &now)),
        }
    }
    found.extend(new.into_keys().map(Change::Joins));
    found
}

fn of_member(before: &Member, after: &Member) -> Vec<Change> {
    let words = |member: &Member| serde_json::to_value(member).ok().and_then(|value| value.as_object().cloned());
    let (Some(old), Some(new)) = (words(before), words(after)) else { return Vec::new() };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    let changed = names.filter(|name| old.get(*name) != new.get(*name));
    let told = |value: Option<&Value>| value.map_or_else(String::new, ToString::to_string);
    changed
        .map(|name| Change::Member(before.domain.clone(), name.clone(), told(old.get(name)), told(new.get(name))))
        .collect()
}

fn shown(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(word, before, after) => write!(f, "{word}: {before} → {after}"),
            Self::Joins(domain) => write!(f, "{domain} joins"),
            Self::Leaves(domain) => write!(f, "{domain} leaves"),
            Self::Member(domain, word, before, after) => write!(f, "{domain}: {word}: {before} → {after}"),
        }
    }
}
