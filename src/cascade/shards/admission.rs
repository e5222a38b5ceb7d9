//! Who of one institution may come into a room of another: the home institution is asked, and gives a grant to be shown with whom it
//! admitted. A grant is a message authentication code (RFC 2104): the home institution remembers none.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::civil::Time;
use ring::hmac;

use super::super::message::{Message, Secretive, Verdict, Why};
use super::{Cascade, Effect};
use crate::ivr::{Admission, Obstacle};
use crate::meeting::{Book, Share};
use crate::words::{Domain, LegId, Pin, Role, RoomId};

/// An answer is waited for so long.
const PATIENCE: Duration = Duration::from_secs(8);

/// The word of the audit for who is not to know of a meeting.
const NOT_SHARED: &str = "refusedNotShared";

/// Questions that wait at once.
const MOST_ASKED: usize = 1_024;

/// A question of ours.
#[derive(Debug)]
pub(super) struct Asked {
    leg: LegId,
    room: RoomId,
    pub(super) until: Instant,
}

impl Cascade {
    /// Somebody of ours wants into a room of another institution; the answer comes as [`Effect::Answered`].
    pub fn ask(&mut self, leg: LegId, room: &RoomId, pin: Option<&Pin>, now: Instant) {
        let home = room.home().filter(|home| self.is_up(home)).filter(|_| self.asked.len() < MOST_ASKED);
        let Some(home) = home else {
            let admission = self.unreachable(room);
            return self.out.push_back(Effect::Answered { leg, admission, hold: Duration::ZERO });
        };
        self.counter += 1;
        let ticket = self.counter;
        self.asked.insert(ticket, Asked { leg, room: room.clone(), until: now + PATIENCE });
        self.say(&home, Message::Ask { ticket, room: room.clone(), pin: pin.cloned().map(Secretive) });
    }

    /// A question of a peer ([`Effect::Asked`]) is answered, at this time by the institution's clock.
    pub fn answer(
        &mut self,
        peer: &Domain,
        ticket: u64,
        room: &RoomId,
        admission: &Admission,
        hold: Duration,
        (book, time): (&Book, Time),
    ) {
        let address = self.address(room);
        let share = self.share(peer, room, book).filter(|share| self.is_open(peer, share, time));
        let verdict = match (admission, share) {
            (Admission::Admitted { role, .. }, Some(share)) => {
                let role = share.role(*role);
                Verdict::Admitted { role, grant: self.grant(peer, &address, role) }
            }
            (Admission::Admitted { .. }, None) | (Admission::Refused, _) => Verdict::Refused,
            (Admission::PinNeeded, _) => Verdict::PinNeeded,
            (Admission::NotNow(obstacle), _) => Verdict::NotNow { why: Why::of(*obstacle) },
        };
        let hold = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
        self.say(peer, Message::Answer { ticket, verdict, hold });
    }

    pub(super) fn is_asked(
        &mut self,
        peer: &Domain,
        ticket: u64,
        address: &RoomId,
        pin: Option<Secretive>,
        (book, time): (&Book, Time),
    ) {
        let room = address.here();
        let is_ours = address.home().as_ref() == Some(&self.us);
        let share = if is_ours { self.may_come(peer, &room, (book, time)) } else { Err(NOT_SHARED) };
        if let Err(why) = share {
            self.note(peer, address, why, None);
            return self.say(peer, Message::Answer { ticket, verdict: Verdict::Refused, hold: 0 });
        }
        self.out.push_back(Effect::Asked { by: peer.clone(), ticket, room, pin: pin.map(|pin| pin.0) });
    }

    /// What the people of an institution may in a room of ours, if they may come in at this time by our clock.
    ///
    /// # Errors
    /// They may not: why, in the word of the audit. Whether there is such a meeting is nothing for those with whom it is not shared, or
    /// not at this hour.
    pub fn may_come<'a>(
        &self,
        institution: &Domain,
        room: &RoomId,
        (book, time): (&'a Book, Time),
    ) -> Result<&'a Share, &'static str> {
        let share = self.share(institution, room, book).ok_or(NOT_SHARED)?;
        if self.is_open(institution, share, time) { Ok(share) } else { Err("refusedHours") }
    }

    /// An institution's own system brings somebody to a room of ours.
    pub fn brings(&mut self, institution: &Domain, leg: LegId) {
        self.guests.insert(leg, institution.clone());
    }

    /// So many of an institution are in a room of ours by its own gateway.
    pub fn count_elsewhere(&self, institution: &Domain, room: &RoomId) -> usize {
        let shard = self.shards.get(&self.address(room));
        shard.map_or(0, |shard| shard.others.keys().filter(|who| who.of == *institution).count())
    }

    pub(super) fn is_answered(&mut self, peer: &Domain, ticket: u64, verdict: Verdict, hold: Duration) {
        let is_theirs = |asked: &Asked| asked.room.home().as_ref() == Some(peer);
        if !self.asked.get(&ticket).is_some_and(is_theirs) {
            return;
        }
        let Some(Asked { leg, room, .. }) = self.asked.remove(&ticket) else { return };
        let admission = match verdict {
            Verdict::Admitted { role, grant } => {
                self.grants.insert(leg, grant);
                Admission::Admitted { room, role }
            }
            Verdict::PinNeeded => Admission::PinNeeded,
            Verdict::Refused => Admission::Refused,
            Verdict::NotNow { why } => Admission::NotNow(why.obstacle()),
        };
        self.out.push_back(Effect::Answered { leg, admission, hold });
    }

    /// Somebody of ours who asked, or was about to come, is gone.
    pub fn forget_leg(&mut self, leg: LegId) {
        self.grants.remove(&leg);
        self.guests.remove(&leg);
        self.asked.retain(|_, asked| asked.leg != leg);
    }

    pub(super) fn give_up_asking(&mut self, now: Instant) {
        self.answer_all(|asked| asked.until <= now);
    }

    /// A peer cannot be asked any more.
    pub(super) fn ask_in_vain(&mut self, peer: &Domain) {
        self.answer_all(|asked| asked.room.home().as_ref() == Some(peer));
    }

    fn answer_all(&mut self, is_meant: impl Fn(&Asked) -> bool) {
        let meant: Vec<u64> =
            self.asked.iter().filter(|(_, asked)| is_meant(asked)).map(|(ticket, _)| *ticket).collect();
        for asked in meant.into_iter().filter_map(|ticket| self.asked.remove(&ticket)).collect::<Vec<_>>() {
            let admission = Admission::NotNow(Obstacle::Fault);
            self.out.push_back(Effect::Answered { leg: asked.leg, admission, hold: Duration::ZERO });
        }
    }

    /// A member whose link is down cannot be asked now; a name that no member has is no room.
    fn unreachable(&self, room: &RoomId) -> Admission {
        let is_member = room.home().is_some_and(|home| self.peers.contains_key(&home));
        if is_member { Admission::NotNow(Obstacle::Fault) } else { Admission::Refused }
    }

    fn grant(&mut self, peer: &Domain, address: &RoomId, role: Role) -> String {
        self.counter += 1;
        let nonce = [self.chance.to_be_bytes(), self.counter.to_be_bytes()].concat();
        let mut grant = vec![number_of(role)];
        grant.extend(nonce);
        let code = hmac::sign(&self.key, &signed(peer, address, &grant));
        grant.extend(code.as_ref());
        BASE64.encode(grant)
    }

    /// What a grant of ours says; nothing, if it is none for that.
    pub(super) fn granted(&self, grant: &str, peer: &Domain, address: &RoomId) -> Option<Role> {
        let bytes = BASE64.decode(grant).ok()?;
        let (head, code) = bytes.split_at_checked(17)?;
        hmac::verify(&self.key, &signed(peer, address, head), code).ok()?;
        [Role::Listener, Role::Participant, Role::Moderator]
            .into_iter()
            .find(|role| Some(&number_of(*role)) == head.first())
    }
}

const fn number_of(role: Role) -> u8 {
    match role {
        Role::Listener => 1,
        Role::Participant => 2,
        Role::Moderator => 3,
    }
}

/// What a grant is for: no other member, room or role.
fn signed(peer: &Domain, address: &RoomId, head: &[u8]) -> Vec<u8> {
    let mut signed = format!("einwahl-grant-1\0{peer}\0{address}\0").into_bytes();
    signed.extend(head);
    signed
}
