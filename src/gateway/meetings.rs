//! Meetings by API: from a call to a wish of the store, and from what the store tells to the book, the rooms and the answer.
//! The book changes only by what the store tells: what an answer says is kept.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::access::Bearer;
use super::chance::random;
use super::{Gateway, clock};
use crate::meeting::{Draft, Listed, Meeting, Source, Taken};
use crate::records::Deed;
use crate::room::Command;
use crate::store::{self, Failed, Revision, Value};
use crate::web::{Answer, Done, Plan, Refusal, Wish};
use crate::words::{ConferenceId, Right, RoomId};

/// Who has called and is not answered yet.
#[derive(Default)]
pub(super) struct Desk {
    waiting: BTreeMap<u64, Waiting>,
    tickets: u64,
}

/// A call whose wish is with the store.
struct Waiting {
    room: RoomId,
    /// The ID that it takes, if it is written.
    id: Option<ConferenceId>,
    change: Intent,
    by: Bearer,
    reply: Reply,
    /// How often somebody else was faster.
    lost: u32,
}

enum Intent {
    Create,
    Change { draft: Box<Draft>, expects: Option<u64> },
    Delete { expects: Option<u64> },
}

pub(super) type Reply = oneshot::Sender<Result<Done, Refusal>>;

/// A change without `If-Match` that lost so often against others gives up.
const MOST_LOST: u32 = 5;

/// The folder of the store in which meetings are.
const FOLDER: &str = "meetings/";

impl Desk {
    /// A number for a wish of the store.
    pub(super) const fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }
}

impl Gateway {
    /// Takes in what was kept over the restart.
    pub(super) fn take_in(&mut self, entries: Vec<store::Entry>) {
        for entry in entries {
            self.put(&entry);
            self.put_account(&entry);
            self.put_callback(&entry);
            self.take_erasure(&entry);
        }
    }

    pub(super) fn grant(&mut self, wish: Wish, by: Bearer, reply: Reply) {
        let done = match wish {
            Wish::List { after, most } => Ok(self.page(after.as_ref(), most, by.may(Right::Pins))),
            Wish::Read { room } => match self.book.get(&room) {
                Some(listed) => Ok(Done::Meeting { listed: Box::new(listed.clone()), pins: by.may(Right::Pins) }),
                None => Err(Refusal::NotFound),
            },
            Wish::May(_) => Ok(Done::May),
            Wish::Calls(wish) => return self.on_calls_wish(wish, reply),
            Wish::Plan(wish) => return self.on_plan_wish(wish, &by, reply),
            Wish::Federation => Ok(Done::Federation(self.shown_federation().map(Box::new))),
            Wish::Residency(wish) => Ok(Done::Residency(Box::new(self.residing(wish)))),
            Wish::Trunk(wish) => return self.on_trunk_wish(wish, &by, reply),
            Wish::Create(draft) => return self.create(*draft, by, reply),
            Wish::Change { room, draft, expects } => {
                return self.change(room, Intent::Change { draft, expects }, by, reply, 0);
            }
            Wish::Invite(wish) => return self.invite(wish, &by, reply),
            Wish::Accounts(wish) => return self.on_accounts(wish, by, reply),
            Wish::Audit(wish) => return self.read_audit(wish, reply),
            Wish::Live(wish) => return self.on_live(wish, &by, reply),
            Wish::Callbacks(wish) => return self.on_callbacks(wish, by, reply),
            Wish::Erasures(wish) => return self.on_erasures(wish, &by, reply),
            Wish::Survey(survey) => return self.survey(*survey, reply),
            Wish::Delete { room, expects } => return self.change(room, Intent::Delete { expects }, by, reply, 0),
        };
        drop(reply.send(done));
    }

    fn page(&self, after: Option<&RoomId>, most: usize, pins: bool) -> Done {
        let listed: Vec<Listed> = self.book.after(after).take(most).cloned().collect();
        let last = listed.last().map(|listed| listed.meeting.room.clone());
        let next = last.filter(|last| self.book.after(Some(last)).next().is_some());
        Done::Page { listed, next, pins }
    }

    fn create(&mut self, draft: Draft, by: Bearer, reply: Reply) {
        let made = self.draft_new(draft);
        match made {
            Ok(meeting) => {
                let value = Some(Value::new(meeting.to_kept(&by.name)));
                let (room, id) = (meeting.room, Some(meeting.id));
                self.want(Waiting { room, id, change: Intent::Create, by, reply, lost: 0 }, None, value);
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    /// A new meeting; what the draft leaves out is made, and free.
    fn draft_new(&self, draft: Draft) -> Result<Meeting, Refusal> {
        if self.book.len().saturating_add(self.desk.waiting.len()) >= self.config.most_meetings {
            return Err(Refusal::Full(self.config.most_meetings));
        }
        let room = draft.room.clone().map_or_else(|| self.free_room(), Some).ok_or(Refusal::Busy)?;
        let id = draft.id.clone().map_or_else(|| self.free_id(&room), Some).ok_or(Refusal::Busy)?;
        if self.book.get(&room).is_some() || self.desk.waiting.values().any(|waiting| waiting.room == room) {
            return Err(Refusal::Taken(Taken::Room));
        }
        if self.is_id_taken(&id, &room) {
            return Err(Refusal::Taken(Taken::Id));
        }
        let mut base = Meeting::new(room, id);
        base.announce = self.config.announce;
        // Who wants no PIN for participants wants none for moderators, unless they name one.
        if draft.pin != Some(None) {
            base.pin = Some(digits(6).parse().map_err(|_| Refusal::Busy)?);
            base.moderator_pin = Some(digits(8).parse().map_err(|_| Refusal::Busy)?);
        }
        draft.over(base, clock::moment()).map_err(Refusal::Faults)
    }

    fn change(&mut self, room: RoomId, change: Intent, by: Bearer, reply: Reply, lost: u32) {
        match self.changed(&room, &change, &by) {
            Ok((revision, id, value)) => {
                self.want(Waiting { room, id, change, by, reply, lost }, Some(revision), value);
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    /// What a meeting is to be from now on, and at which revision it is now.
    fn changed(
        &self,
        room: &RoomId,
        change: &Intent,
        by: &Bearer,
    ) -> Result<(Revision, Option<ConferenceId>, Option<Value>), Refusal> {
        let listed = self.book.get(room).ok_or(Refusal::NotFound)?;
        let Source::Api { revision, by: maker } = &listed.source else { return Err(Refusal::FromFile) };
        let (draft, expects) = match change {
            Intent::Create => return Err(Refusal::Taken(Taken::Room)),
            Intent::Change { draft, expects } => (Some(draft.as_ref().clone()), expects),
            Intent::Delete { expects } => (None, expects),
        };
        if expects.is_some_and(|expects| expects != *revision) {
            return Err(Refusal::Stale);
        }
        let Some(draft) = draft else {
            // After a restart such a plan could not be served.
            return match self.routing.running.plan.leads_into(room) {
                Some(rule) => Err(Refusal::InPlan(rule.to_owned())),
                None => Ok((Revision(*revision), None, None)),
            };
        };
        let meeting = draft.over(listed.meeting.clone(), clock::moment()).map_err(Refusal::Faults)?;
        if self.is_id_taken(&meeting.id, room) {
            return Err(Refusal::Taken(Taken::Id));
        }
        tracing::debug!(%room, by = %by.name, "a meeting is to be changed");
        Ok((Revision(*revision), Some(meeting.id.clone()), Some(Value::new(meeting.to_kept(maker)))))
    }

    fn want(&mut self, waiting: Waiting, expects: Option<Revision>, value: Option<Value>) {
        let ticket = self.desk.ticket();
        let key = format!("{FOLDER}{}", waiting.room);
        match self.store.want(store::Wish { ticket, key, expects, value }) {
            Ok(()) => drop(self.desk.waiting.insert(ticket, waiting)),
            Err(failed) => drop(waiting.reply.send(Err(refusal_of(&failed)))),
        }
    }

    pub(super) fn on_stored(&mut self, event: store::Event) {
        match event {
            store::Event::Put(entry) => {
                if let Some(room) = self.put(&entry) {
                    self.rearrange(&room);
                }
                self.put_account(&entry);
                self.registry_is_kept(&entry);
                self.erasure_is_kept(&entry);
                self.put_callback(&entry);
            }
            store::Event::Deleted { key } => {
                self.drop_account(&key);
                self.drop_callback(&key);
                let Some(room) = room_of(&key) else { return };
                self.book.remove(&room);
                self.tell_room(&room, Command::End);
                self.share_anew();
            }
            store::Event::Answered { ticket, outcome } => {
                if !self.on_plan_answered(ticket, &outcome) && !self.on_callback_kept(ticket, &outcome) {
                    self.on_outcome(ticket, outcome);
                }
            }
        }
    }

    /// Takes a meeting into the book. One that clashes with the file's is left out, and stays in the store.
    fn put(&mut self, entry: &store::Entry) -> Option<RoomId> {
        let room = room_of(&entry.key)?;
        let (meeting, by) = Meeting::from_kept(entry.value.as_bytes())
            .map_err(|error| tracing::error!(%room, %error, "a meeting is left out"))
            .ok()?;
        let source = Source::Api { revision: entry.revision.0, by };
        self.book
            .put(Listed { meeting, source })
            .map_err(|taken| tracing::warn!(%room, %taken, "a meeting made by API is left out: the file has another"))
            .ok()?;
        Some(room)
    }

    /// A room that people are in works from now on as its meeting says.
    fn rearrange(&mut self, room: &RoomId) {
        let Some(listed) = self.book.get(room) else { return };
        let config = listed.meeting.room(clock::moment(), clock::now());
        self.tell_room(room, Command::Change(Box::new(config)));
        self.share_anew();
        self.tell_pages(room, &Answer::Planned(self.plan_of(room)));
    }

    fn on_outcome(&mut self, ticket: u64, outcome: Result<Revision, Failed>) {
        let Some(waiting) = self.desk.waiting.remove(&ticket) else { return self.on_kept(ticket, outcome) };
        let Waiting { room, change, by, reply, lost, .. } = waiting;
        let done = match (outcome, &change) {
            (Ok(_), _) => {
                tracing::info!(%room, by = %by.name, "meeting {}", change.past());
                self.note(change.deed(&room, &by.name));
                self.result(&room, &change, by.may(Right::Pins))
            }
            (Err(Failed::Conflict), Intent::Create) => Err(Refusal::Taken(Taken::Room)),
            (Err(Failed::Conflict), Intent::Change { expects: None, .. } | Intent::Delete { expects: None })
                if lost < MOST_LOST =>
            {
                return self.change(room, change, by, reply, lost + 1);
            }
            (Err(failed), Intent::Create | Intent::Change { .. } | Intent::Delete { .. }) => Err(refusal_of(&failed)),
        };
        drop(reply.send(done));
    }

    fn result(&self, room: &RoomId, change: &Intent, pins: bool) -> Result<Done, Refusal> {
        let listed = self.book.get(room).cloned().map(Box::new);
        match (change, listed) {
            (Intent::Delete { .. }, _) => Ok(Done::Deleted),
            (Intent::Create, Some(listed)) => Ok(Done::Created(listed)),
            (Intent::Change { .. }, Some(listed)) => Ok(Done::Meeting { listed, pins }),
            (Intent::Create | Intent::Change { .. }, None) => Err(Refusal::NotFound),
        }
    }

    fn is_id_taken(&self, id: &ConferenceId, room: &RoomId) -> bool {
        let waiting = |waiting: &Waiting| waiting.id.as_ref() == Some(id) && waiting.room != *room;
        self.book.is_id_taken(id, room) || self.desk.waiting.values().any(waiting)
    }

    /// Tries some: with most IDs taken there would be longer ones to configure, not more to try.
    fn free_id(&self, room: &RoomId) -> Option<ConferenceId> {
        (0..100).filter_map(|_| digits(8).parse().ok()).find(|id| !self.is_id_taken(id, room))
    }

    fn free_room(&self) -> Option<RoomId> {
        (0..100).filter_map(|_| letters(12).parse().ok()).find(|room| self.book.get(room).is_none())
    }

    /// When a meeting opens and ends.
    pub(super) fn plan_of(&self, room: &RoomId) -> Plan {
        let meeting = self.book.get(room).map(|listed| &listed.meeting);
        let told = |time: &jiff::ZonedDateTime| time.timestamp().to_string();
        Plan {
            opens_at: meeting.and_then(|meeting| meeting.opens_at.as_ref()).map(told),
            ends_at: meeting.and_then(|meeting| meeting.ends_at.as_ref()).map(told),
        }
    }
}

impl Intent {
    const fn past(&self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Change { .. } => "changed",
            Self::Delete { .. } => "deleted",
        }
    }

    fn deed(&self, room: &RoomId, by: &str) -> Deed {
        let (room, by) = (room.clone(), by.to_string());
        match self {
            Self::Create => Deed::MeetingCreated { room, by },
            Self::Change { draft, .. } => {
                let fields = draft.fields().into_iter().map(str::to_owned).collect();
                Deed::MeetingChanged { room, by, fields }
            }
            Self::Delete { .. } => Deed::MeetingDeleted { room, by },
        }
    }
}

pub(super) fn room_of(key: &str) -> Option<RoomId> {
    key.strip_prefix(FOLDER)?.parse().ok()
}

pub(super) fn refusal_of(failed: &Failed) -> Refusal {
    match failed {
        Failed::Conflict => Refusal::Stale,
        Failed::Busy => Refusal::Busy,
        Failed::Out(_) => Refusal::Out,
    }
}

/// So many random digits.
fn digits(count: usize) -> String {
    pick(b"0123456789", count)
}

/// So many random letters and digits, without those that are taken for one another.
pub(super) fn letters(count: usize) -> String {
    pick(b"abcdefghjkmnpqrstuvwxyz23456789", count)
}

/// Each as likely as any other: bytes that would favour the first are drawn anew. Too few, if the system gives no randomness.
fn pick(from: &[u8], count: usize) -> String {
    let fair = 256 - 256 % from.len();
    let drawn = std::iter::repeat_with(random::<32>).map_while(Result::ok).flatten();
    let fitting = drawn.map(usize::from).filter(|byte| *byte < fair);
    fitting.filter_map(|byte| from.get(byte % from.len()).copied()).map(char::from).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_long_enough_and_every_digit_occurs() {
        let made: String = (0..200).map(|_| digits(8)).collect();
        assert_eq!(made.len(), 1_600);
        for digit in '0'..='9' {
            let count = made.matches(digit).count();
            assert!((90..250).contains(&count), "{digit} occurs {count} times in 1,600");
        }
        assert!(letters(12).parse::<RoomId>().is_ok());
        assert_ne!(letters(12), letters(12));
    }
}
