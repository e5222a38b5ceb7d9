//! Invitations by mail: from a wish to letters, to what came of each try, to the answer and the audit. No address of an invited person
//! is logged or noted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::access::Bearer;
use super::meetings::{Reply, letters};
use super::{CannotStart, Gateway, clock};
use crate::mail::{self, Letter, Mailer};
use crate::meeting::{Invitation, Source};
use crate::names::Names;
use crate::oidc::Origin;
use crate::post::{Post, Standing, Tried, Trouble};
use crate::records::Deed;
use crate::web::{Done, Refusal, invitations};
use crate::words::{MailAddress, Personal, Right, RoomId};

/// How invitations are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// By whom, and as whom.
    pub mailer: mail::Config,
    /// Where the pages are.
    pub origin: Origin,
    /// The numbers that people dial.
    pub numbers: Vec<String>,
}

/// What came of a try.
pub(super) struct Mailed {
    number: u64,
    came: Vec<(usize, Tried)>,
}

/// What waits, and who waits for it.
pub(super) struct Invitations {
    origin: String,
    numbers: Vec<String>,
    mailer: Mailer,
    post: Post,
    under_way: BTreeMap<u64, Sent>,
    mailed: mpsc::Sender<Mailed>,
}

/// One invitation that is not over.
struct Sent {
    room: RoomId,
    by: String,
    to: Vec<Personal<MailAddress>>,
    letter: Arc<Letter>,
    /// Whoever invites, until the first try is over.
    reply: Option<Reply>,
}

impl Invitations {
    pub(super) fn new(config: Config, names: Names, mailed: mpsc::Sender<Mailed>) -> Result<Self, CannotStart> {
        let Config { mailer, origin, numbers } = config;
        let mailer = Mailer::new(mailer, names)?;
        let (post, under_way) = (Post::default(), BTreeMap::new());
        Ok(Self { origin: origin.at(""), numbers, mailer, post, under_way, mailed })
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.post.next_timeout()
    }

    /// Tries what is to be tried now, each on a task of its own.
    fn try_due(&mut self, now: Instant) {
        while let Some((number, to)) = self.post.due(now) {
            let Some(sent) = self.under_way.get(&number) else { continue };
            let (letter, mailer, mailed) = (Arc::clone(&sent.letter), self.mailer.clone(), self.mailed.clone());
            tokio::spawn(async move {
                let came = mailer.deliver(&letter, &to).await;
                // The gateway takes it as long as it lives.
                drop(mailed.send(Mailed { number, came }).await);
            });
        }
    }
}

impl Gateway {
    /// Somebody invites people.
    pub(super) fn invite(&mut self, wish: invitations::Wish, by: &Bearer, reply: Reply) {
        match self.letter(&wish, by) {
            Err(refusal) => drop(reply.send(Err(refusal))),
            Ok((letter, until)) => {
                let Some(invitations) = &mut self.invitations else { return };
                let invitations::Wish { room, to, .. } = wish;
                let now = clock::now();
                match invitations.post.put(to.clone(), until, now) {
                    Err(_) => drop(reply.send(Err(Refusal::Busy))),
                    Ok(number) => {
                        let letter = Arc::new(letter);
                        let sent = Sent { room, by: by.name.clone(), to, letter, reply: Some(reply) };
                        invitations.under_way.insert(number, sent);
                        invitations.try_due(now);
                    }
                }
            }
        }
    }

    /// What is said, and until when it is of use.
    fn letter(&self, wish: &invitations::Wish, by: &Bearer) -> Result<(Letter, Option<Instant>), Refusal> {
        let listed = self.book.get(&wish.room).ok_or(Refusal::NotFound)?;
        let meeting = &listed.meeting;
        if meeting.pin.is_some() && !by.may(Right::Pins) {
            return Err(Refusal::NeedsRight(Right::Pins));
        }
        let invitations = self.invitations.as_ref().ok_or(Refusal::NoMail)?;
        let revision = match &listed.source {
            Source::File => 0,
            Source::Api { revision, .. } => *revision,
        };
        let language = wish.language.or(meeting.language).unwrap_or(self.config.language);
        let numbers = wish.numbers.as_deref().unwrap_or(&invitations.numbers);
        let organizer = self.config.mail.as_ref().ok_or(Refusal::NoMail)?.mailer.from.address();
        let origin = invitations.origin.as_str();
        let invitation = Invitation { meeting, revision, language, origin, numbers, organizer };
        let id = letters(20);
        if id.is_empty() {
            return Err(Refusal::Busy);
        }
        let at = clock::moment();
        let letter = Letter {
            id,
            at,
            language,
            subject: invitation.subject(),
            text: invitation.text(),
            calendar: invitation.calendar(at),
        };
        let left = meeting.ends_at.as_ref().map(|end| at.duration_until(end.timestamp()));
        let left = left.map(|left| Duration::try_from(left).unwrap_or(Duration::ZERO));
        Ok((letter, left.and_then(|left| clock::now().checked_add(left))))
    }

    /// A try is over.
    pub(super) fn on_mailed(&mut self, mailed: Mailed) {
        let Some(invitations) = &mut self.invitations else { return };
        let now = clock::now();
        let Mailed { number, came } = mailed;
        let standing = invitations.post.tried(number, came, now);
        invitations.try_due(now);
        let sent = match &standing {
            Some(standing) if standing.is_over => invitations.under_way.remove(&number),
            Some(_) | None => None,
        };
        match (sent, standing) {
            (Some(mut sent), Some(standing)) => {
                let first = sent.reply.take();
                self.tell_invited(&sent, &standing, first);
            }
            (None, Some(standing)) => self.tell_waiting(number, &standing),
            (_, None) => {}
        }
    }

    /// Some still wait.
    fn tell_waiting(&mut self, number: u64, standing: &Standing) {
        let Some(invitations) = &mut self.invitations else { return };
        let Some(mut sent) = invitations.under_way.remove(&number) else { return };
        if let Some(reply) = sent.reply.take() {
            self.tell_invited(&sent, standing, Some(reply));
        }
        if let Some(invitations) = &mut self.invitations {
            invitations.under_way.insert(number, sent);
        }
    }

    /// Tells whoever invites, if this was the first try, and the audit.
    fn tell_invited(&self, sent: &Sent, standing: &Standing, first: Option<Reply>) {
        let Sent { room, by, to, .. } = sent;
        let count = |which: fn(&Tried) -> bool| standing.tried.iter().filter(|tried| which(tried)).count();
        let taken = count(|tried| matches!(tried, Tried::Taken));
        let refused = count(|tried| matches!(tried, Tried::Never(_)));
        let waiting = count(|tried| matches!(tried, Tried::Later(_)));
        let trouble = standing.tried.iter().find_map(|tried| match tried {
            Tried::Taken => None,
            Tried::Later(trouble) | Tried::Never(trouble) => Some(trouble),
        });
        let (why, told) = (trouble.map(|it| it.name().to_owned()), trouble.map(Trouble::of_server));
        tracing::info!(%room, by, taken, waiting, refused, why, tries = standing.tries, "people are invited by mail");
        let (room, by) = (room.clone(), by.clone());
        match first {
            None => self.note(Deed::InvitationOver { room, by, taken, refused, tries: standing.tries }),
            Some(reply) => {
                self.note(Deed::Invited { room, by, people: to.len(), taken, waiting, refused, why, told });
                let people = to.iter().cloned().zip(standing.tried.iter().cloned()).collect();
                drop(reply.send(Ok(Done::Invited(invitations::Done(people)))));
            }
        }
    }

    /// Something is to be tried again.
    pub(super) fn on_time_of_mail(&mut self, now: Instant) {
        if let Some(invitations) = &mut self.invitations {
            invitations.try_due(now);
        }
    }

    /// Nothing is sent any more: what was waiting is noted.
    pub(super) fn end_mail(&mut self) {
        let Some(invitations) = &mut self.invitations else { return };
        let left: Vec<_> = std::mem::take(&mut invitations.under_way).into_values().collect();
        for Sent { room, by, to, .. } in left {
            tracing::warn!(%room, by, people = to.len(), "an invitation was still waiting to be sent, and is lost");
            self.note(Deed::InvitationLost { room, by, people: to.len() });
        }
    }
}
