//! The ladder: every message of a probe, in order, as proof. In: messages as they go and come. Out: what may be shown of them:
//! all but what would help somebody to find the password.

use std::time::Instant;

use super::clock;
use crate::trunk::report::Rung;

/// Messages, in order.
#[derive(Clone, Debug)]
pub struct Ladder {
    began: Instant,
    rungs: Vec<Rung>,
}

/// So many are kept: a peer that never stops talking fills no memory.
const MOST: usize = 200;

impl Ladder {
    pub(super) fn new() -> Self {
        Self { began: clock::now(), rungs: Vec::new() }
    }

    /// A message that was sent or came.
    pub(super) fn message(&mut self, ours: bool, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let shown: String = text.split_inclusive('\n').map(without_proof).collect();
        let line = shown.lines().next().unwrap_or_default().to_owned();
        self.push(ours, line, shown);
    }

    /// What happened in place of a message.
    pub(super) fn note(&mut self, ours: bool, line: impl Into<String>) {
        self.push(ours, line.into(), String::new());
    }

    fn push(&mut self, ours: bool, line: String, message: String) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.rungs.len() < MOST {
            self.rungs.push(Rung { ms, ours, line, message });
        }
    }

    /// All of them, and how long the probe took, in milliseconds.
    pub(super) fn into_rungs(self) -> (Vec<Rung>, u64) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        (self.rungs, ms)
    }
}

/// A hash of a password lets somebody try passwords at home.
fn without_proof(line: &str) -> String {
    let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(name.as_str(), "authorization" | "proxy-authorization") {
        let field = line.split(':').next().unwrap_or_default();
        return format!("{field}: Digest …\r\n");
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proof_of_the_password_stands_in_the_ladder_and_it_has_an_end() {
        let mut ladder = Ladder::new();
        ladder.message(
            true,
            b"REGISTER sip:a SIP/2.0\r\nauthorization: Digest response=\"abc\"\r\nFrom: <sip:a>\r\n\r\n",
        );
        for _ in 0..MOST {
            ladder.note(false, "silence");
        }
        let (rungs, _) = ladder.into_rungs();
        assert_eq!((rungs.len(), rungs[0].line.as_str()), (MOST, "REGISTER sip:a SIP/2.0"));
        assert!(!rungs[0].message.contains("abc") && rungs[0].message.contains("From: <sip:a>"), "{rungs:?}");
    }
}
