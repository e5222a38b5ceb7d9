//! A call that we answered is handed on: by the trunk that it came from, if that leads there and can do it (REFER, RFC 5589 section
//! 6); else we connect the two ourselves. The plan says so, or an operator.

use super::access::Bearer;
use super::caller::Brief;
use super::routing::{Beginning, Errand, Routed};
use super::{Gateway, leg_of};
use crate::call::hunt::Way;
use crate::dialplan::{Ring, Transfer};
use crate::room::Command;
use crate::sip;
use crate::web::Refusal;
use crate::web::live::Done;
use crate::words::{CallId, LegId, TrunkName, both};
use crate::workers;

impl Gateway {
    /// Asks the caller's trunk to call somebody else in our place.
    pub(super) fn transfer(&mut self, leg: LegId, transfer: &Transfer) {
        let caller = self.callers.get(&leg).and_then(|caller| caller.brief.as_ref());
        let is_its_own = caller.is_some_and(|brief| brief.facts.trunk.as_ref() == Some(&transfer.to.trunk));
        if is_its_own && self.door.refer(CallId(leg.0), &transfer.to.trunk, &transfer.to.user) {
            tracing::info!(%leg, trunk = %transfer.to.trunk, "handed on");
        } else {
            self.referred(leg, false);
        }
    }

    /// The trunk has done it, or will not.
    pub(super) fn referred(&mut self, leg: LegId, taken: bool) {
        if taken {
            tracing::info!(%leg, "the trunk has taken the call over: hung up here");
            return self.hang_up(leg);
        }
        let Some(caller) = self.callers.get(&leg) else { return };
        let Beginning::Transfer(Transfer { to, otherwise }) = caller.beginning.clone() else { return };
        tracing::info!(%leg, "the trunk does not hand the call on: both are connected here");
        let ring = Ring { to: vec![to], way: Way::InOrder, patience: Ring::PATIENCE, otherwise };
        self.seek(leg, Errand::plain(ring, String::new()));
    }

    /// An operator has a call go on as if its caller had called this number, by the plan that runs: nobody gets where they might
    /// not call themselves.
    pub(super) fn transfer_for(&mut self, call: CallId, to: &str, by: &Bearer) -> Result<Done, Refusal> {
        let leg = leg_of(call);
        let caller = self.callers.get(&leg).ok_or(Refusal::NotFound)?;
        // Whom a member's system brings, nobody takes elsewhere: the institution would have sent them to the dialplan.
        let may = caller.is_open() && caller.visitor().is_none();
        let brief = caller.brief.as_ref().filter(|_| may).ok_or(Refusal::NotHandedOn)?;
        let facts = sip::Facts { called: to.to_owned(), ..brief.facts.clone() };
        let Routed { under, rule, decided, told, outcome, .. } = self.routing.of(&facts, self.config.language);
        let beginning = match outcome {
            Err(why) => return Err(Refusal::NotThere(why.told())),
            Ok(Beginning::Ring(errand)) if errand.emergency => {
                return Err(Refusal::NotThere(both!(
                    "Einen Notruf wählt, wer Hilfe braucht",
                    "an emergency number is called by who needs help"
                )));
            }
            Ok(beginning) => by_refer(beginning, facts.trunk.as_ref()),
        };
        self.note_operated("transfer", Some(call), None, None, by);
        tracing::info!(%leg, to = facts.called_masked(), rule, decided, "transferred");
        self.ledger.led_on(call, &both!("verbunden durch {}", "transferred by {}", by.name).then(": ", &told));
        self.take_out(leg);
        if let Some(caller) = self.callers.get_mut(&leg) {
            caller.brief = Some(Brief { facts, under });
        }
        self.go_on_with(leg, beginning);
        Ok(Done::Done)
    }

    /// A caller is no longer where they are: in a menu, a meeting or a queue, or with somebody else.
    fn take_out(&mut self, leg: LegId) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let (room, peer) = (caller.room.take(), caller.peer.take());
        caller.menu = None;
        caller.beginning = Beginning::Talk;
        self.lets_go(leg, peer);
        self.leaves_queues(leg);
        if let Some(room) = room {
            self.tell_room(&room, Command::Leave { leg });
            // Where they go nobody has muted them.
            self.tell_media(workers::Command::Mute { leg, on: false });
        }
        self.tell_media(workers::Command::Exit { leg });
        self.tell_media(workers::Command::StopPlaying { leg });
    }
}

/// One telephone of the caller's own trunk is best called by that itself.
fn by_refer(beginning: Beginning, trunk: Option<&TrunkName>) -> Beginning {
    match beginning {
        Beginning::Ring(errand) => match errand.ring.to.as_slice() {
            [to] if errand.shown.is_none() && Some(&to.trunk) == trunk => {
                Beginning::Transfer(Transfer { to: to.clone(), otherwise: errand.ring.otherwise })
            }
            _ => Beginning::Ring(errand),
        },
        other @ (Beginning::Menu { .. }
        | Beginning::Announcement { .. }
        | Beginning::Queue(_)
        | Beginning::Callback(_)
        | Beginning::Transfer(_)
        | Beginning::Talk) => other,
    }
}
