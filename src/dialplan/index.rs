//! Which rules of a context a number can concern at all, without looking at each. In: the rules' patterns. Out: the rules to
//! try, in order; of a pattern, the rules whose numbers it can share.
//!
//! Two tries, one for each form of a number: a rule stands at the node that the digits before its first wide place lead to, so
//! a number meets only the rules on its own way down. Names have lists of their own; `*` and regular expressions are for all.

use std::collections::HashMap;

use super::number::Dialled;
use super::pattern::{ANY, Pattern, Tail};

/// Of a place in a pattern with more digits than this, no branch is made.
const WIDE: u32 = 5;

/// A pattern stands at no more nodes than this.
const MOST: usize = 64;

#[derive(Clone, Debug, Default)]
struct Trie {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    children: [Option<u32>; 10],
    rules: Vec<u32>,
}

impl Trie {
    fn insert(&mut self, sets: &[u16], rule: u32) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut here = vec![0];
        for set in sets {
            let width = set.count_ones();
            if width > WIDE || here.len() * width as usize > MOST {
                break;
            }
            let digits = (0..10_usize).filter(|digit| set & (1 << digit) != 0);
            here = digits
                .flat_map(|digit| here.iter().map(move |node| (*node, digit)))
                .map(|(node, digit)| self.child(node, digit))
                .collect();
        }
        for node in here {
            if let Some(node) = self.nodes.get_mut(node as usize) {
                node.rules.push(rule);
            }
        }
    }

    fn child(&mut self, node: u32, digit: usize) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let Some(place) = self.nodes.get_mut(node as usize).and_then(|node| node.children.get_mut(digit)) else {
            return 0;
        };
        let child = *place.get_or_insert(next);
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    fn gather(&self, digits: &str, found: &mut Vec<u32>) {
        let mut here = self.nodes.first();
        for digit in digits.bytes().map(|byte| usize::from(byte.wrapping_sub(b'0'))) {
            let Some(node) = here else { return };
            found.extend(&node.rules);
            here = node.children.get(digit).copied().flatten().and_then(|child| self.nodes.get(child as usize));
        }
        if let Some(node) = here {
            found.extend(&node.rules);
        }
    }

    /// The rules that stand on any way that these digits may take.
    fn sharing(&self, sets: &[u16], is_open: bool, found: &mut Vec<u32>) {
        let mut here: Vec<&Node> = self.nodes.first().into_iter().collect();
        for set in sets {
            here.iter().for_each(|node| found.extend(&node.rules));
            here = here.into_iter().flat_map(|node| self.below(node, *set)).collect();
        }
        while !here.is_empty() {
            here.iter().for_each(|node| found.extend(&node.rules));
            here = if is_open { here.into_iter().flat_map(|node| self.below(node, ANY)).collect() } else { Vec::new() };
        }
    }

    fn below<'a>(&'a self, node: &'a Node, set: u16) -> impl Iterator<Item = &'a Node> {
        let wanted = node.children.iter().enumerate().filter(move |(digit, _)| set & (1 << digit) != 0);
        wanted.filter_map(|(_, child)| self.nodes.get((*child)? as usize))
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    dialled: Trie,
    international: Trie,
    names: HashMap<String, Vec<u32>>,
    everything: Vec<u32>,
    expressions: Vec<u32>,
}

impl Index {
    pub(super) fn new<'a>(rules: impl Iterator<Item = impl Iterator<Item = &'a Pattern>>) -> Self {
        let mut index = Self::default();
        for (rule, patterns) in (0..).zip(rules) {
            for pattern in patterns {
                match pattern {
                    Pattern::Everything => index.everything.push(rule),
                    Pattern::Expression(_) => index.expressions.push(rule),
                    Pattern::Name(name) => index.names.entry(name.clone()).or_default().push(rule),
                    Pattern::Digits { international: true, sets, .. } => index.international.insert(sets, rule),
                    Pattern::Digits { international: false, sets, .. } => index.dialled.insert(sets, rule),
                }
            }
        }
        index
    }

    /// The rules that may be for a number, in order; the others are not.
    pub(super) fn candidates(&self, called: &Dialled) -> Vec<u32> {
        let mut found = [self.everything.as_slice(), &self.expressions].concat();
        found.extend(self.names.get(&called.as_dialled.to_ascii_lowercase()).into_iter().flatten());
        if called.as_dialled.bytes().all(|byte| byte.is_ascii_digit()) {
            self.dialled.gather(&called.as_dialled, &mut found);
        }
        if let Some(digits) = &called.international {
            self.international.gather(digits, &mut found);
        }
        in_order(found)
    }

    /// The rules that can take what fits these patterns from a rule behind them, in order; the others leave it whole. From
    /// `*` only another `*` takes what can be told.
    pub(super) fn takers<'a>(&self, patterns: impl Iterator<Item = &'a Pattern>) -> Vec<u32> {
        let mut found = self.everything.clone();
        for pattern in patterns {
            match pattern {
                Pattern::Everything => {}
                Pattern::Expression(_) => found.extend(&self.expressions),
                Pattern::Name(name) => found.extend(self.names.get(name).into_iter().flatten()),
                Pattern::Digits { international, sets, tail } => {
                    let trie = if *international { &self.international } else { &self.dialled };
                    trie.sharing(sets, *tail != Tail::End, &mut found);
                }
            }
        }
        in_order(found)
    }
}

fn in_order(mut rules: Vec<u32>) -> Vec<u32> {
    rules.sort_unstable();
    rules.dedup();
    rules
}
