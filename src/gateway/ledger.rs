//! The ledger of the calls that are up: what each was for, and what becomes of it. When one is over, and the media thread and the door
//! have told the rest, it goes to the call records.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::meetings::Reply;
use super::publishing::Worked;
use super::running::Shared;
use super::{Gateway, clock, quality};
use crate::call::Refusal;
use crate::dialplan::{Facts, Trace};
use crate::media;
use crate::records::calls::{self, Calls, CannotRead, Crossed, End, Finished};
use crate::sip::Door;
use crate::web::{self, CallsDone, CallsWish};
use crate::words::{Both, CallId, Domain, LegId, ParticipantId, Personal, PhoneNumber, RoomId, both};

/// Calls that are up, or have just ended.
#[derive(Default)]
pub(super) struct Ledger {
    open: BTreeMap<CallId, Open>,
    /// Refused strangers that are still written down in this second.
    strangers_left: u32,
}

/// A call as it goes on.
pub(super) struct Open {
    began: Timestamp,
    facts: Facts,
    under: Shared,
    rule: Option<String>,
    decision: Both,
    /// Calls that we placed for it.
    rung: Vec<CallId>,
    answered: Option<Timestamp>,
    refused: Option<Refusal>,
    ended: Option<(Instant, Timestamp)>,
    quality: Option<media::Quality>,
    /// By room: their line, and which institutions were told of it.
    crossed: BTreeMap<RoomId, Crossed>,
}

/// What the dialplan was asked, and what it said.
pub(super) struct Asked {
    pub(super) facts: Facts,
    pub(super) under: Shared,
    pub(super) rule: Option<String>,
    pub(super) decision: Both,
}

/// What was called, of a call that we placed for an office: this, and its name.
pub(super) const BACK: &str = calls::BACK;

/// The last messages of a call, and its last figures, come a moment after its end.
const LAST_WORDS: Duration = Duration::from_millis(1_500);

/// Refused calls of strangers that are written down in a second: a scanner shall not fill the disk.
const STRANGERS: u32 = 20;

impl Ledger {
    /// A call came.
    pub(super) fn begin(&mut self, call: CallId, asked: Asked) {
        let Asked { facts, under, rule, decision } = asked;
        let (began, rung) = (clock::moment(), Vec::new());
        let (answered, refused, ended, quality, crossed) = (None, None, None, None, BTreeMap::new());
        let open = Open { began, facts, under, rule, decision, rung, answered, refused, ended, quality, crossed };
        self.open.insert(call, open);
    }

    /// It is refused.
    pub(super) fn refused(&mut self, call: CallId, refusal: &Refusal) {
        let Some(open) = self.open.get_mut(&call) else { return };
        open.refused = Some(refusal.clone());
        open.ended.get_or_insert_with(|| (clock::now(), clock::moment()));
        if open.facts.trunk.is_none() {
            match self.strangers_left.checked_sub(1) {
                Some(left) => self.strangers_left = left,
                // The door forgets its messages by itself.
                None => drop(self.open.remove(&call)),
            }
        }
    }

    /// Somebody is rung for it.
    pub(super) fn rang(&mut self, call: CallId, rung: CallId) {
        if let Some(open) = self.open.get_mut(&call) {
            open.rung.push(rung);
        }
    }

    /// Another context goes on with it.
    pub(super) fn led_on(&mut self, call: CallId, decided: &Both) {
        if let Some(open) = self.open.get_mut(&call) {
            open.decision = open.decision.then("; ", &both!("dann", "then")).then(" ", decided);
        }
    }

    /// Other institutions are told of the caller.
    pub(super) fn crosses(&mut self, call: CallId, room: RoomId, id: ParticipantId, told: Vec<Domain>) {
        if let Some(open) = self.open.get_mut(&call) {
            open.crossed.insert(room.clone(), Crossed { room, id, told });
        }
    }

    /// Calls with this number that are up, or not written down yet.
    pub(super) fn up_with(&self, number: &Personal<PhoneNumber>) -> usize {
        self.open.values().filter(|open| open.facts.caller.as_ref() == Some(number)).count()
    }

    /// Our answer has arrived.
    pub(super) fn answered(&mut self, call: CallId) {
        if let Some(open) = self.open.get_mut(&call) {
            open.answered.get_or_insert_with(clock::moment);
        }
    }

    /// The call is over.
    pub(super) fn ended(&mut self, call: CallId) {
        if let Some(open) = self.open.get_mut(&call) {
            open.ended.get_or_insert_with(|| (clock::now(), clock::moment()));
        }
    }

    /// How it sounded, at its end.
    pub(super) fn sounded(&mut self, call: CallId, quality: &media::Quality) {
        if let Some(open) = self.open.get_mut(&call) {
            open.quality = Some(*quality);
        }
    }

    /// Those whose last words are said.
    fn over(&mut self, now: Instant) -> Vec<(CallId, Open)> {
        let is_over = |open: &Open| open.ended.is_some_and(|(at, _)| now.duration_since(at) >= LAST_WORDS);
        let calls: Vec<CallId> = self.open.iter().filter(|(_, open)| is_over(open)).map(|(call, _)| *call).collect();
        calls.into_iter().filter_map(|call| Some((call, self.open.remove(&call)?))).collect()
    }

    /// All: before the end nobody says anything more.
    pub(super) fn all(&mut self) -> Vec<(CallId, Open)> {
        std::mem::take(&mut self.open).into_iter().collect()
    }
}

impl Gateway {
    /// Once a second.
    pub(super) fn write_records(&mut self) {
        self.ledger.strangers_left = STRANGERS;
        let over = self.ledger.over(clock::now());
        write(over, &self.door, &self.calls, &self.routing.zone);
    }

    /// How a leg sounded, at its end: for the log and for the record.
    pub(super) fn sounded(&mut self, leg: LegId, quality: &media::Quality) {
        quality::tell_of_all(leg, quality);
        self.ledger.sounded(CallId(leg.0), quality);
    }

    /// Once a day. That they are gone is noted.
    pub(super) fn delete_old_records(&self) {
        let before = clock::days_ago(self.config.calls_keep_days);
        let teller = self.publishing.teller();
        self.calls.prune(before, move |records| drop(teller.blocking_send(Worked::RecordsDeleted { before, records })));
    }

    pub(super) fn on_calls_wish(&self, wish: CallsWish, reply: Reply) {
        match wish {
            CallsWish::List { filter, csv } => self.calls.reader().page(filter, move |page| {
                drop(reply.send(page.map(|page| CallsDone::Page { page, csv }.into()).map_err(cannot)));
            }),
            CallsWish::Read { id } => self.calls.reader().whole(id, move |whole| {
                let whole = whole.map_err(cannot).and_then(|whole| whole.ok_or(web::Refusal::NoRecord));
                drop(reply.send(whole.map(|whole| CallsDone::Whole(Box::new(whole)).into())));
            }),
        }
    }
}

/// What is answered where the records do not.
pub(super) fn cannot(error: CannotRead) -> web::Refusal {
    match error {
        CannotRead::Busy => web::Refusal::Busy,
        CannotRead::Out(why) => {
            tracing::error!(why, "the call records cannot be read");
            web::Refusal::Out
        }
    }
}

/// Hands calls that are over to the records.
pub(super) fn write(over: Vec<(CallId, Open)>, door: &Door, calls: &Calls, zone: &TimeZone) {
    for (call, open) in over {
        let Open { began, facts, under, rule, decision, rung, answered, refused, ended, quality, crossed } = open;
        let ladder = door.ladder(call, &rung);
        let end = match (refused, ladder.caller_ended(), answered) {
            (Some(refusal), ..) => End::Refused(refusal),
            (None, Some(true), None) => End::GivenUp,
            (None, Some(true), Some(_)) => End::ByCaller,
            (None, Some(false), _) => End::ByUs,
            (None, None, _) => End::Lost,
        };
        let (asked, at) = (facts.clone(), began.to_zoned_datetime(zone.clone()));
        let version = under.version;
        calls.keep(Finished {
            began,
            answered,
            ended: ended.map_or_else(clock::moment, |(_, at)| at),
            facts,
            rule,
            decision,
            version,
            end,
            quality: quality.as_ref().map(figures),
            ladder,
            crossed: crossed.into_values().collect(),
            trace: Box::new(move || match asked.called.starts_with(BACK) {
                // No rule decided it: it was asked for before.
                true => Trace::default(),
                false => under.plan.follow(&asked, &at).1,
            }),
        });
    }
}

fn figures(quality: &media::Quality) -> calls::Quality {
    let millis = |span: Duration| span.as_secs_f64() * 1e3;
    calls::Quality {
        codec: quality.codec,
        lost_in: quality.loss_in.lost,
        of_in: quality.loss_in.of,
        lost_out: quality.out.map(|told| told.loss.lost),
        of_out: quality.out.map(|told| told.loss.of),
        jitter_in_ms: millis(quality.jitter_in),
        jitter_out_ms: quality.out.map(|told| millis(told.jitter)),
        round_trip_ms: quality.round_trip.map(millis),
        late: quality.late,
        concealed: quality.concealed,
        mos: quality.mos(),
    }
}
