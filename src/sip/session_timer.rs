//! Session timers (RFC 4028). In: an INVITE or UPDATE. Out: how long the session holds without a refresh, who refreshes it,
//! and what our 200 says of that. A peer that knows no timers is refreshed by us, if a proxy on the way asks for it.

use std::time::Duration;

use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Header, Request, Response};

use crate::call::Refusal;

/// What holds until the next refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionTimer {
    interval: Duration,
    refresher: Refresher,
    /// The peer has to know that there is a timer.
    required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refresher {
    Peer,
    Us,
}

/// What is to be done when a session timer runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// We refresh the session.
    Refresh,
    /// The peer has not: the session is over.
    End,
}

impl SessionTimer {
    /// Reads what the peer asks for; none, if it asks for none.
    pub(super) fn of(request: &Request, least: Duration) -> Result<Option<Self>, Refusal> {
        let Some(asked) = value(request, "Session-Expires", "x") else { return Ok(None) };
        let mut parts = asked.split(';').map(str::trim);
        let Some(interval) = parts.next().and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs) else {
            return Ok(None);
        };
        let supported = value(request, "Supported", "k").unwrap_or_default();
        let knows_timers = supported.split(',').any(|option| option.trim().eq_ignore_ascii_case("timer"));
        // One that knows no timers would not understand a 422 (section 9).
        if interval < least && knows_timers {
            return Err(Refusal::IntervalTooSmall { least });
        }
        let refresher = parts.find_map(|part| {
            let (name, who) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("refresher").then(|| who.trim().to_ascii_lowercase())
        });
        // Table 2 of section 9.
        let by_us = refresher.is_some_and(|who| who == "uas") || !knows_timers;
        let refresher = if by_us { Refresher::Us } else { Refresher::Peer };
        Ok(Some(Self { interval: interval.max(least), refresher, required: knows_timers }))
    }

    /// Reads what the peer's answer to our INVITE says: who refreshes is named as who called, which is us (section 7.2).
    pub(super) fn of_answer(response: &Response) -> Option<Self> {
        let said = value(response, "Session-Expires", "x")?;
        let mut parts = said.split(';').map(str::trim);
        let interval = Duration::from_secs(parts.next()?.parse().ok().filter(|seconds| *seconds > 0)?);
        let by_peer = parts.any(|part| part.eq_ignore_ascii_case("refresher=uas"));
        let refresher = if by_peer { Refresher::Peer } else { Refresher::Us };
        Some(Self { interval, refresher, required: true })
    }

    /// For our INVITE: we know timers, and would like one.
    pub(super) fn headers_of_offer() -> Vec<Header> {
        vec![Header::Other("Session-Expires".into(), WANTED.as_secs().to_string())]
    }

    /// For our 200.
    pub(super) fn headers(self) -> Vec<Header> {
        let refresher = match self.refresher {
            Refresher::Peer => "uac",
            Refresher::Us => "uas",
        };
        let expires = format!("{};refresher={refresher}", self.interval.as_secs());
        let mut headers = vec![Header::Other("Session-Expires".into(), expires)];
        if self.required && self.refresher == Refresher::Peer {
            headers.push(Header::Other("Require".into(), "timer".into()));
        }
        headers
    }

    /// For a refresh that we send: then we are the caller of the transaction.
    pub(super) fn headers_of_refresh(self) -> Vec<Header> {
        let expires = format!("{};refresher=uac", self.interval.as_secs());
        vec![Header::Other("Session-Expires".into(), expires), Header::Other("Supported".into(), "timer".into())]
    }

    /// What is due so long after the last refresh (section 10): ours at the half; the end a little before the peer's is over.
    pub(super) fn due(self) -> (Duration, Due) {
        match self.refresher {
            Refresher::Us => (self.interval / 2, Due::Refresh),
            Refresher::Peer => (self.interval - (self.interval / 3).min(Duration::from_secs(32)), Due::End),
        }
    }
}

/// How long a call that we place may stay without a refresh; the RFC's own proposal.
const WANTED: Duration = Duration::from_secs(1_800);

/// A header by its long or its compact name.
fn value(request: &impl HeadersExt, long: &str, compact: &str) -> Option<String> {
    request.header_value(long).or_else(|| request.header_value(compact)).map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_secs(90);

    fn read(headers: &str) -> Result<Option<SessionTimer>, Refusal> {
        let text = format!(
            "INVITE sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=1\r\n\
             To: <sip:1@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        SessionTimer::of(&Request::try_from(text.as_str()).expect("a request"), LEAST)
    }

    fn said(headers: &str) -> String {
        let timer = read(headers).expect("taken").expect("a timer");
        timer.headers().iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn who_refreshes_follows_the_table_of_the_rfc() {
        for (asked, answered) in [
            ("Supported: timer\r\nSession-Expires: 1800\r\n", "Session-Expires: 1800;refresher=uac|Require: timer"),
            ("k: timer\r\nx: 1800;refresher=uac\r\n", "Session-Expires: 1800;refresher=uac|Require: timer"),
            ("Supported: 100rel, timer\r\nSession-Expires: 90;refresher=uas\r\n", "Session-Expires: 90;refresher=uas"),
            ("Session-Expires: 1800\r\n", "Session-Expires: 1800;refresher=uas"),
        ] {
            assert_eq!(said(asked), answered, "{asked}");
        }
    }

    #[test]
    fn too_short_is_refused_with_the_least_only_if_the_peer_understands_that() {
        assert_eq!(
            read("Supported: timer\r\nSession-Expires: 89\r\n"),
            Err(Refusal::IntervalTooSmall { least: LEAST })
        );
        assert_eq!(said("Session-Expires: 60\r\n"), "Session-Expires: 90;refresher=uas");
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn whom_we_called_says_who_refreshes() {
        let said = |headers: &str| {
            let text = format!(
                "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=1\r\n\
                 To: <sip:1@127.0.0.1>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
            );
            let answer = Response::try_from(text.as_str()).expect("a response");
            SessionTimer::of_answer(&answer).map(SessionTimer::due)
        };
        assert_eq!(said("Session-Expires: 1800;refresher=uac\r\n"), Some((Duration::from_secs(900), Due::Refresh)));
        assert_eq!(said("x: 90;refresher=uas\r\n"), Some((Duration::from_secs(60), Due::End)));
        assert_eq!(said("Session-Expires: 0\r\n"), None);
        assert_eq!(said(""), None);
    }

    #[test]
    fn the_end_comes_a_little_before_the_peer_counts_it_over() {
        let due = |headers| read(headers).expect("taken").expect("a timer").due();
        assert_eq!(due("Supported: timer\r\nSession-Expires: 1800\r\n"), (Duration::from_secs(1768), Due::End));
        assert_eq!(due("Supported: timer\r\nSession-Expires: 90\r\n"), (Duration::from_secs(60), Due::End));
        assert_eq!(due("Session-Expires: 90\r\n"), (Duration::from_secs(45), Due::Refresh));
    }
}
