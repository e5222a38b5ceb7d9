//! What was said between us and a peer, message by message: a ladder. In: messages as they were on the wire. Out: what each was, and
//! when. No header of a person is read: only the first line's method or status, `CSeq`, and `Call-ID`, which stays in the door.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rung {
    /// Milliseconds since the call began.
    pub at_ms: u64,
    /// Who we talked to.
    pub side: Side,
    /// We sent it.
    pub sent: bool,
    /// A method, or a status: `INVITE`, `200`.
    pub what: String,
    /// The method that it belongs to (`CSeq`).
    pub method: String,
}

/// Who we talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// Whoever called us.
    Caller,
    /// Whoever we called for them.
    Called,
}

/// The messages of a call, the first ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ladder {
    /// In their order.
    pub rungs: Vec<Rung>,
    /// So many more there were.
    pub more: u32,
}

/// Messages that are kept of a call with one peer: a call in order has eight.
const MOST: usize = 64;

/// What a message is, as far as a ladder shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading<'a> {
    /// Its method, or its status.
    pub what: &'a str,
    /// The method of its `CSeq`.
    pub method: &'a str,
    /// Its `Call-ID`: to find the call by, and to be kept nowhere.
    pub call_id: &'a str,
}

impl<'a> Heading<'a> {
    /// Reads a message whose headers have their long names and stand on one line each; `None` if it is none.
    pub fn read(message: &'a [u8]) -> Option<Self> {
        let end = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(message.len());
        let mut lines = message.get(..end)?.split(|byte| *byte == b'\n');
        let mut words = text(lines.next()?)?.split(' ');
        let first = words.next()?;
        let what = if first.starts_with("SIP/") { words.next()? } else { first };
        let (mut method, mut call_id) = (None, None);
        for line in lines {
            let Some((name, value)) = text(line).and_then(|line| line.split_once(':')) else { continue };
            if name.trim().eq_ignore_ascii_case("CSeq") {
                method = value.split_whitespace().nth(1);
            } else if name.trim().eq_ignore_ascii_case("Call-ID") {
                call_id = Some(value.trim());
            }
        }
        let is_word =
            |word: &str| word.len() <= 16 && !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
        let method = method.filter(|method| is_word(method))?;
        is_word(what).then_some(())?;
        Some(Self { what, method, call_id: call_id? })
    }
}

fn text(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok().map(str::trim_end)
}

impl Ladder {
    /// One message more.
    pub fn add(&mut self, side: Side, sent: bool, heading: &Heading<'_>, since: Duration) {
        if self.rungs.len() >= MOST {
            self.more = self.more.saturating_add(1);
            return;
        }
        let at_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let (what, method) = (heading.what.to_owned(), heading.method.to_owned());
        self.rungs.push(Rung { at_ms, side, sent, what, method });
    }

    /// Takes in what was said in a call that began so much later.
    pub fn join(&mut self, other: Self, later: Duration) {
        let later = u64::try_from(later.as_millis()).unwrap_or(u64::MAX);
        self.more = self.more.saturating_add(other.more);
        self.rungs.extend(other.rungs.into_iter().map(|rung| Rung { at_ms: rung.at_ms.saturating_add(later), ..rung }));
        self.rungs.sort_by_key(|rung| rung.at_ms);
    }

    /// Whether it was the caller who ended the call; `None` if nobody has.
    pub fn caller_ended(&self) -> Option<bool> {
        let is_end = |rung: &&Rung| rung.side == Side::Caller && matches!(rung.what.as_str(), "BYE" | "CANCEL");
        self.rungs.iter().find(is_end).map(|rung| !rung.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYE: &[u8] = b"BYE sip:a@192.0.2.1 SIP/2.0\r\nCall-ID: x@y\r\nCSeq: 2 BYE\r\n\r\nCall-ID: no\r\n";

    #[test]
    fn a_request_and_an_answer_are_told_by_their_first_line_and_their_cseq() {
        assert_eq!(Heading::read(BYE), Some(Heading { what: "BYE", method: "BYE", call_id: "x@y" }));
        let ok = b"SIP/2.0 200 OK\r\ncall-id:x@y\r\nCSeq:1  INVITE\r\n\r\n";
        assert_eq!(Heading::read(ok), Some(Heading { what: "200", method: "INVITE", call_id: "x@y" }));
        for bad in [&b""[..], b"\r\n\r\n", b"BYE x\r\nCSeq: 1\r\n\r\n", b"BYE x\r\nCSeq: 1 B<E\r\nCall-ID: x\r\n\r\n"] {
            assert_eq!(Heading::read(bad), None);
        }
    }

    #[test]
    fn a_ladder_keeps_the_first_messages_and_knows_who_ended_the_call() {
        let mut ladder = Ladder::default();
        assert_eq!(ladder.caller_ended(), None);
        let heading = Heading::read(BYE).expect("a message");
        for _ in 0..70 {
            ladder.add(Side::Caller, false, &heading, Duration::from_millis(7));
        }
        assert_eq!((ladder.rungs.len(), ladder.more, ladder.caller_ended()), (64, 6, Some(true)));
    }
}
