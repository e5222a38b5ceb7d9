//! Steps that do something with the call: telephones, queues, sounds, conferences.

use super::super::super::ledger::At;
use super::super::super::quote::named;
use super::super::super::reason::Reason;
use super::super::dial::{self, Device, trunk_of};
use super::super::pattern::{EMERGENCY, Number};
use super::super::read::arguments;
use super::super::tree::{Callee, Does, Tree};
use super::{Flow, Frame, Place, Scope, Walk};

/// The time for which a telephone rings that rings without an end in Asterisk.
const LONG: u64 = 180;

impl Walk<'_> {
    pub(super) fn dial(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        let args = match self.expanded(args, scope) {
            Ok(args) => args,
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        let dial = dial::read(&args, self.options);
        if !dial.options.is_empty() {
            self.ledger.say(at, Reason::DialOptions(dial.options));
        }
        if let [Ok(Device::Local { number, context })] = dial.devices.as_slice() {
            return self.local(at, number, context, next, scope);
        }
        let mut to: Vec<Callee> = Vec::new();
        for device in dial.devices {
            match device {
                Ok(Device::Telephone(callee)) => to.push(callee),
                Ok(Device::Local { number, context }) => to.extend(self.local_telephones(at, &number, &context)),
                Err(text) => self.ledger.say(at, Reason::Device(text)),
            }
        }
        to.retain(|callee| {
            let is_own = scope.dialled && scope.number.as_deref() == Some(callee.user.as_str());
            let rings_help = EMERGENCY.contains(&callee.user.as_str()) && !is_own;
            if rings_help {
                self.ledger.say(at, Reason::Device(callee.user.clone()));
            }
            !rings_help
        });
        to.truncate(20);
        if to.is_empty() {
            return self.passed(at, Reason::NobodyToRing);
        }
        let seconds = dial.seconds.unwrap_or(LONG);
        let rings = seconds.clamp(3, LONG);
        if rings != seconds {
            self.ledger.say(at, Reason::Patience(seconds));
        }
        let then = self.tree(next.clone(), scope.clone());
        Flow::Done(Does::Ring { all: to.len() > 1, to, seconds: rings, then: Box::new(then) })
    }

    /// Another extension is called like a telephone: its steps, and then what stands behind this one.
    fn local(&mut self, at: At, number: &str, context: &str, next: &Place, scope: &Scope) -> Flow {
        let place = self.conf.context(context).and_then(|context| {
            self.jumped.push(context);
            self.find(context, number, None, &mut Vec::new())
        });
        let Some(place) = place.filter(|_| !number.contains('{')) else {
            return self.passed(at, Reason::NoPlace(format!("{number}@{context}")));
        };
        let mut inside = Scope { number: Some(number.to_owned()), dialled: false, ..scope.clone() };
        inside.back.push(Frame {
            place: next.clone(),
            number: scope.number.clone(),
            dialled: scope.dialled,
            variables: scope.variables.clone(),
        });
        Flow::Jump(place, inside)
    }

    /// The telephones that another extension rings first.
    fn local_telephones(&mut self, at: At, number: &str, context: &str) -> Vec<Callee> {
        let found = self.conf.context(context).and_then(|context| self.find(context, number, None, &mut Vec::new()));
        let extension = found.as_ref().and_then(|found| self.extension(found.context, found.extension));
        let step =
            extension.and_then(|extension| extension.steps.values().find(|step| step.app.eq_ignore_ascii_case("dial")));
        let scope = Scope { dialled: false, ..Scope::new(Number::Exact(number.to_owned())) };
        let args = step.and_then(|step| self.expanded(&step.args, &scope).ok()).unwrap_or_default();
        let telephones: Vec<Callee> = dial::read(&args, self.options)
            .devices
            .into_iter()
            .filter_map(|device| match device {
                Ok(Device::Telephone(callee)) => Some(callee),
                Ok(Device::Local { .. }) | Err(_) => None,
            })
            .collect();
        if telephones.is_empty() {
            self.ledger.say(at, Reason::Device(format!("Local/{number}@{context}")));
        }
        telephones
    }

    pub(super) fn queue(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        let name = match self.expanded(args, scope) {
            Ok(args) => arguments(&args).into_iter().next().unwrap_or_default(),
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        if !self.queues.has(&name) {
            return self.passed(at, Reason::NoQueue(name));
        }
        let then = Box::new(self.tree(next.clone(), scope.clone()));
        Flow::Done(Does::Queue { name, then })
    }

    pub(super) fn announce(&mut self, at: At, word: &str, args: &str, next: &Place, scope: &Scope) -> Flow {
        let name = match self.expanded(args, scope) {
            Ok(args) => arguments(&args).into_iter().next().unwrap_or_default(),
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        let sounds: Vec<&str> = name.split('&').filter(|sound| !sound.is_empty()).collect();
        let says: Vec<Option<String>> = sounds.iter().map(|sound| self.prompt(sound)).collect();
        for (sound, _) in sounds.iter().zip(&says).filter(|(_, say)| say.is_none()) {
            self.ledger.say(at, Reason::Sound((*sound).to_owned()));
        }
        let mut says: Vec<String> = says.into_iter().flatten().collect();
        let Some(last) = says.pop() else { return Flow::Next };
        if word == "background" {
            self.ledger.say(at, Reason::NoKeys);
        }
        let language = scope.language;
        let then = Box::new(self.tree(next.clone(), scope.clone()));
        let last = Does::Announce { say: last, language, then };
        Flow::Done(says.into_iter().rev().fold(last, |does, say| Does::Announce {
            say,
            language,
            then: Box::new(Tree { lines: Vec::new(), does }),
        }))
    }

    /// The prompt that stands for a sound: the one that was named for it, that of its name, or one that says the same.
    fn prompt(&self, sound: &str) -> Option<String> {
        let bare = sound.rsplit('/').next().unwrap_or_default().to_lowercase();
        let told = self.options.sounds.get(sound).or_else(|| self.options.sounds.get(&bare));
        let known = |name: &str| self.options.prompts.iter().find(|prompt| prompt.as_str() == name).cloned();
        let says = |words: &[&str]| words.iter().any(|word| bare.contains(word));
        if let Some(told) = told {
            return known(told);
        }
        known(&bare).or_else(|| {
            if says(&["closed", "geschlossen", "feierabend", "oeffnungszeit", "öffnungszeit"]) {
                known("closed")
            } else if says(&["goodbye", "wiederhoeren", "wiederhören"]) {
                known("goodbye")
            } else {
                None
            }
        })
    }

    /// Nobody chooses by keys here: it goes on as for whoever keys nothing.
    pub(super) fn wait_for_keys(&mut self, at: At, next: &Place, scope: &Scope) -> Flow {
        self.ledger.say(at, Reason::Keys);
        self.keyed.push(next.context);
        for name in ["t", "i"] {
            let known = self.conf.contexts.get(next.context);
            let found =
                known.and_then(|context| context.extensions.iter().position(|extension| extension.name == name));
            if let Some(extension) = found {
                let number = Some(name.to_owned());
                let place = Place { context: next.context, extension, step: 1 };
                return Flow::Jump(place, Scope { number, dialled: false, ..scope.clone() });
            }
        }
        Flow::Next
    }

    pub(super) fn conference(&mut self, at: At, args: &str, scope: &Scope) -> Flow {
        let name = match self.expanded(args, scope) {
            Ok(args) => arguments(&args).into_iter().next().unwrap_or_default(),
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        if name.is_empty() || name.contains('{') {
            self.ledger.say(at, Reason::MenuForRooms);
            return Flow::Done(Does::Menu);
        }
        Flow::Done(Does::Room(named(&name)))
    }

    pub(super) fn transfer(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        let to = match self.expanded(args, scope) {
            Ok(to) => to,
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        let bare = to.split_once('/').map_or(to.as_str(), |(_, bare)| bare);
        let (user, host) = bare.split_once('@').map_or((bare, None), |(user, host)| (user, Some(host)));
        let trunk = host.map_or_else(|| Some(self.options.trunk.clone()), |host| trunk_of(host, &self.options.peers));
        let user = user.strip_prefix("sip:").unwrap_or(user);
        match (crate::dialplan::is_callee(user), host, trunk) {
            (true, Some(host), _) if !user.contains('{') && host.contains('.') => {
                Flow::Done(Does::Redirect(format!("sip:{user}@{host}")))
            }
            (true, _, Some(trunk)) => {
                let then = Box::new(self.tree(next.clone(), scope.clone()));
                Flow::Done(Does::Transfer { to: Callee { user: user.to_owned(), trunk }, then })
            }
            _ => self.passed(at, Reason::Device(to)),
        }
    }
}

/// Q.850 causes that say more than that the call is over.
pub(super) fn hang_up(args: &str) -> Does {
    match args.trim() {
        "17" => Does::Refuse("busy"),
        "1" | "3" | "28" => Does::Refuse("not-found"),
        "21" => Does::Refuse("forbidden"),
        "" | "16" => Does::End,
        _ => Does::Refuse("unavailable"),
    }
}
