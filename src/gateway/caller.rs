//! What the gateway keeps of one call.

use super::residing::Whose;
use super::routing::Beginning;
use super::running;
use crate::call::sdp::Ours;
use crate::dialplan::Callee;
use crate::ivr::Menu;
use crate::sip;
use crate::words::{Codec, LegId, Personal, PhoneNumber, RoomId};
use crate::workers::PortPair;

/// By what a call is decided, as long as it lasts.
#[derive(Clone)]
pub(super) struct Brief {
    pub(super) facts: sip::Facts,
    /// The plan that it began with.
    pub(super) under: running::Shared,
}

pub(super) struct Caller {
    /// Where we receive what they say and type, and with which keys; the place for text stays once it was negotiated.
    pub(super) ours: Ours,
    line: Line,
    /// Their sound is protected now.
    pub(super) protected: bool,
    /// They read text now.
    pub(super) reads: bool,
    /// The codecs of its trunk, the best first.
    pub(super) codecs: Vec<Codec>,
    /// Counts our descriptions of this call (RFC 3264 section 8).
    pub(super) version: u64,
    /// None of somebody whom we called.
    pub(super) brief: Option<Brief>,
    /// Whom we called; none of somebody who called.
    pub(super) callee: Option<Callee>,
    /// With whom it is spoken.
    pub(super) whose: Whose,
    /// What the dialplan wants of the call.
    pub(super) beginning: Beginning,
    /// Once the call is up, until it has said its last.
    pub(super) menu: Option<Menu>,
    /// Once the menu has led somewhere.
    pub(super) room: Option<RoomId>,
    /// With whom they are connected.
    pub(super) peer: Option<LegId>,
}

/// The state of a caller's leg.
pub(super) enum Line {
    /// The offer was ours; the leg waits for the answer.
    Offered(PortPair),
    /// The leg is with the media thread.
    Open,
}

impl Caller {
    /// Somebody who called.
    pub(super) fn new(
        ours: Ours,
        line: Line,
        codecs: Vec<Codec>,
        brief: Brief,
        beginning: Beginning,
        whose: Whose,
    ) -> Self {
        let brief = Some(brief);
        Self {
            ours,
            line,
            protected: false,
            reads: false,
            codecs,
            version: 1,
            brief,
            callee: None,
            whose,
            beginning,
            menu: None,
            room: None,
            peer: None,
        }
    }

    /// Somebody whom we called, and who has answered.
    pub(super) fn called(ours: Ours, codecs: Vec<Codec>, callee: Callee, whose: Whose) -> Self {
        let (line, callee, beginning) = (Line::Open, Some(callee), Beginning::Talk);
        Self {
            ours,
            line,
            protected: false,
            reads: false,
            codecs,
            version: 1,
            brief: None,
            callee,
            whose,
            beginning,
            menu: None,
            room: None,
            peer: None,
        }
    }

    /// The caller's number, if it is shown.
    pub(super) fn number(&self) -> Option<&Personal<PhoneNumber>> {
        self.brief.as_ref()?.facts.caller.as_ref()
    }

    /// What we offer anew: text if they type, and no less protection than there is.
    pub(super) fn hears_and_reads(&self) -> Ours {
        let Ours { audio, text, protection } = self.ours.clone();
        let protection = if self.protected { protection.needed() } else { protection };
        Ours { audio, text: text.filter(|_| self.reads), protection }
    }

    /// Whom a member's own system brings.
    pub(super) fn visitor(&self) -> Option<&sip::Visitor> {
        self.brief.as_ref()?.facts.visitor.as_deref()
    }

    /// Whether the media thread has the leg.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.line, Line::Open)
    }

    /// The ports of a leg that waits for its answer.
    pub(super) fn take_offered(&mut self) -> Option<PortPair> {
        match std::mem::replace(&mut self.line, Line::Open) {
            Line::Offered(ports) => Some(ports),
            Line::Open => None,
        }
    }
}
