//! Actions that place calls, in words.

use super::super::Callback;
use super::super::callback::DAY;
use super::super::placing::{Callee, Queue, Rescue, Ring, Saying, Transfer};
use crate::call::hunt::Way;

/// Kind, German and English, as [`super::sentence`] wants them.
type Words = (&'static str, String, String);

pub(super) fn ring(ring: &Ring) -> Words {
    let (to, seconds) = (named(&ring.to), ring.patience.as_secs());
    let (german, english) = match (ring.way, ring.to.len()) {
        (_, 0 | 1) => (format!("klingelt {seconds} s bei {to}"), format!("rings {to} for {seconds} s")),
        (Way::InOrder, _) => (
            format!("klingelt der Reihe nach bei {to}, je {seconds} s"),
            format!("rings {to} in this order, {seconds} s each"),
        ),
        (Way::All, _) => {
            (format!("klingelt {seconds} s zugleich bei {to}"), format!("rings {to} all at once for {seconds} s"))
        }
        (Way::Rotation, _) => {
            (format!("klingelt reihum bei {to}, je {seconds} s"), format!("rings {to} in turn, {seconds} s each"))
        }
    };
    let then = ring.otherwise.is_some();
    let german = german + if then { "; nimmt niemand ab, geht es weiter" } else { "; nimmt niemand ab, abgewiesen" };
    let english = english + if then { "; led on if nobody answers" } else { "; refused if nobody answers" };
    ("ring", german, english)
}

pub(super) fn transfer(transfer: &Transfer) -> Words {
    let to = &transfer.to;
    ("transfer", format!("angenommen und an {to} weitergegeben"), format!("answered, and handed on to {to}"))
}

pub(super) fn announce(saying: &Saying) -> Words {
    let say = &saying.say;
    let (german, english) = match saying.then {
        Some(_) => ("dann geht es weiter", "then led on"),
        None => ("dann aufgelegt", "then hung up"),
    };
    ("announce", format!("Ansage „{say}“, {german}"), format!("hears “{say}”, {english}"))
}

pub(super) fn queue(queue: &Queue) -> Words {
    let (name, agents) = (&queue.name, queue.agents.len());
    let german = format!("Warteschlange „{name}“ ({agents} Plätze)");
    let english = format!("waits in queue “{name}” ({agents} agents)");
    match &queue.callback {
        None => ("queue", german, english),
        Some(by) => (
            "queue",
            format!("{german}, Taste {} für einen Rückruf durch „{}“", by.key, by.callback.name),
            format!("{english}, key {} for a callback by “{}”", by.key, by.callback.name),
        ),
    }
}

pub(super) fn callback(callback: &Callback) -> Words {
    let (name, tries) = (&callback.name, callback.tries);
    let (minutes, days) = (callback.pause.as_secs() / 60, callback.keep.as_secs() / DAY);
    (
        "callback",
        format!("Rückruf durch „{name}“ vorgemerkt: {tries}-mal, alle {minutes} Minuten, {days} Tage lang"),
        format!("a callback by “{name}” is noted: {tries} times, every {minutes} minutes, for {days} days"),
    )
}

pub(super) fn rescue(rescue: &Rescue) -> Words {
    let trunk = &rescue.trunk;
    ("emergency", format!("Notruf: über {trunk} gewählt"), format!("an emergency: called over {trunk}"))
}

fn named(callees: &[Callee]) -> String {
    callees.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
