//! What people in a room do: their own microphone and hand, and what moderators do for everybody.

use super::command::{Action, Kind};
use super::effect::{Effect, Why};
use super::event::Event;
use super::member::{Member, Mic, Place};
use super::{Key, Lead, Notice, Room, tell};
use crate::words::{LegId, ParticipantId, Role};

impl Room {
    /// A key of the telephone: the room knows what it toggles.
    pub(super) fn key(&mut self, leg: LegId, key: Key, out: &mut Vec<Effect>) {
        let Some(member) = self.members.values().find(|m| m.leg() == Some(leg) && m.is_inside()) else { return };
        let (id, on) = (member.id, !member.is_muted());
        match key {
            Key::Mute => self.mute_self(id, on, out),
            Key::Hand => {
                let on = member.hand.is_none();
                self.set_hand(id, on, out);
            }
            Key::Count => tell(member, Notice::Count { count: self.count() }, out),
            Key::Lead(_) if !member.is_moderator() => tell(member, Notice::OnlyModerators, out),
            Key::Lead(lead) => self.lead(id, lead, out),
        }
    }

    /// What a moderator does by telephone, who sees no buttons: each key toggles, and is answered.
    fn lead(&mut self, id: ParticipantId, lead: Lead, out: &mut Vec<Effect>) {
        let answer = match lead {
            Lead::AdmitAll if self.waiting() == 0 => Notice::NobodyWaits,
            Lead::AdmitAll => {
                self.act(id, Action::AdmitAll, out);
                Notice::AllAdmitted
            }
            Lead::MuteAll => {
                let ours = self.members.values().any(|m| m.is_inside() && m.role == Role::Participant && m.mic.may);
                let on = ours || self.elsewhere.can_be_muted();
                self.act(id, Action::MuteAll { on }, out);
                if on { Notice::AllMuted } else { Notice::AllUnmuted }
            }
            Lead::Lock => {
                self.act(id, Action::Lock { on: !self.locked }, out);
                // What the home institution decides is said when it has.
                match (self.config.at_home, self.locked) {
                    (false, _) => return,
                    (true, true) => Notice::LockedNow,
                    (true, false) => Notice::UnlockedNow,
                }
            }
            Lead::End { sure: false } => Notice::ConfirmEnd,
            Lead::End { sure: true } => return self.act(id, Action::End, out),
        };
        self.tell_one(id, answer, out);
    }

    /// How many wait to be admitted, here and on other gateways.
    fn waiting(&self) -> usize {
        self.members.values().filter(|member| member.place == Place::Lobby).count() + self.elsewhere.waiting()
    }

    /// Whether others have to be asked for it.
    fn concerns_others(&self, action: Action) -> bool {
        let is_elsewhere = action.whom().is_some_and(|whom| self.elsewhere.has(whom));
        let to_all = action.is_for_all() && (!self.config.at_home || !self.elsewhere.is_empty());
        is_elsewhere || to_all || (action.is_for_home() && !self.config.at_home)
    }

    /// Moderators on telephones hear that somebody waits, if nobody did before; those at a page see it.
    pub(super) fn tell_leading_phones(&self, out: &mut Vec<Effect>) {
        if self.waiting() == 1 {
            self.tell_leaders(Notice::SomebodyWaits, out);
        }
    }

    /// Moderators on telephones, who see no page.
    pub(super) fn tell_leaders(&self, notice: Notice, out: &mut Vec<Effect>) {
        let leads = |member: &&Member| member.is_moderator() && member.is_inside() && member.kind == Kind::Phone;
        self.members.values().filter(leads).for_each(|member| tell(member, notice, out));
    }

    pub(super) fn act(&mut self, by: ParticipantId, action: Action, out: &mut Vec<Effect>) {
        let Some(actor) = self.members.get(&by) else { return };
        let from_outside = actor.is_moderator() && matches!(action, Action::Open | Action::End);
        if !actor.is_inside() && !from_outside {
            return;
        }
        if !action.is_for_everybody() && !actor.is_moderator() {
            return tell(actor, Notice::OnlyModerators, out);
        }
        match action {
            Action::MuteSelf { on } => self.mute_self(by, on, out),
            Action::Hand { on } => self.set_hand(by, on, out),
            Action::Admit { .. }
            | Action::AdmitAll
            | Action::Mute { .. }
            | Action::MuteAll { .. }
            | Action::GiveFloor { .. }
            | Action::LowerHand { .. }
            | Action::Remove { .. }
            | Action::Lock { .. }
            | Action::Open
            | Action::End => {
                if self.concerns_others(action) {
                    out.push(Effect::Ask { by: Some(by), action });
                }
                if self.config.at_home || !action.is_for_home() {
                    self.carry_out(action, out);
                }
            }
        }
    }

    /// What a moderator wants is done, wherever that moderator is.
    pub(super) fn carry_out(&mut self, action: Action, out: &mut Vec<Effect>) {
        match action {
            Action::MuteSelf { .. } | Action::Hand { .. } => {}
            Action::Admit { participant } => self.admit(|member| member.id == participant, out),
            Action::AdmitAll => self.admit(|_| true, out),
            Action::Mute { participant, on: true } => self.silence(participant, out),
            Action::Mute { participant, on: false } => self.let_speak(participant, out),
            Action::MuteAll { on } => self.mute_all(on, out),
            Action::GiveFloor { participant } => self.give_floor(participant, out),
            Action::LowerHand { participant } => self.lower_hand(participant, out),
            Action::Remove { participant } => self.remove(participant, out),
            Action::Lock { on } => self.lock(on, out),
            Action::Open => self.open(out),
            Action::End => self.end(out),
        }
    }

    pub(super) fn mute_from_outside(&mut self, id: ParticipantId, on: bool, out: &mut Vec<Effect>) {
        match on {
            _ if self.elsewhere.has(id) => {
                out.push(Effect::Ask { by: None, action: Action::Mute { participant: id, on } });
            }
            true if self.inside(id).is_some() => self.mute_self(id, true, out),
            true => {}
            false => self.let_speak(id, out),
        }
    }

    fn mute_self(&mut self, id: ParticipantId, on: bool, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(&id) else { return };
        let Mic { may, .. } = member.mic;
        if on {
            tell(member, Notice::Muted, out);
            self.set_mic(id, Mic { wants: false, may }, out);
        } else if may || member.is_moderator() {
            self.set_mic(id, Mic { wants: true, may: true }, out);
            self.tell_one(id, Notice::Unmuted, out);
        } else {
            tell(member, Notice::MayNotSpeak, out);
        }
    }

    fn silence(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.inside(id).filter(|member| member.mic.may) else { return };
        let mic = Mic { may: false, ..member.mic };
        self.set_mic(id, mic, out);
        self.tell_one(id, Notice::MutedByModerator, out);
    }

    /// A raised hand says that its owner wants to be heard. Nobody else's microphone is switched on from afar.
    fn let_speak(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.inside(id).filter(|member| member.is_muted()) else { return };
        let mic = Mic { may: true, wants: member.mic.wants || member.hand.is_some() };
        self.set_mic(id, mic, out);
        self.tell_one(id, if mic.wants { Notice::YouMaySpeak } else { Notice::PleaseUnmute }, out);
    }

    fn give_floor(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.inside(id) else { return };
        let (had_hand, was_muted) = (member.hand.is_some(), member.is_muted());
        self.let_speak(id, out);
        if had_hand {
            if !was_muted {
                self.tell_one(id, Notice::YouMaySpeak, out);
            }
            self.put_hand(id, None, out);
        }
    }

    /// Moderators keep their voice: they are the ones who lead.
    fn mute_all(&mut self, on: bool, out: &mut Vec<Effect>) {
        let concerned = |member: &&Member| match member.role {
            Role::Moderator => false,
            Role::Participant => true,
            Role::Listener => on,
        };
        let ids: Vec<_> = self.members.values().filter(concerned).map(|member| member.id).collect();
        for id in ids {
            if on {
                self.silence(id, out);
            } else if self.inside(id).is_some_and(|member| !member.mic.may) {
                self.let_speak(id, out);
            }
        }
    }

    /// Nobody is left who could unmute those whom a moderator muted: they may do so themselves, and stay muted until then.
    pub(super) fn free_the_muted(&mut self, out: &mut Vec<Effect>) {
        let is_stuck = |member: &&Member| member.role == Role::Participant && !member.mic.may;
        let stuck: Vec<_> = self.members.values().filter(is_stuck).map(|member| member.id).collect();
        for id in stuck {
            self.set_mic(id, Mic { wants: false, may: true }, out);
            self.tell_one(id, Notice::PleaseUnmute, out);
        }
    }

    fn set_hand(&mut self, id: ParticipantId, on: bool, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(&id) else { return };
        tell(member, if on { Notice::HandRaised } else { Notice::HandLowered }, out);
        if on != member.hand.is_some() {
            self.put_hand(id, on.then_some(self.revision() + 1), out);
        }
    }

    fn lower_hand(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        if self.inside(id).is_some_and(|member| member.hand.is_some()) {
            self.set_hand(id, false, out);
        }
    }

    fn put_hand(&mut self, id: ParticipantId, hand: Option<u64>, out: &mut Vec<Effect>) {
        if let Some(member) = self.members.get_mut(&id) {
            member.hand = hand;
            self.publish_change(id, out);
        }
    }

    fn admit(&mut self, is_meant: impl Fn(&Member) -> bool, out: &mut Vec<Effect>) {
        let ids: Vec<_> = self
            .members
            .values()
            .filter(|member| member.place == Place::Lobby && is_meant(member))
            .map(|member| member.id)
            .collect();
        self.let_in(&ids, out);
    }

    fn remove(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(&id) else { return };
        let why = if member.is_inside() { Why::Removed } else { Why::NotAdmitted };
        if let Some(leg) = self.take_out(id, out) {
            out.push(Effect::Disconnect { leg, why });
        }
    }

    pub(super) fn lock(&mut self, on: bool, out: &mut Vec<Effect>) {
        if self.locked != on {
            self.locked = on;
            self.publish(Event::Locked { on }, out);
        }
    }

    fn set_mic(&mut self, id: ParticipantId, mic: Mic, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&id).filter(|member| member.mic != mic) else { return };
        let was_muted = member.is_muted();
        member.mic = mic;
        let (is_muted, leg) = (member.is_muted(), member.leg());
        if let Some(leg) = leg.filter(|_| was_muted != is_muted) {
            out.push(Effect::SetMuted { leg, on: is_muted });
        }
        if is_muted {
            self.fall_silent(id, out);
        }
        self.publish_change(id, out);
    }

    fn inside(&self, id: ParticipantId) -> Option<&Member> {
        self.members.get(&id).filter(|member| member.is_inside())
    }

    fn tell_one(&self, id: ParticipantId, notice: Notice, out: &mut Vec<Effect>) {
        if let Some(member) = self.members.get(&id) {
            tell(member, notice, out);
        }
    }
}
