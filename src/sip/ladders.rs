//! The ladders of the calls that are up. In: every message that passes, in and out. Out: to the gateway, when a call is over, what was
//! said in it.

use std::time::{Duration, Instant};

use dashmap::DashMap;

use super::clock;
use crate::call::ladder::{Heading, Ladder, Side};
use crate::words::CallId;

/// All of them, by `Call-ID`.
#[derive(Default)]
pub(super) struct Ladders {
    by_id: DashMap<String, Open>,
    ids: DashMap<CallId, String>,
}

struct Open {
    call: CallId,
    side: Side,
    began: Instant,
    ladder: Ladder,
}

/// More are not kept. Those that the gateway never asked for go first.
const MOST: usize = 20_000;

/// The gateway asks sooner, unless it never heard of the call.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3_600);

impl Ladders {
    /// A call has begun with this message.
    pub(super) fn begin(&self, call: CallId, side: Side, message: &[u8]) {
        if let Some(heading) = Heading::read(message) {
            self.expect(call, side, heading.call_id);
            self.pass(false, message);
        }
    }

    /// A call begins whose messages bear this `Call-ID`.
    pub(super) fn expect(&self, call: CallId, side: Side, call_id: &str) {
        if self.by_id.len() >= MOST {
            let now = clock::now();
            self.by_id.retain(|_, open| now.duration_since(open.began) < FORGOTTEN);
            self.ids.retain(|_, id| self.by_id.contains_key(id));
        }
        if self.by_id.len() < MOST {
            let open = Open { call, side, began: clock::now(), ladder: Ladder::default() };
            self.ids.insert(call, call_id.to_owned());
            self.by_id.insert(call_id.to_owned(), open);
        }
    }

    /// A message passes.
    pub(super) fn pass(&self, sent: bool, message: &[u8]) {
        if self.by_id.is_empty() {
            return;
        }
        if let Some(heading) = Heading::read(message)
            && let Some(mut open) = self.by_id.get_mut(heading.call_id)
        {
            let (side, since) = (open.side, clock::now().duration_since(open.began));
            open.ladder.add(side, sent, &heading, since);
        }
    }

    /// What was said in a call, and in those that we placed for it: nothing more is noted of them.
    pub(super) fn take(&self, call: CallId, placed: &[CallId]) -> Ladder {
        let own = self.remove(call);
        let began = own.as_ref().map(|open| open.began);
        let mut ladder = own.map(|open| open.ladder).unwrap_or_default();
        for open in placed.iter().filter_map(|placed| self.remove(*placed)) {
            let later = began.map(|began| open.began.duration_since(began)).unwrap_or_default();
            ladder.join(open.ladder, later);
        }
        ladder
    }

    fn remove(&self, call: CallId) -> Option<Open> {
        let (_, id) = self.ids.remove(&call)?;
        // Somebody may have begun another call under the same name.
        self.by_id.remove_if(&id, |_, open| open.call == call).map(|(_, open)| open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(method: &str) -> Vec<u8> {
        format!("{method} sip:a@b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 {method}\r\n\r\n").into_bytes()
    }

    #[test]
    fn a_call_that_was_placed_for_another_stands_in_its_ladder() {
        let ladders = Ladders::default();
        ladders.begin(CallId(7), Side::Caller, &message("INVITE"));
        ladders.expect(CallId(8), Side::Called, "y");
        ladders.pass(true, b"INVITE sip:c@d SIP/2.0\r\nCall-ID: y\r\nCSeq: 1 INVITE\r\n\r\n");
        let told: Vec<_> =
            ladders.take(CallId(7), &[CallId(8)]).rungs.iter().map(|rung| (rung.side, rung.sent)).collect();
        assert_eq!(told, [(Side::Caller, false), (Side::Called, true)]);
        assert!(ladders.by_id.is_empty() && ladders.ids.is_empty());
    }

    #[test]
    fn what_passes_is_noted_from_the_invite_until_the_gateway_asks() {
        let ladders = Ladders::default();
        ladders.pass(false, &message("OPTIONS"));
        ladders.begin(CallId(7), Side::Caller, &message("INVITE"));
        ladders.pass(true, b"SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n");
        ladders.pass(false, &message("BYE"));
        let told: Vec<_> = ladders.take(CallId(7), &[]).rungs.into_iter().map(|rung| (rung.sent, rung.what)).collect();
        let expected = [(false, "INVITE"), (true, "200"), (false, "BYE")];
        assert_eq!(told, expected.map(|(sent, what)| (sent, what.to_owned())));
        ladders.pass(false, &message("BYE"));
        assert_eq!(ladders.take(CallId(7), &[]), Ladder::default());
        assert!(ladders.by_id.is_empty() && ladders.ids.is_empty());
    }
}
