//! The registry on another server: it is asked for now and then, and only answered if it is another (RFC 9110 section 13.1.2). A
//! server that is down, sends us elsewhere or answers too much changes nothing: what is held goes on until it expires.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use ureq::http::{HeaderValue, Request, StatusCode, Uri, header};

use super::super::super::chance::random;
use super::super::super::clock;
use super::{Judge, Offered};
use crate::https::{Address, Bounds, Https};
use crate::member::{LONGEST, Trust};
use crate::names::Names;
use crate::residency::Purpose;

/// Who is asked.
pub(super) struct Asked {
    address: Address,
    https: Result<Https, String>,
    /// What names the registry that was taken last, as the server calls it.
    tag: Option<HeaderValue>,
}

/// What the server has, and how it calls that.
type Fetched = (Vec<u8>, Option<HeaderValue>);

/// A whole registry takes so long over a line of 1 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(40);

/// After a question without an answer it is asked again so soon.
const SOON: Duration = Duration::from_secs(60);

pub(super) async fn watch(asked: Asked, trust: Trust, every: Duration, offered: mpsc::Sender<Offered>) {
    let judge = Judge::new(trust, asked.address.to_string());
    let mut both = (asked, judge);
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            let (asked, judge) = &mut both;
            let found = asked.look(judge);
            (both, found)
        });
        // Only a panic there ends it.
        let Ok((back, (found, answered))) = looked.await else { return };
        both = back;
        if let Some(found) = found
            && offered.send(found).await.is_err()
        {
            return;
        }
        let wait = if answered { every } else { every.min(SOON) };
        let until = clock::now() + spread(wait, random().map_or(0, u16::from_be_bytes));
        tokio::select! {
            () = offered.closed() => return,
            () = tokio::time::sleep_until(until.into()) => {}
        }
    }
}

/// A tenth more or less, so that not all members ask at once.
fn spread(wait: Duration, drawn: u16) -> Duration {
    let share = 0.9 + 0.2 * f64::from(drawn) / f64::from(u16::MAX);
    wait.mul_f64(share)
}

impl Asked {
    /// Must be made inside of the runtime that looks names up.
    pub(super) fn new(address: Address, ca: Option<&Path>, names: Names) -> Self {
        let bounds = Bounds { longest: u64::try_from(LONGEST).unwrap_or(u64::MAX), patience: PATIENCE };
        let https = Https::new(Purpose::Registry, ca, names, bounds).map_err(|why| why.to_string());
        Self { address, https, tag: None }
    }

    /// What is to be told, and whether there was an answer.
    fn look(&mut self, judge: &mut Judge) -> (Option<Offered>, bool) {
        match self.asked() {
            Ok(None) => (None, true),
            Ok(Some((bytes, tag))) => {
                let (counts, told) = judge.judge(bytes);
                // What does not count is read again: it may do so later.
                self.tag = if counts { tag } else { None };
                (told, true)
            }
            Err(why) => (judge.tell(&why), false),
        }
    }

    /// What the server has, if it is not what was taken last.
    ///
    /// # Errors
    /// There is no answer, or none with a registry.
    pub(super) fn news(&self) -> Result<Option<Vec<u8>>, String> {
        self.asked().map(|found| found.map(|(bytes, _)| bytes))
    }

    fn asked(&self) -> Result<Option<Fetched>, String> {
        let https = self.https.as_ref().map_err(Clone::clone)?;
        let mut request = Request::get(Uri::from(self.address.clone())).header(header::ACCEPT, "application/json");
        if let Some(tag) = &self.tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
        let answer = https.ask(request).map_err(|trouble| trouble.to_string())?;
        let status = answer.status();
        match status {
            StatusCode::OK => {
                let (head, bytes) = answer.into_parts();
                Ok(Some((bytes, head.headers.get(header::ETAG).cloned())))
            }
            StatusCode::NOT_MODIFIED if self.tag.is_some() => Ok(None),
            elsewhere if elsewhere.is_redirection() => Err(format!(
                "it sends us elsewhere ({}), where nobody was declared: name that address itself",
                status.as_u16()
            )),
            _ => Err(format!("it answers {}", status.as_u16())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_ask_at_different_times_and_about_as_often_as_they_shall() {
        let minutes = Duration::from_secs(300);
        assert_eq!(spread(minutes, 0), Duration::from_secs(270));
        assert_eq!(spread(minutes, u16::MAX).as_secs(), 330);
        assert_ne!(spread(minutes, 1_000), spread(minutes, 2_000));
    }
}
