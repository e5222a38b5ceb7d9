//! The lines of `queues.conf`. In: text. Out: who answers in which queue.

use std::collections::BTreeMap;

use super::super::ledger::{At, Ledger};
use super::super::reason::Reason;
use super::super::{File, Options};
use super::dial::{self, Device};
use super::tree::Callee;

/// Queues by name.
#[derive(Debug, Default)]
pub(super) struct Queues(BTreeMap<String, Queue>);

/// A queue, and the lines that say so.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) agents: Vec<Callee>,
    pub(super) seconds: Option<u64>,
    pub(super) longest: Option<u64>,
    pub(super) lines: Vec<At>,
}

/// What we do by ourselves, or in our own way.
const OWN: [&str; 24] = [
    "musicclass",
    "musiconhold",
    "announce-frequency",
    "min-announce-frequency",
    "announce-holdtime",
    "announce-position",
    "announce-position-limit",
    "announce-round-seconds",
    "announce-to-first-user",
    "retry",
    "wrapuptime",
    "servicelevel",
    "weight",
    "joinempty",
    "leavewhenempty",
    "ringinuse",
    "autopause",
    "autopausedelay",
    "eventwhencalled",
    "eventmemberstatus",
    "setinterfacevar",
    "setqueuevar",
    "reportholdtime",
    "memberdelay",
];

impl Queues {
    /// Reads a file.
    pub(super) fn read(&mut self, file: &File, options: &Options, ledger: &mut Ledger) {
        let (first, text) = ledger.open(file);
        let mut name: Option<String> = None;
        for (number, line) in text.lines().enumerate() {
            let at = first + number;
            let plain = line.split(';').next().unwrap_or_default().trim();
            if plain.is_empty() {
                ledger.say(at, if line.trim().is_empty() { Reason::Blank } else { Reason::Comment });
            } else if let Some(heading) = plain.strip_prefix('[') {
                let told = heading.split(']').next().unwrap_or_default().trim().to_owned();
                name = (told != "general").then_some(told);
                match &name {
                    Some(name) => self.0.entry(name.clone()).or_default().lines.push(at),
                    None => ledger.say(at, Reason::Setting),
                }
            } else if let (Some(name), Some((word, value))) = (&name, plain.split_once('=')) {
                let queue = self.0.entry(name.clone()).or_default();
                queue.setting(at, word.trim(), value.strip_prefix('>').unwrap_or(value).trim(), options, ledger);
            } else {
                let is_setting = name.is_none() && plain.contains('=');
                ledger.say(at, if is_setting { Reason::Setting } else { Reason::Unreadable });
            }
        }
        for queue in self.0.values().filter(|queue| queue.agents.is_empty()) {
            queue.lines.iter().for_each(|line| ledger.say(*line, Reason::NoMembers));
        }
    }

    /// Whether somebody answers there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Queue> {
        self.0.get(name).filter(|queue| !queue.agents.is_empty())
    }

    /// Each, and its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Queue)> {
        self.0.iter().map(|(name, queue)| (name.as_str(), queue))
    }
}

impl Queue {
    fn setting(&mut self, at: At, word: &str, value: &str, options: &Options, ledger: &mut Ledger) {
        let number = value.parse::<u64>().ok();
        match (word.to_ascii_lowercase().as_str(), number) {
            ("member", _) => {
                let interface = value.split(',').next().unwrap_or_default();
                match dial::read(interface, options).devices.into_iter().next() {
                    Some(Ok(Device::Telephone(callee))) if self.agents.len() < 20 => {
                        self.agents.push(callee);
                        self.lines.push(at);
                    }
                    Some(Ok(Device::Telephone(_) | Device::Local { .. }) | Err(_)) | None => {
                        ledger.say(at, Reason::Device(interface.to_owned()));
                    }
                }
            }
            ("timeout", Some(seconds)) => {
                self.seconds = Some(seconds.clamp(3, 180));
                self.lines.push(at);
            }
            ("maxlen", Some(longest)) if (1..=100).contains(&longest) => {
                self.longest = Some(longest);
                self.lines.push(at);
            }
            ("strategy", _) if value != "ringall" => ledger.say(at, Reason::Setting),
            ("maxlen", Some(0)) => ledger.say(at, Reason::Setting),
            (word, _) if OWN.contains(&word) => ledger.say(at, Reason::Setting),
            (word, _) => ledger.say(at, Reason::QueueSetting(format!("{word} = {value}"))),
        }
    }
}
