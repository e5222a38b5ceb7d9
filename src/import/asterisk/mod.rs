//! Asterisk's `extensions.conf`, for what towns write in it. In: the files. Out: rules, and what became of each line.
//!
//! Asterisk follows a call step by step, a plan decides at once: `walk` follows the steps of each extension without a call, and `write` says
//! in rules what it found. In each context Asterisk tries the most exact number first (`pattern`), wherever it stands; so rules are written in
//! that order.

mod dial;
mod pattern;
mod queues;
mod read;
mod times;
mod tree;
mod walk;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use self::pattern::{EMERGENCY, Number, Shift};
use self::queues::Queues;
use self::read::{Conf, Context, Extension, SPECIAL};
use self::walk::Walk;
use self::write::{For, Writer};
use super::ledger::Ledger;
use super::reason::Reason;
use super::{File, Needs, Options};
use crate::dialplan::{Source, are_covered};
use crate::words::Language;

/// Contexts in which calls from outside begin are mostly called so.
const ENTRIES: [&str; 10] = [
    "main",
    "default",
    "from-trunk",
    "from-pstn",
    "from-external",
    "incoming",
    "inbound",
    "extern",
    "eingehend",
    "public",
];

/// Numbers of a plan that are everybody's.
const MAIN: &str = "main";

pub(super) fn import(files: &[&File], options: &Options, ledger: &mut Ledger, needs: &mut Needs) -> Source {
    let (mut conf, mut queues) = (Conf::default(), Queues::default());
    let beside: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    for file in files {
        if file.name == "queues.conf" {
            queues.read(file, options, ledger);
        } else {
            conf.read(file, &beside, ledger);
        }
    }
    let map = Map::of(&conf, options, &queues);
    let text = written(&conf, options, &queues, &map, ledger, needs);
    settle(&conf, &queues, &map, !options.entries.is_empty(), ledger);
    let name = files.iter().find(|file| file.name != "queues.conf").map_or("queues.conf", |file| file.name.as_str());
    Source { name: format!("10-{}.toml", name.trim_end_matches(".conf")), text }
}

/// Which contexts calls get into.
struct Map {
    /// Where calls begin of which no trunk is told.
    entry: Option<usize>,
    /// Whose rules are written down.
    open: BTreeSet<usize>,
    /// Those that steps jump into.
    jumped: BTreeSet<usize>,
    /// Those in which callers were to choose by keys.
    keyed: BTreeSet<usize>,
}

impl Map {
    fn of(conf: &Conf, options: &Options, queues: &Queues) -> Self {
        // What is found out of the lines is told when rules are written.
        let mut aside = Ledger::default();
        let mut walk = Walk::new(conf, options, queues, &mut aside);
        let mut ways: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        let mut included = BTreeSet::new();
        for (number, context) in conf.contexts.iter().enumerate() {
            for extension in 0..context.extensions.len() {
                let _ = walk.of(number, extension);
            }
            let mut to: BTreeSet<usize> = walk.gone.drain(..).collect();
            let includes: Vec<usize> =
                context.includes.iter().filter_map(|include| conf.context(&include.name)).collect();
            included.extend(includes.iter().copied().filter(|included| *included != number));
            to.extend(includes);
            ways.insert(number, to);
        }
        let jumped: BTreeSet<usize> = walk.jumped.iter().copied().collect();
        let keyed = walk.keyed.iter().copied().collect();
        let is_root = |(number, context): &(usize, &Context)| {
            !jumped.contains(number) && !included.contains(number) && !context.name.starts_with("macro-")
        };
        let mut roots: Vec<usize> =
            conf.contexts.iter().enumerate().filter(is_root).map(|(number, _)| number).collect();
        if roots.is_empty() {
            roots.extend((!conf.contexts.is_empty()).then_some(0));
        }
        let likely = || {
            let named = ENTRIES.iter().filter_map(|name| conf.context(name)).find(|named| roots.contains(named));
            named.or_else(|| roots.first().copied())
        };
        let (mut waiting, entry) = if options.entries.is_empty() {
            (roots.clone(), likely())
        } else {
            let told = options.entries.iter().filter_map(|(name, trunk)| Some((conf.context(name)?, trunk)));
            let told: Vec<_> = told.collect();
            let entry = told.iter().find(|(_, trunk)| trunk.is_none()).map(|(entry, _)| *entry);
            (told.into_iter().map(|(entry, _)| entry).collect(), entry)
        };
        let mut open = BTreeSet::new();
        while let Some(here) = waiting.pop() {
            if open.insert(here) {
                waiting.extend(ways.get(&here).into_iter().flatten());
            }
        }
        Self { entry, open, jumped, keyed }
    }
}

/// The rules of all contexts that calls get into.
fn written(
    conf: &Conf,
    options: &Options,
    queues: &Queues,
    map: &Map,
    ledger: &mut Ledger,
    needs: &mut Needs,
) -> String {
    let names = conf.contexts.iter().map(|context| context.name.as_str());
    let mut writer = Writer::new(options, queues, ledger, needs, names);
    let mut rescued: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (entry, trunk) in &options.entries {
        let trunk = trunk.as_ref().zip(conf.context(entry));
        if let Some((trunk, context)) = trunk {
            let name = writer.context(context);
            writer.needs.trunks.insert(trunk.clone());
            writer.begins(&name, trunk.as_str());
        }
    }
    let mut late: Vec<(usize, usize)> = Vec::new();
    for (number, context) in conf.contexts.iter().enumerate().filter(|(number, _)| map.open.contains(number)) {
        let name = writer.context(number);
        writer.opens(&name);
        includes(conf, &mut writer, &name, context);
        writer.ledger.carried(context.at, &format!("[contexts.{name}]"));
        let mut sorted: Vec<(Number, usize)> = Vec::new();
        for (at, extension) in context.extensions.iter().enumerate() {
            match Number::read(&extension.name) {
                _ if SPECIAL.contains(&extension.name.as_str()) => {}
                Some(Number::Exact(start)) if start == "s" => late.push((number, at)),
                Some(pattern) => sorted.push((pattern, at)),
                None => extension
                    .steps
                    .values()
                    .for_each(|step| writer.ledger.say(step.at, Reason::Pattern(extension.name.clone()))),
            }
        }
        let by_caller = |at: usize| context.extensions.get(at).is_none_or(|extension| extension.caller.is_none());
        sorted.sort_by(|(one, at), (other, with)| one.compare(other).then(by_caller(*at).cmp(&by_caller(*with))));
        let saved = rescued.entry(name.clone()).or_default();
        let mut earlier = Vec::new();
        for (pattern, at) in &sorted {
            // Numbers that more exact ones leave nothing to.
            let own = pattern::read(&pattern.ours());
            if !own.is_empty() && are_covered(&own, &earlier) {
                continue;
            }
            if by_caller(*at) {
                earlier.extend(own);
            }
            extension(conf, &mut writer, (number, *at), pattern, saved);
        }
    }
    // Where a call without a number would begin, unless steps lead there anyway.
    for (context, at) in late {
        let told = conf.contexts.get(context).and_then(|context| context.extensions.get(at));
        let is_met =
            told.and_then(|told| told.steps.values().next()).is_none_or(|step| writer.ledger.is_settled(step.at));
        if !is_met {
            extension(conf, &mut writer, (context, at), &Number::Exact(String::from("s")), &mut BTreeSet::new());
        }
    }
    begin(conf, &mut writer, map, options, &rescued);
    let heading = match options.language {
        Language::De => "# Aus Asterisk übernommen. Was in extensions.conf anders war, sagt der Bericht des Imports.\n",
        Language::En => {
            "# Imported from Asterisk. The report of the import tells what was different in extensions.conf.\n"
        }
    };
    writer.finish(heading)
}

/// Where calls begin, and what becomes of emergencies of which the source says nothing.
fn begin(
    conf: &Conf,
    writer: &mut Writer<'_>,
    map: &Map,
    options: &Options,
    rescued: &BTreeMap<String, BTreeSet<&str>>,
) {
    let mut entries = vec![String::from(MAIN)];
    if let Some(entry) = map.entry.map(|entry| writer.context(entry)).filter(|entry| entry != MAIN) {
        writer.includes(MAIN, &entry);
    }
    let told = options.entries.iter().filter(|(_, trunk)| trunk.is_some());
    entries.extend(told.filter_map(|(name, _)| Some(writer.context(conf.context(name)?))));
    entries.dedup();
    for entry in entries {
        let open = writer.open_from(&entry);
        let known: BTreeSet<&str> = open.iter().filter_map(|name| rescued.get(name)).flatten().copied().collect();
        let missing = write::missing(&known);
        if !missing.is_empty() {
            writer.emergency(&entry, "Notruf", &missing, None);
        }
    }
}

fn includes(conf: &Conf, writer: &mut Writer<'_>, name: &str, context: &Context) {
    for include in &context.includes {
        let Some(number) = conf.context(&include.name) else {
            writer.ledger.say(include.at, Reason::NoPlace(include.name.clone()));
            continue;
        };
        let to = writer.context(number);
        let windows = include.times.as_deref().map(times::read);
        let made = match windows {
            None => writer.includes(name, &to).then(|| format!("[contexts.{name}]")),
            Some(None) => {
                writer.ledger.say(include.at, Reason::Times(include.times.clone().unwrap_or_default()));
                continue;
            }
            Some(Some(windows)) if windows.is_empty() => {
                writer.includes(name, &to).then(|| format!("[contexts.{name}]"))
            }
            Some(Some(windows)) => {
                let mut called = Vec::new();
                numbers(conf, number, &mut called, &mut BTreeSet::new());
                if called.is_empty() { None } else { writer.timed(name, &to, &called, &windows) }
            }
        };
        match made {
            Some(made) => writer.ledger.carried(include.at, &made),
            None => writer.ledger.say(include.at, Reason::IncludedAgain(include.name.clone())),
        }
    }
}

/// All numbers of a context and those that it includes.
fn numbers(conf: &Conf, context: usize, found: &mut Vec<String>, seen: &mut BTreeSet<usize>) {
    if !seen.insert(context) {
        return;
    }
    let Some(told) = conf.contexts.get(context) else { return };
    let everybodys = told.extensions.iter().filter(|extension| extension.caller.is_none());
    for extension in everybodys.filter(|extension| !SPECIAL.contains(&extension.name.as_str())) {
        for ours in Number::read(&extension.name).map(|number| number.ours()).unwrap_or_default() {
            if !found.contains(&ours) {
                found.push(ours);
            }
        }
    }
    for include in told.includes.iter().filter(|include| include.times.is_none()) {
        if let Some(included) = conf.context(&include.name) {
            numbers(conf, included, found, seen);
        }
    }
}

/// One extension, as rules.
fn extension<'a>(
    conf: &Conf,
    writer: &mut Writer<'_>,
    (context, at): (usize, usize),
    pattern: &Number,
    rescued: &mut BTreeSet<&'a str>,
) where
    'static: 'a,
{
    let Some(told) = conf.contexts.get(context).and_then(|context| context.extensions.get(at)) else { return };
    let mut walk = Walk::new(conf, writer.options, writer.queues, writer.ledger);
    let Some(tree) = walk.of(context, at) else { return };
    let home = writer.context(context);
    let name = format!("{home} {}", shown(told));
    let saves: Vec<&'static str> = EMERGENCY
        .into_iter()
        .filter(|number| told.caller.is_none() && pattern.fits(number) && rescued.insert(number))
        .collect();
    if !saves.is_empty() {
        writer.emergency(&home, &format!("{name}: {}", saves.join(", ")), &saves, Some(&tree));
    }
    // What would be an emergency number behind a prefix has no way to be one.
    let mut rung = Vec::new();
    tree.rung(&mut rung);
    let mut behind: Vec<String> = rung
        .into_iter()
        .filter_map(|user| user.find('{').and_then(|at| user.split_at_checked(at)))
        .filter_map(|(before, part)| Some((before, Shift::read(part)?)))
        .filter(|(before, shift)| !before.is_empty() || *shift != Shift::Without(0))
        .flat_map(|(before, shift)| pattern.help_behind(before, shift))
        .collect();
    behind.sort();
    behind.dedup();
    if let (Some(first), false) = (told.steps.values().next(), behind.is_empty()) {
        writer.ledger.say(first.at, Reason::HelpBehind(behind.join(", ")));
    }
    let called = pattern.ours_but(&behind);
    if called.is_empty() {
        return;
    }
    let caller = told.caller.as_deref().map(|caller| match caller {
        "" => Some(String::new()),
        caller => Number::read(caller).map(|caller| caller.ours().join(" ")),
    });
    match caller {
        Some(None) => {
            told.steps.values().for_each(|step| writer.ledger.say(step.at, Reason::Pattern(shown(told))));
        }
        Some(Some(caller)) => {
            drop(writer.write(&home, For { called: &called, caller: Some(&caller), name: &name }, &tree))
        }
        None => drop(writer.write(&home, For { called: &called, caller: None, name: &name }, &tree)),
    }
}

fn shown(extension: &Extension) -> String {
    match &extension.caller {
        Some(caller) => format!("{}/{caller}", extension.name),
        None => extension.name.clone(),
    }
}

/// Lines of which nothing is known yet.
fn settle(conf: &Conf, queues: &Queues, map: &Map, are_entries_told: bool, ledger: &mut Ledger) {
    for (name, (_, at)) in &conf.globals {
        if !ledger.is_settled(*at) {
            ledger.say(*at, Reason::Unused(name.clone()));
        }
    }
    for (name, queue) in queues.iter() {
        queue
            .lines
            .iter()
            .filter(|line| !ledger.is_settled(**line))
            .copied()
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|line| ledger.say(line, Reason::NoCallsThere(name.to_owned())));
    }
    for (number, context) in conf.contexts.iter().enumerate() {
        let is_open = map.open.contains(&number);
        let lines = |context: &Context| -> Vec<(usize, bool)> {
            let steps = context.extensions.iter().flat_map(|extension| {
                let after = extension.name == "h";
                extension.steps.values().map(move |step| (step.at, after))
            });
            steps.chain(context.includes.iter().map(|include| (include.at, false))).collect()
        };
        let lines = lines(context);
        let is_met = lines.iter().any(|(line, _)| ledger.is_settled(*line));
        let is_chosen = map.keyed.contains(&number);
        let unmet = || match (is_met, are_entries_told) {
            (true, _) if is_chosen => Reason::ByKey,
            (true, _) => Reason::Unreached,
            (false, true) => Reason::NotEntered(context.name.clone()),
            (false, false) => Reason::NoCallsThere(context.name.clone()),
        };
        for (line, after) in lines {
            match (ledger.is_settled(line), after) {
                (true, _) => {}
                (false, true) => ledger.say(line, Reason::AfterHangup),
                (false, false) if is_open => {}
                (false, false) => ledger.say(line, unmet()),
            }
        }
        if !ledger.is_settled(context.at) {
            ledger.say(context.at, if is_met || map.jumped.contains(&number) { Reason::Setting } else { unmet() });
        }
        specials(context, ledger);
    }
}

/// Cases of Asterisk that stand like numbers.
fn specials(context: &Context, ledger: &mut Ledger) {
    for extension in context.extensions.iter().filter(|extension| SPECIAL.contains(&extension.name.as_str())) {
        for step in extension.steps.values() {
            if !ledger.is_settled(step.at) {
                ledger.say(step.at, Reason::Specials(extension.name.clone()));
            }
        }
    }
}
