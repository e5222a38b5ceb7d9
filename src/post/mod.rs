//! When mail is sent. In: an invitation to some people, what came of each try, and the time. Out: to whom it is to be tried now, and
//! when to look again; and in the end what became of it. Pure: `mail` does the sending.
//!
//! What may be better later (RFC 5321 section 4.2.1: an answer of 4yz, or none) is tried again, each time after a longer while; what
//! will not be is told at once. Nothing is kept over a restart: whoever has invited is told what is still waiting.

mod reply;
mod trouble;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::words::{MailAddress, Personal};

pub use reply::{Reply, Unreadable, offers, read as read_reply};
pub use trouble::Trouble;

/// What came of one try for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The server has taken it.
    Taken,
    /// Not now; it may be better later.
    Later(Trouble),
    /// It will not be taken.
    Never(Trouble),
}

/// Somebody who is to get a letter: their place in the invitation, and their address.
pub type Addressee = (usize, Personal<MailAddress>);

/// How it stands with one invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is known of each, in the order in which they were named.
    pub tried: Vec<Tried>,
    /// Nobody of them waits any more.
    pub is_over: bool,
    /// So often it was tried.
    pub tries: usize,
}

/// More people wait for mail than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much mail is waiting")]
pub struct Full;

/// One invitation.
#[derive(Debug)]
struct Batch {
    to: Vec<(Personal<MailAddress>, Option<Tried>)>,
    tries: usize,
    /// When it is tried next; nothing, while it is.
    next: Option<Instant>,
    /// It is of no use after this.
    until: Option<Instant>,
}

/// What waits.
#[derive(Debug, Default)]
pub struct Post {
    batches: BTreeMap<u64, Batch>,
    last: u64,
}

/// People who may wait for mail.
const MOST: usize = 2_000;

/// Invitations that are tried at once.
const AT_ONCE: usize = 4;

/// After each try but the last: a day, all in all.
const AGAIN: [Duration; 7] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(3_600),
    Duration::from_secs(3 * 3_600),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(12 * 3_600),
];

impl Post {
    /// Takes an invitation, to be tried at once; it bears this number from now on.
    ///
    /// # Errors
    /// Too much is waiting.
    pub fn put(&mut self, to: Vec<Personal<MailAddress>>, until: Option<Instant>, now: Instant) -> Result<u64, Full> {
        let waiting: usize = self.batches.values().map(|batch| batch.to.len()).sum();
        if waiting + to.len() > MOST {
            return Err(Full);
        }
        self.last += 1;
        let to = to.into_iter().map(|to| (to, None)).collect();
        self.batches.insert(self.last, Batch { to, tries: 0, next: Some(now), until });
        Ok(self.last)
    }

    /// The invitation that is to be tried now, and for whom of it.
    pub fn due(&mut self, now: Instant) -> Option<(u64, Vec<Addressee>)> {
        if !self.has_hands_free() {
            return None;
        }
        let next = self.batches.iter_mut().filter(|(_, batch)| batch.next.is_some_and(|next| next <= now));
        let (number, batch) = next.min_by_key(|(_, batch)| batch.next)?;
        batch.next = None;
        let waits = |(_, (_, tried)): &(usize, &(Personal<MailAddress>, Option<Tried>))| match tried {
            None | Some(Tried::Later(_)) => true,
            Some(Tried::Taken | Tried::Never(_)) => false,
        };
        let to = batch.to.iter().enumerate().filter(waits).map(|(at, (to, _))| (at, to.clone())).collect();
        Some((*number, to))
    }

    /// What came of a try. What it comes to; nothing, if there is no such invitation.
    pub fn tried(&mut self, number: u64, came: Vec<(usize, Tried)>, now: Instant) -> Option<Standing> {
        let batch = self.batches.get_mut(&number)?;
        for (at, tried) in came {
            if let Some((_, before)) = batch.to.get_mut(at) {
                *before = Some(tried);
            }
        }
        let wait = AGAIN.get(batch.tries).copied();
        batch.tries += 1;
        let next = wait.and_then(|wait| now.checked_add(wait));
        batch.next = next.filter(|next| batch.until.is_none_or(|until| *next < until));
        let goes_on = batch.next.is_some();
        let standing = |tried: &Option<Tried>| match tried {
            Some(Tried::Later(_)) if !goes_on => Tried::Never(Trouble::GivenUp),
            Some(tried) => tried.clone(),
            None => Tried::Never(Trouble::GivenUp),
        };
        let tried: Vec<_> = batch.to.iter().map(|(_, tried)| standing(tried)).collect();
        let is_over = !tried.iter().any(|tried| matches!(tried, Tried::Later(_)));
        let standing = Standing { tried, is_over, tries: batch.tries };
        if is_over {
            self.batches.remove(&number);
        }
        Some(standing)
    }

    /// When to look again.
    pub fn next_timeout(&self) -> Option<Instant> {
        let next = self.batches.values().filter_map(|batch| batch.next).min();
        next.filter(|_| self.has_hands_free())
    }

    fn has_hands_free(&self) -> bool {
        self.batches.values().filter(|batch| batch.next.is_none()).count() < AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::disallowed_methods, reason = "the origin of a virtual clock")]
    fn begin() -> Instant {
        Instant::now()
    }

    fn people(count: usize) -> Vec<Personal<MailAddress>> {
        (0..count).filter_map(|at| format!("p{at}@stadt.example").parse().ok()).map(Personal::new).collect()
    }

    fn busy() -> Trouble {
        Trouble::Declined { code: 450, told: String::from("busy") }
    }

    #[test]
    fn who_was_not_taken_is_tried_again_and_who_was_is_not() {
        let (mut post, now) = (Post::default(), begin());
        let number = post.put(people(3), None, now).expect("room");
        let (due, to) = post.due(now).expect("due at once");
        assert_eq!((due, to.len()), (number, 3));
        assert!(post.due(now).is_none() && post.next_timeout().is_none(), "it is under way");
        let unknown = Trouble::Declined { code: 550, told: String::from("unknown") };
        let came = vec![(0, Tried::Taken), (1, Tried::Later(busy())), (2, Tried::Never(unknown.clone()))];
        let standing = post.tried(number, came, now).expect("known");
        assert!(!standing.is_over && standing.tries == 1);
        let minute = now + Duration::from_secs(60);
        assert_eq!(post.next_timeout(), Some(minute));
        let (_, to) = post.due(minute).expect("due again");
        assert_eq!(to.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1]);
        let standing = post.tried(number, vec![(1, Tried::Taken)], minute).expect("known");
        assert_eq!(standing.tried, [Tried::Taken, Tried::Taken, Tried::Never(unknown)]);
        assert!(standing.is_over && post.next_timeout().is_none());
        assert_eq!(post.tried(number, Vec::new(), minute), None);
    }

    #[test]
    fn it_is_given_up_after_a_day_or_when_the_meeting_is_over() {
        let (mut post, begin) = (Post::default(), begin());
        let mut now = begin;
        let number = post.put(people(1), None, now).expect("room");
        let mut waits = Vec::new();
        let last = loop {
            post.due(now).expect("due");
            let standing = post.tried(number, vec![(0, Tried::Later(busy()))], now).expect("known");
            let Some(next) = post.next_timeout() else { break standing };
            waits.push((next - now).as_secs());
            now = next;
        };
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]) && waits.len() == 7, "{waits:?}");
        assert!(now - begin > Duration::from_secs(22 * 3_600) && now - begin < Duration::from_secs(24 * 3_600));
        assert_eq!(last.tried, [Tried::Never(Trouble::GivenUp)]);
        let soon = Some(begin + Duration::from_secs(30));
        let number = post.put(people(1), soon, begin).expect("room");
        post.due(begin).expect("due");
        assert!(post.tried(number, vec![(0, Tried::Later(busy()))], begin).expect("known").is_over);
    }

    #[test]
    fn so_much_waits_and_no_more_and_few_are_under_way_at_once() {
        let (mut post, now) = (Post::default(), begin());
        for _ in 0..40 {
            post.put(people(50), None, now).expect("room");
        }
        assert_eq!(post.put(people(1), None, now), Err(Full));
        let begun: Vec<_> = std::iter::from_fn(|| post.due(now)).collect();
        assert_eq!(begun.len(), AT_ONCE);
        assert_eq!(post.next_timeout(), None, "one has to be over first");
        let all = (0..50).map(|at| (at, Tried::Taken)).collect();
        assert!(post.tried(begun[0].0, all, now).expect("known").is_over);
        assert!(post.due(now).is_some() && post.put(people(50), None, now).is_ok());
    }
}
