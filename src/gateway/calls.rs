//! What becomes of a call at the door for telephones: from its INVITE to its end.

use super::caller::{Brief, Caller, Line};
use super::chance::random;
use super::ledger::Asked;
use super::residing::Whose;
use super::routing::Beginning;
use super::{Gateway, clock};
use crate::call::{Refusal, sdp};
use crate::ivr::{self, Menu};
use crate::room::Command;
use crate::sip;
use crate::words::{CallId, Codec, Family, LegId, TrunkName};
use crate::workers;

/// A call and its leg bear the same number.
pub(super) const fn leg_of(call: CallId) -> LegId {
    LegId(call.0)
}

impl Gateway {
    /// A new call. One line of the log says what becomes of it, and which rule says so.
    pub(super) fn invited(
        &mut self,
        call: CallId,
        facts: &sip::Facts,
        offer: Option<&str>,
    ) -> Result<sip::Reply, Refusal> {
        let routed = self.routing.of(facts, self.config.language);
        let (rule, decided, version) = (routed.rule, routed.decided, routed.under.version);
        let (leg, brief) = (leg_of(call), Brief { facts: facts.clone(), under: routed.under.clone() });
        let asked = Asked { facts: routed.facts, under: routed.under, rule: rule.clone(), decision: routed.told };
        self.ledger.begin(call, asked);
        let answer = match routed.outcome {
            Err(refusal) => Err(refusal),
            Ok(beginning @ (Beginning::Ring(_) | Beginning::Queue(_) | Beginning::Callback(_))) => {
                self.keep_ringing(leg, brief, beginning, offer)
            }
            Ok(beginning) => {
                let whose = Whose::of(&brief.facts, &beginning);
                self.take(leg, brief, beginning, whose, offer).map(sip::Reply::Answer)
            }
        };
        if let Err(refusal) = &answer {
            self.ledger.refused(call, refusal);
        }
        let rule = rule.unwrap_or_else(|| String::from("none"));
        let (called, trunk, caller) = (facts.called_masked(), facts.trunk_named(), &facts.caller);
        match &answer {
            Ok(_) => tracing::info!(%call, ?caller, called, trunk, rule, version, decided, "a call"),
            Err(Refusal::Emergency) => {
                tracing::error!(%call, status = 404, ?caller, called, trunk, rule, why = %Refusal::Emergency, "refused");
            }
            Err(why) => {
                let status = why.on_the_wire().status;
                tracing::info!(%call, status, ?caller, called, trunk, rule, %why, "refused");
            }
        }
        answer
    }

    /// The leg of a new call gets ports, and is made at once if we know what the peer wants.
    pub(super) fn take(
        &mut self,
        leg: LegId,
        brief: Brief,
        beginning: Beginning,
        whose: Whose,
        offer: Option<&str>,
    ) -> Result<String, Refusal> {
        let codecs = self.codecs_of(brief.facts.trunk.as_ref());
        let ports = self.pool.reserve_ports(self.family_for(&brief.facts, offer)?).map_err(|_| Refusal::Full)?;
        let mut ours = sdp::Ours::from(ports.address());
        ours.protection = self.protection_for(&brief.facts, &whose, offer.is_some())?;
        let (mut reads, mut protected) = (false, false);
        let (line, sdp, codec) = match offer {
            Some(offer) => {
                let ports_for_text = self.ports_for_text(offer, ours.audio, &beginning);
                ours.text = ports_for_text.as_ref().map(workers::PortPair::address);
                let (session, sdp) = sdp::answer(offer, ours.clone(), &codecs, 1)?;
                let codec = session.codec;
                (reads, protected) = (session.text.is_some(), session.keying.is_some());
                self.add_phone(leg, ports, session, &whose)?;
                if let Some(ports) = ports_for_text {
                    self.tell_media(workers::Command::GiveText { leg, ports });
                }
                (Line::Open, sdp, Some(codec))
            }
            None => (Line::Offered(ports), sdp::offer(ours.clone(), &codecs, 1), None),
        };
        self.watch.begins(leg, codec);
        let mut caller = Caller::new(ours, line, codecs, brief, beginning, whose);
        (caller.reads, caller.protected) = (reads, protected);
        self.callers.insert(leg, caller);
        Ok(sdp)
    }

    /// The family of addresses for a call's sound: that of the offer. If the offer is to be ours, that by which the call came.
    pub(super) fn family_for(&self, facts: &sip::Facts, offer: Option<&str>) -> Result<Family, Refusal> {
        let family = match offer {
            Some(offer) => sdp::family(offer)?,
            None => Family::of(facts.source.address),
        };
        match offer {
            _ if self.pool.has(family) => Ok(family),
            Some(_) => Err(Refusal::NoCommonAddress),
            None => Ok(family.other()),
        }
    }

    /// The codecs for calls of a trunk, the best first.
    pub(super) fn codecs_of(&self, trunk: Option<&TrunkName>) -> Vec<Codec> {
        let trunk = trunk.and_then(|name| self.config.sip.trunks.named(name));
        match trunk {
            Some(trunk) if !trunk.codecs.is_empty() => trunk.codecs.clone(),
            Some(_) | None => self.config.codecs.clone(),
        }
    }

    /// The call is up: the menu begins.
    pub(super) fn acknowledged(&mut self, leg: LegId, answer: Option<&str>) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        self.ledger.answered(CallId(leg.0));
        if let Some(ports) = caller.take_offered() {
            let ours = caller.ours.clone();
            let session = answer.ok_or(Refusal::BadOffer).and_then(|answer| sdp::accept(answer, ours, &caller.codecs));
            caller.protected = session.as_ref().is_ok_and(|session| session.keying.is_some());
            let whose = caller.whose.clone();
            let added = session.and_then(|session| self.add_phone(leg, ports, session, &whose));
            if let Err(refusal) = added {
                tracing::info!(%leg, why = %refusal, "the answer to our offer cannot be used: hung up");
                self.visitor_sounds_elsewhere(leg, &refusal);
                self.hang_up(leg);
                return;
            }
        }
        self.begin(leg);
    }

    /// What the plan wants of a call that is up.
    pub(super) fn begin(&mut self, leg: LegId) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let now = clock::now();
        let (menu, effects) = match caller.beginning.clone() {
            Beginning::Menu { door, language } => {
                Menu::new(ivr::Config { door, ..self.config.menu.clone() }, language, now)
            }
            Beginning::Announcement { prompt, language, .. } => Menu::announcement(prompt, language, now),
            Beginning::Ring(errand) => return self.seek(leg, errand),
            Beginning::Queue(queue) => return self.waits(leg, &queue),
            Beginning::Callback(callback) => return self.ask_for_callback(leg, &callback),
            Beginning::Transfer(transfer) => return self.transfer(leg, &transfer),
            Beginning::Talk if caller.peer.is_some() => return self.enter_bridge(leg),
            // The other side has hung up meanwhile.
            Beginning::Talk => return self.hang_up(leg),
        };
        caller.menu = Some(menu);
        self.perform_menu(leg, effects);
    }

    pub(super) fn add_phone(
        &self,
        leg: LegId,
        ports: workers::PortPair,
        session: crate::media::Session,
        whose: &Whose,
    ) -> Result<(), Refusal> {
        let networks = self.networks_for(whose, &session)?;
        let chance = random().map_err(|_| Refusal::Full)?;
        self.pool.add_phone(leg, ports, session, networks, chance).map_err(|_| Refusal::Full)
    }

    /// A new offer in a running call, or the wish for one of ours.
    pub(super) fn reoffered(&mut self, leg: LegId, offer: Option<&str>) -> Result<String, Refusal> {
        let text = offer.and_then(|offer| self.place_for_text(leg, offer));
        let caller = self.callers.get_mut(&leg).ok_or(Refusal::BadOffer)?;
        caller.version += 1;
        let Some(offer) = offer else {
            return Ok(sdp::offer(caller.hears_and_reads(), &caller.codecs, caller.version));
        };
        let ours = sdp::Ours { text, ..caller.ours.clone() };
        let (session, sdp) = sdp::answer(offer, ours, &caller.codecs, caller.version)?;
        self.renegotiated(leg, session)?;
        Ok(sdp)
    }

    /// The media of a running call are agreed upon anew.
    pub(super) fn renegotiated(&mut self, leg: LegId, session: crate::media::Session) -> Result<(), Refusal> {
        let whose = self.callers.get(&leg).map_or(&Whose::Anybody, |caller| &caller.whose);
        if let Err(why) = self.networks_for(whose, &session) {
            self.visitor_sounds_elsewhere(leg, &why);
            return Err(why);
        }
        if let Some(caller) = self.callers.get_mut(&leg) {
            (caller.reads, caller.protected) = (session.text.is_some(), session.keying.is_some());
        }
        self.holds(leg, session.direction);
        self.tell_media(workers::Command::Renegotiate { leg, session });
        Ok(())
    }

    /// The answer to an offer of ours in a running call.
    pub(super) fn answered(&mut self, leg: LegId, answer: &str) {
        let Some(caller) = self.callers.get(&leg) else { return };
        let session = sdp::accept(answer, caller.hears_and_reads(), &caller.codecs);
        match session.and_then(|session| self.renegotiated(leg, session)) {
            Ok(()) => {}
            Err(why) => {
                tracing::info!(%leg, %why, "the answer to our offer cannot be used; the call goes on as before")
            }
        }
    }

    pub(super) fn ended(&mut self, leg: LegId) {
        self.ledger.ended(CallId(leg.0));
        if self.gives_up(leg) {
            return;
        }
        let Some(caller) = self.callers.remove(&leg) else { return };
        self.lets_go(leg, caller.peer);
        self.leaves_queues(leg);
        self.forget_elsewhere(leg);
        self.leaves_tries(leg, caller.callee);
        self.watch.ends(leg);
        self.tell_media(workers::Command::Remove { leg });
        if let Some(room) = caller.room {
            self.tell_room(&room, Command::Leave { leg });
        }
        tracing::info!(%leg, "the call is over");
    }

    pub(super) fn hang_up(&self, leg: LegId) {
        let door = self.door.clone();
        tokio::spawn(async move { door.hang_up(CallId(leg.0)).await });
    }
}
