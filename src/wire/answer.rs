//! Answers that need no stack and keep no state (RFC 3261 section 8.2.7), and what an answer on its way out says of its asker.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::split::{Name, Split};
use super::via::Via;
use super::{Fault, Origin};

/// A request that is answered without the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub fault: Fault,
    /// What of it goes back, in order: how it came, who it is from, and so on.
    fields: Vec<(&'static str, String)>,
}

/// What goes back to the sender of a request (section 8.2.6.2).
const ECHOED: [Name; 5] = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];

impl Refused {
    pub(super) fn new(fault: Fault, request: &Split<'_>, origin: &Origin) -> Self {
        let mut fields = Vec::new();
        for name in ECHOED {
            fields.extend(request.all(name).map(|value| (name.long().unwrap_or_default(), value.to_owned())));
        }
        if let Some((_, value)) = fields.iter_mut().find(|(name, _)| *name == "Via")
            && let Some(mut hops) = Via::read_list(value)
        {
            if let Some(first) = hops.first_mut() {
                first.stamp(origin);
            }
            *value = hops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        }
        let mut refused = Self { fault, fields };
        refused.tag_to();
        refused
    }

    /// The answer to a whole request that the stack took for none.
    pub fn to(request: &[u8], fault: Fault, origin: &Origin) -> Option<Self> {
        let split = Split::of(request).ok()?;
        let answered = !split.start.starts_with("SIP/") && !split.start.starts_with("ACK ");
        answered.then(|| Self::new(fault, &split, origin))
    }

    /// On the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (status, phrase) = self.fault.status();
        let mut text = format!("SIP/2.0 {status} {phrase}\r\n");
        let extra = self.fault.fields();
        let fields = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in fields.chain(extra.iter().map(|(name, value)| (*name, value.as_str()))) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("Server: Einwahl\r\nContent-Length: 0\r\n\r\n");
        text.into_bytes()
    }

    /// A tag for To: the same for the same request, since nothing of it is remembered.
    fn tag_to(&mut self) {
        let mut hash = DefaultHasher::new();
        self.fields.hash(&mut hash);
        let tag = hash.finish();
        if let Some((_, to)) = self.fields.iter_mut().find(|(name, _)| *name == "To")
            && !to.to_ascii_lowercase().contains(";tag=")
        {
            to.push_str(&format!(";tag={tag:016x}"));
        }
    }
}

/// What an answer on its way out says of who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A call was taken.
    Taken,
    /// What a scanner gets: refused for what was asked, not for how busy we are.
    Probed,
    /// Neither.
    Neutral,
}

impl Outcome {
    /// Reads the first line, and the CSeq if that matters.
    pub fn of(sent: &[u8]) -> Self {
        let status = sent
            .strip_prefix(b"SIP/2.0 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
        match status {
            Some(200..=299) if answers(sent, "INVITE") => Self::Taken,
            Some(200) if answers(sent, "OPTIONS") => Self::Probed,
            Some(400 | 401 | 403..=405 | 407 | 413..=416 | 420 | 481 | 484 | 485 | 501 | 505 | 604) => Self::Probed,
            Some(_) | None => Self::Neutral,
        }
    }
}

fn answers(sent: &[u8], method: &str) -> bool {
    Split::of(sent).is_ok_and(|split| split.all(Name::CSeq).any(|cseq| cseq.ends_with(method)))
}
