//! Trees as rules of ours. In: what becomes of calls to each extension. Out: TOML, and for each line the rules that it is in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::ledger::{At, Ledger};
use super::super::quote::{key, named, quoted, several};
use super::super::reason::Reason;
use super::super::{Needs, Options};
use super::pattern::EMERGENCY;
use super::queues::Queues;
use super::times::Window;
use super::tree::{Callee, Does, Tree};
use super::walk::CALLED;

/// Calls that a rule is for.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    pub(super) called: &'a [String],
    /// Of these callers; an empty text is for those who show no number.
    pub(super) caller: Option<&'a str>,
    /// A name for the rules.
    pub(super) name: &'a str,
}

/// Everybody, whatever they called.
fn everybody(name: &str) -> For<'_> {
    For { called: &[], caller: None, name }
}

/// See the module.
pub(super) struct Writer<'a> {
    pub(super) options: &'a Options,
    pub(super) queues: &'a Queues,
    pub(super) ledger: &'a mut Ledger,
    pub(super) needs: &'a mut Needs,
    /// Our names of their contexts.
    names: Vec<String>,
    parts: BTreeMap<String, Part>,
    /// Their names, as they are written down.
    order: Vec<String>,
    ways: BTreeMap<String, BTreeSet<String>>,
    /// Contexts that were made for what comes after something, and the rules in them.
    made: BTreeMap<String, (String, Vec<String>)>,
    rules: BTreeSet<String>,
    queue_names: BTreeMap<(String, Option<String>), String>,
    queue_parts: Vec<String>,
}

/// A context of ours.
#[derive(Default)]
struct Part {
    trunks: Vec<String>,
    include: Vec<String>,
    rules: Vec<String>,
}

/// What a rule does, and which further lines say so.
struct Action {
    text: String,
    lines: Vec<At>,
}

impl<'a> Writer<'a> {
    /// `contexts` are their names there.
    pub(super) fn new(
        options: &'a Options,
        queues: &'a Queues,
        ledger: &'a mut Ledger,
        needs: &'a mut Needs,
        contexts: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut names: Vec<String> = Vec::new();
        for context in contexts {
            let is_plain = context.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            let name = if is_plain { context.to_owned() } else { named(context) };
            names.push(free_name(name, |name| names.iter().any(|known| known == name)));
        }
        Self {
            options,
            queues,
            ledger,
            needs,
            names,
            parts: BTreeMap::new(),
            order: Vec::new(),
            ways: BTreeMap::new(),
            made: BTreeMap::new(),
            rules: BTreeSet::new(),
            queue_names: BTreeMap::new(),
            queue_parts: Vec::new(),
        }
    }

    /// Our name of a context.
    pub(super) fn context(&self, number: usize) -> String {
        self.names.get(number).cloned().unwrap_or_default()
    }

    /// A name that no context has.
    pub(super) fn free_context(&self, name: &str) -> String {
        let is_taken = |name: &str| {
            name == "main" || self.names.iter().any(|known| known == name) || self.parts.contains_key(name)
        };
        free_name(named(name), is_taken)
    }

    /// The part of that name; it is made if there is none.
    fn part(&mut self, name: &str) -> &mut Part {
        if !self.parts.contains_key(name) {
            self.order.push(name.to_owned());
        }
        self.parts.entry(name.to_owned()).or_default()
    }

    fn parts(&self) -> impl Iterator<Item = (&String, &Part)> {
        self.order.iter().filter_map(|name| self.parts.get_key_value(name))
    }

    /// Calls get into it, whether it has rules or none.
    pub(super) fn opens(&mut self, name: &str) {
        self.part(name);
    }

    /// Calls by this trunk begin there.
    pub(super) fn begins(&mut self, name: &str, trunk: &str) {
        self.part(name).trunks.push(trunk.to_owned());
    }

    /// Includes one context in another, unless it does so already or would lead back.
    pub(super) fn includes(&mut self, name: &str, included: &str) -> bool {
        let is_new = self.part(name).include.iter().all(|known| known != included) && self.link(name, included);
        if is_new {
            self.part(name).include.push(included.to_owned());
        }
        is_new
    }

    /// A way from one context to another; false if it would lead back.
    fn link(&mut self, from: &str, to: &str) -> bool {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![to]);
        while let Some(here) = waiting.pop() {
            if here == from {
                return false;
            }
            if seen.insert(here) {
                waiting.extend(self.ways.get(here).into_iter().flatten().map(String::as_str));
            }
        }
        self.ways.entry(from.to_owned()).or_default().insert(to.to_owned());
        true
    }

    /// Rules for what becomes of some calls.
    pub(super) fn write(&mut self, context: &str, calls: For<'_>, tree: &Tree) -> Vec<String> {
        self.branches(context, calls, tree, None, &[])
    }

    fn branches(
        &mut self,
        context: &str,
        calls: For<'_>,
        tree: &Tree,
        when: Option<&Window>,
        before: &[At],
    ) -> Vec<String> {
        let lines: Vec<At> = before.iter().chain(&tree.lines).copied().collect();
        match &tree.does {
            Does::Branch { when: windows, yes, no } if when.is_none() => {
                let mut rules: Vec<String> = windows
                    .iter()
                    .flat_map(|window| self.branches(context, calls, yes, Some(window), &lines))
                    .collect();
                rules.extend(self.branches(context, calls, no, None, &lines));
                rules
            }
            Does::Branch { .. }
            | Does::End
            | Does::Refuse(_)
            | Does::Menu
            | Does::Room(_)
            | Does::Ring { .. }
            | Does::Transfer { .. }
            | Does::Redirect(_)
            | Does::Announce { .. }
            | Does::Queue { .. }
            | Does::Choose(_)
            | Does::Go(_) => vec![self.rule(context, calls, tree, when, &lines)],
        }
    }

    fn rule(&mut self, context: &str, calls: For<'_>, tree: &Tree, when: Option<&Window>, lines: &[At]) -> String {
        let name = free(calls.name.replace("${", "$ {"), |name| self.rules.contains(name));
        self.rules.insert(name.clone());
        let action = self.action(context, calls.name, tree);
        for line in lines.iter().chain(&action.lines) {
            self.ledger.carried(*line, &name);
        }
        let called = if calls.called.is_empty() { vec![String::from("*")] } else { calls.called.to_vec() };
        let mut text = format!("[[rule]]\nname = {}\n", quoted(&name));
        if context != "main" {
            let _ = writeln!(text, "context = {}", quoted(context));
        }
        let _ = writeln!(text, "called = {}", several(&called));
        match calls.caller {
            None => {}
            Some("") => text.push_str("withheld = true\n"),
            Some(caller) => drop(writeln!(text, "caller = {}", quoted(caller))),
        }
        if let Some(when) = when {
            let _ = writeln!(text, "when = {}", when.to_toml());
        }
        text.push_str(&action.text);
        text.push('\n');
        self.part(context).rules.push(text);
        name
    }

    fn action(&mut self, context: &str, name: &str, tree: &Tree) -> Action {
        let mut lines = Vec::new();
        let text = match &tree.does {
            Does::End => String::from("reject = \"unavailable\""),
            Does::Refuse(how) => format!("reject = \"{how}\""),
            Does::Menu => format!("menu = \"{}\"", self.options.language),
            Does::Room(room) => {
                self.needs.rooms.extend(room.parse());
                format!("room = {}", quoted(room))
            }
            Does::Redirect(to) => format!("redirect = {}", quoted(to)),
            Does::Go(to) => self.go(context, &self.context(*to), tree),
            Does::Choose(ways) => {
                let to = self.free_context(name);
                self.part(&to);
                // Made just now, it leads nowhere yet.
                let _ = self.link(context, &to);
                for (called, tree) in ways {
                    drop(self.write(&to, For { called, caller: None, name }, tree));
                }
                format!("go = {}", quoted(&to))
            }
            Does::Branch { .. } => {
                let to = self.context_for(context, name, tree, &mut lines);
                to.map_or_else(|| String::from("reject = \"unavailable\""), |to| format!("go = {}", quoted(&to)))
            }
            Does::Ring { to, all, seconds, then } => {
                let way = if *all && to.len() > 1 { ", way = \"all\"" } else { "" };
                let otherwise = self.onward("otherwise", context, name, then, &mut lines);
                format!("ring = {{ {}{way}, seconds = {seconds}{otherwise} }}", self.telephones("to", to))
            }
            Does::Transfer { to, then } => {
                let otherwise = self.onward("otherwise", context, name, then, &mut lines);
                format!("transfer = {{ {}{otherwise} }}", self.telephones("to", std::slice::from_ref(to)))
            }
            Does::Announce { say, language, then } => {
                let language = language.unwrap_or(self.options.language);
                let then = self.onward("then", context, name, then, &mut lines);
                format!("announce = {{ say = {}, language = \"{language}\"{then} }}", quoted(say))
            }
            Does::Queue { name: queue, then } => {
                let otherwise = self.onward("otherwise", context, name, then, &mut lines);
                format!("queue = {}", quoted(&self.queue(queue, &otherwise)))
            }
        };
        Action { text: format!("{text}\n"), lines }
    }

    fn go(&mut self, from: &str, to: &str, tree: &Tree) -> String {
        if self.link(from, to) {
            return format!("go = {}", quoted(to));
        }
        if let Some(last) = tree.lines.last() {
            self.ledger.say(*last, Reason::Loop);
        }
        String::from("reject = \"unavailable\"")
    }

    /// `, otherwise = "context"`; nothing, if the call ends there.
    fn onward(&mut self, word: &str, context: &str, name: &str, then: &Tree, lines: &mut Vec<At>) -> String {
        let to = match &then.does {
            Does::End => {
                lines.extend(&then.lines);
                None
            }
            Does::Go(to) => {
                let to = self.context(*to);
                lines.extend(&then.lines);
                let is_way = self.link(context, &to);
                if let Some(last) = then.lines.last().filter(|_| !is_way) {
                    self.ledger.say(*last, Reason::Loop);
                }
                is_way.then_some(to)
            }
            Does::Refuse(_)
            | Does::Menu
            | Does::Room(_)
            | Does::Ring { .. }
            | Does::Transfer { .. }
            | Does::Redirect(_)
            | Does::Announce { .. }
            | Does::Queue { .. }
            | Does::Choose(_)
            | Does::Branch { .. } => self.context_for(context, name, then, lines),
        };
        to.map_or_else(String::new, |to| format!(", {word} = {}", quoted(&to)))
    }

    /// A context of its own for what comes then. What comes in several places is written once.
    fn context_for(&mut self, from: &str, name: &str, tree: &Tree, lines: &mut Vec<At>) -> Option<String> {
        let same = format!("{tree:?}");
        if let Some((to, _)) = self.made.get(&same).cloned() {
            return self.link(from, &to).then_some(to);
        }
        let to = self.free_context(name);
        self.part(&to);
        if !self.link(from, &to) {
            lines.extend(&tree.lines);
            return None;
        }
        let rules = self.write(&to, everybody(name), tree);
        self.made.insert(same, (to.clone(), rules));
        Some(to)
    }

    /// `to = ["2001", "2002"], trunk = "pbx"`
    fn telephones(&mut self, word: &str, to: &[Callee]) -> String {
        self.needs.trunks.extend(to.iter().map(|callee| callee.trunk.clone()));
        let first = to.first().map(|callee| &callee.trunk);
        if to.iter().all(|callee| Some(&callee.trunk) == first) {
            let users: Vec<String> = to.iter().map(|callee| callee.user.clone()).collect();
            let trunk = first.map_or_else(String::new, |trunk| format!(", trunk = {}", quoted(trunk.as_str())));
            return format!("{word} = {}{trunk}", several(&users));
        }
        let each: Vec<String> = to.iter().map(|callee| format!("{}@{}", callee.user, callee.trunk)).collect();
        format!("{word} = {}", several(&each))
    }

    /// A queue goes on in one way; with another way it is another queue.
    fn queue(&mut self, queue: &str, otherwise: &str) -> String {
        let known = (queue.to_owned(), Some(otherwise.to_owned()));
        if let Some(name) = self.queue_names.get(&known) {
            return name.clone();
        }
        let name = free_name(named(queue), |name| self.queue_names.values().any(|known| known == name));
        let mut text = format!("[queues.{}]\n", key(&name));
        if let Some(told) = self.queues.get(queue) {
            let agents = self.telephones("agents", &told.agents).replace(", trunk", "\ntrunk");
            let _ = writeln!(text, "{agents}");
            for (word, number) in [("seconds", told.seconds), ("longest", told.longest)] {
                if let Some(number) = number {
                    let _ = writeln!(text, "{word} = {number}");
                }
            }
            for line in &told.lines {
                self.ledger.carried(*line, &format!("[queues.{name}]"));
            }
        }
        let _ = writeln!(text, "language = \"{}\"", self.options.language);
        if let Some(otherwise) = otherwise.strip_prefix(", ") {
            let _ = writeln!(text, "{otherwise}");
        }
        self.queue_parts.push(text);
        self.queue_names.insert(known, name.clone());
        name
    }

    /// 110 and 112 of a context: called over the trunk that their extension rings, or refused for the telephone system to find another way.
    pub(super) fn emergency(&mut self, context: &str, name: &str, numbers: &[&str], tree: Option<&Tree>) {
        let is_rung = |callee: &Callee| callee.user == CALLED || numbers.contains(&callee.user.as_str());
        let trunk = tree.and_then(|tree| match &tree.does {
            Does::Ring { to, .. } => to.iter().find(|callee| is_rung(callee)).map(|callee| callee.trunk.clone()),
            Does::End
            | Does::Refuse(_)
            | Does::Menu
            | Does::Room(_)
            | Does::Transfer { .. }
            | Does::Redirect(_)
            | Does::Announce { .. }
            | Does::Queue { .. }
            | Does::Go(_)
            | Does::Choose(_)
            | Does::Branch { .. } => None,
        });
        let rule = free(name.to_owned(), |name| self.rules.contains(name));
        self.rules.insert(rule.clone());
        for line in tree.into_iter().flat_map(|tree| &tree.lines) {
            self.ledger.carried(*line, &rule);
            self.ledger.say(*line, Reason::Emergency);
        }
        let action = match trunk {
            Some(trunk) => {
                self.needs.trunks.insert(trunk.clone());
                format!("{{ trunk = {} }}", quoted(trunk.as_str()))
            }
            None => String::from("true"),
        };
        let home = if context == "main" { String::new() } else { format!("context = {}\n", quoted(context)) };
        let numbers: Vec<String> = numbers.iter().map(|number| (*number).to_owned()).collect();
        let text = format!(
            "[[rule]]\nname = {}\n{home}called = {}\nemergency = {action}\n\n",
            quoted(&rule),
            several(&numbers)
        );
        self.part(context).rules.push(text);
    }

    /// A context that leads to another at some times only.
    pub(super) fn timed(&mut self, context: &str, to: &str, called: &[String], windows: &[Window]) -> Option<String> {
        let made = self.free_context(&format!("{context}-{to}"));
        self.part(&made);
        if !self.link(&made, to) || !self.includes(context, &made) {
            return None;
        }
        for window in windows {
            let name = free(format!("{context}: {to}"), |name| self.rules.contains(name));
            let text = format!(
                "[[rule]]\nname = {}\ncontext = {}\ncalled = {}\nwhen = {}\ngo = {}\n\n",
                quoted(&name),
                quoted(&made),
                several(called),
                window.to_toml(),
                quoted(to)
            );
            self.rules.insert(name);
            self.part(&made).rules.push(text);
        }
        Some(made)
    }

    /// The contexts that an emergency call may get into from here, whatever the time.
    pub(super) fn open_from(&self, context: &str) -> BTreeSet<String> {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![context.to_owned()]);
        while let Some(here) = waiting.pop() {
            if seen.insert(here.clone()) {
                waiting.extend(self.parts.get(&here).into_iter().flat_map(|part| part.include.clone()));
            }
        }
        seen
    }

    /// The whole file.
    pub(super) fn finish(self, heading: &str) -> String {
        let mut text = format!("{heading}\n");
        for (name, part) in self.parts() {
            if name == "main" && part.trunks.is_empty() && part.include.is_empty() {
                continue;
            }
            let _ = writeln!(text, "[contexts.{}]", key(name));
            for (word, names) in [("trunks", &part.trunks), ("include", &part.include)] {
                if !names.is_empty() {
                    let _ = writeln!(text, "{word} = {}", several(names));
                }
            }
            text.push('\n');
        }
        for queue in &self.queue_parts {
            text.push_str(queue);
            text.push('\n');
        }
        self.parts().flat_map(|(_, part)| &part.rules).for_each(|rule| text.push_str(rule));
        format!("{}\n", text.trim_end())
    }
}

/// The name, or with a number behind it, so that nothing else has it.
fn free(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}

/// The same for names without spaces.
fn free_name(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}

/// Emergency numbers of which no rule stands in `known`.
pub(super) fn missing(known: &BTreeSet<&str>) -> Vec<&'static str> {
    EMERGENCY.into_iter().filter(|number| !known.contains(number)).collect()
}
