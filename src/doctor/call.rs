//! The test call: INVITE, sound both ways, a key, hold and back, a refresh, BYE. In: a line on which the peer answers. Out: what
//! was seen at each step. A step that fails ends nothing: what comes after it may say more.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::Response;

use super::agent::{Agent, Asked, Draft, Talk, uri_in, value, values};
use super::sound::{self, Mouth};
use super::{CannotExamine, Unsound, Wish, clock, us};
use crate::call::sdp;
use crate::media::Session;
use crate::sip::Outbound;
use crate::trunk::seen::{Call, Change, HungUp, Media, Outcome, Step};
use crate::wire::{EXTENSIONS, METHODS};
use crate::words::{Digit, Direction, Host, Purpose};

/// Whoever is called may take so long to answer.
const RINGING: Duration = Duration::from_secs(15);

/// A change of a call is answered at once, or not.
const CHANGE: Duration = Duration::from_secs(5);

/// So long it is talked, at first and after hold.
const TALKING: Duration = Duration::from_millis(2_500);
const AGAIN: Duration = Duration::from_millis(1_200);

/// Seconds of the session interval that we ask for, and the longest that we agree to.
const INTERVAL: u32 = 1_800;
const LONGEST: u32 = 7_200;

/// So often it is tried with a longer one.
const LONGER: u8 = 2;

/// A call that has come about.
struct Running<'a> {
    agent: &'a mut Agent,
    talk: Talk,
    mouth: Option<Mouth>,
    /// Our sound's address and keys.
    ours: sdp::Ours,
    wish: &'a Wish,
    contact: String,
    interval: u32,
    /// Counts our descriptions.
    version: u64,
    takes_update: bool,
}

/// Calls, and looks at each step.
pub(super) async fn call(
    agent: &mut Agent,
    wish: &Wish,
    outbound: &Outbound,
    number: &str,
) -> Result<Call, CannotExamine> {
    let local = agent.line.local.ip();
    let socket = sound::socket(local).await.map_err(|error| CannotExamine::Here(error.to_string()))?;
    let mut ours = sdp::Ours::from(socket.local_addr().map_err(|error| CannotExamine::Here(error.to_string()))?);
    ours.protection = wish.trunk.protection(sound::keys()?, false);
    let (codecs, describing) = (wish.codecs.clone(), ours.clone());
    let answer = move |offer: &str| sdp::answer(offer, describing.clone(), &codecs, 9).ok().map(|(_, text)| text);
    agent.answers = Some(Arc::new(answer));
    let (talk, asked, interval, refused) = invite(agent, wish, outbound, number, &ours).await?;
    let mut seen = Call::new(asked.outcome.clone(), agent.line.local, agent.line.peer);
    seen.needs_srtp = wish.trunk.needs_srtp;
    seen.ringing = asked.ringing;
    seen.timer = refused;
    let Some(response) = asked.response else { return Ok(seen) };
    seen.seen_as = seen_as(&response);
    if !matches!(response.status_code.code(), 200..=299) {
        return Ok(seen);
    }
    seen.contact = values(&response.headers, "Contact").first().and_then(|contact| address_in(&uri_in(contact)?));
    let allow = value(&response.headers, "Allow").unwrap_or_default().to_ascii_uppercase();
    let session = agreed(&response, &ours, wish);
    seen.media = Some(media(&response, session.as_ref(), &allow));
    let mouth = match session {
        Ok(session) => Some(Mouth::open(socket, session)?),
        Err(_) => None,
    };
    let contact = agent.contact(&user(outbound));
    let takes_update = allow.contains("UPDATE");
    let running = Running { agent, talk, mouth, ours, wish, contact, interval, version: 1, takes_update };
    running.go_through(&mut seen).await?;
    Ok(seen)
}

/// INVITE, again with a longer interval where the peer wants one (RFC 4028 section 7.3).
async fn invite(
    agent: &mut Agent,
    wish: &Wish,
    outbound: &Outbound,
    number: &str,
    ours: &sdp::Ours,
) -> Result<(Talk, Asked, u32, crate::trunk::seen::Timer), Unsound> {
    let offer = sdp::offer(ours.clone(), &wish.codecs, 1);
    let to = format!("sip:{number}@{}", place(outbound));
    let mut refused = crate::trunk::seen::Timer::default();
    let mut interval = INTERVAL;
    loop {
        let mut talk = Talk::new(&caller(outbound, agent.line.local.ip()), &to, &to)?;
        let lines = vec![
            agent.contact(&user(outbound)),
            format!("Allow: {METHODS}"),
            format!("Supported: {EXTENSIONS}"),
            format!("Session-Expires: {interval}"),
            format!("Min-SE: {}", interval.min(INTERVAL).min(90)),
        ];
        let draft = Draft { method: "INVITE", lines, sdp: Some(&offer), patience: RINGING };
        let asked = agent.ask(&mut talk, &draft).await?;
        let status = asked.response.as_ref().map(|response| response.status_code.code());
        if status == Some(422) {
            let least = asked.response.as_ref().and_then(|response| value(&response.headers, "Min-SE"));
            refused.intervals_refused += 1;
            refused.least = least.and_then(|text| text.split(';').next()?.trim().parse().ok());
            if let Some(least) = refused.least.filter(|least| *least > interval && *least <= LONGEST)
                && refused.intervals_refused < LONGER
            {
                interval = least;
                continue;
            }
        }
        if asked.outcome == Outcome::Silent {
            cancel(agent, &mut talk).await?;
        }
        return Ok((talk, asked, interval, refused));
    }
}

/// Nobody answered: it need not ring on.
async fn cancel(agent: &mut Agent, talk: &mut Talk) -> Result<(), Unsound> {
    agent.ladder.note(false, "no final answer");
    let draft = Draft { method: "CANCEL", lines: Vec::new(), sdp: None, patience: Duration::from_secs(1) };
    agent.cancel(talk, &draft).await
}

impl Running<'_> {
    async fn go_through(mut self, seen: &mut Call) -> Result<(), CannotExamine> {
        if self.mouth.is_some() {
            self.wait(TALKING).await;
            if let (Some(mouth), Some(key)) = (&self.mouth, Digit::from_char('1')) {
                mouth.press(key).await;
            }
            self.wait(Duration::from_millis(400)).await;
            seen.sound = self.mouth.as_ref().map(Mouth::sound);
        }
        if self.is_on(seen, Step::Talking) && self.mouth.is_some() {
            seen.hold = Some(self.describe(Direction::SendOnly).await?);
            self.wait(Duration::from_millis(300)).await;
            if self.talk.over.is_none() {
                seen.resume = Some(self.describe(Direction::SendRecv).await?);
                let before = self.mouth.as_ref().map(Mouth::received);
                self.wait(AGAIN).await;
                let after = self.mouth.as_ref().map(Mouth::received);
                seen.after_resume = before.zip(after).map(|(before, after)| after.saturating_sub(before));
            }
        }
        if self.is_on(seen, Step::Holding) {
            seen.refresh = Some(self.refresh().await?);
            self.wait(Duration::from_millis(200)).await;
        }
        if self.is_on(seen, Step::Refreshing) {
            let bye = Draft { method: "BYE", lines: Vec::new(), sdp: None, patience: CHANGE };
            self.agent.ask(&mut self.talk, &bye).await?;
        }
        Ok(())
    }

    /// Whether the call is still on; if not, it is noted once when it ended.
    fn is_on(&self, seen: &mut Call, during: Step) -> bool {
        let Some(why) = &self.talk.over else { return true };
        if seen.hung_up.is_none() {
            seen.hung_up = Some(HungUp { during, why: why.clone() });
        }
        false
    }

    /// Waits, and answers what the peer begins.
    async fn wait(&mut self, span: Duration) {
        // A line that is lost shows at the next request.
        let _ = self.agent.listen(&mut self.talk, clock::now() + span).await;
    }

    /// Describes the call anew (RFC 3264 section 8.4): hold, or back again.
    async fn describe(&mut self, direction: Direction) -> Result<Change, Unsound> {
        self.version += 1;
        let offer = sdp::offer(self.ours.clone(), &self.wish.codecs, self.version);
        let offer = offer.replace("a=sendrecv", &format!("a={}", direction.name()));
        let asked = self.change("INVITE", Some(&offer)).await?;
        if let Some(response) = asked.response.as_ref().filter(|it| it.status_code.code() < 300)
            && let (Ok(session), Some(mouth)) = (agreed(response, &self.ours, self.wish), &self.mouth)
        {
            mouth.change(session).await;
        }
        Ok(self.change_of(&asked.outcome))
    }

    /// By UPDATE, or for a peer that has none by re-INVITE with what was said last.
    async fn refresh(&mut self) -> Result<Change, Unsound> {
        let asked = if self.takes_update {
            self.change("UPDATE", None).await?
        } else {
            let offer = sdp::offer(self.ours.clone(), &self.wish.codecs, self.version);
            self.change("INVITE", Some(&offer)).await?
        };
        Ok(self.change_of(&asked.outcome))
    }

    async fn change(&mut self, method: &str, sdp: Option<&str>) -> Result<Asked, Unsound> {
        let lines = vec![
            self.contact.clone(),
            format!("Allow: {METHODS}"),
            format!("Supported: {EXTENSIONS}"),
            format!("Session-Expires: {};refresher=uac", self.interval),
        ];
        let draft = Draft { method, lines, sdp, patience: CHANGE };
        self.agent.ask(&mut self.talk, &draft).await
    }

    fn change_of(&self, outcome: &Outcome) -> Change {
        match outcome {
            _ if self.talk.over.is_some() => Change::Over,
            Outcome::Answered(answered) => match answered.status {
                200..=299 => Change::Taken,
                // RFC 3261 section 12.2.1.2: these end a call.
                408 | 481 => Change::Over,
                status => Change::Refused(status),
            },
            Outcome::Silent => Change::Silent,
            Outcome::Refused | Outcome::Broken(_) => Change::Over,
        }
    }
}

/// What holds after their answer; or why it cannot be used.
fn agreed(response: &Response, ours: &sdp::Ours, wish: &Wish) -> Result<Session, String> {
    let body = String::from_utf8_lossy(&response.body);
    sdp::accept(&body, ours.clone(), &wish.codecs).map_err(|refusal| refusal.to_string())
}

fn media(response: &Response, session: Result<&Session, &String>, allow: &str) -> Media {
    match session {
        _ if response.body.is_empty() => Media::Missing,
        Ok(session) => Media::Agreed {
            codec: session.codec,
            payload_type: session.payload_type,
            at: session.remote_rtp,
            events: session.telephone_event.is_some(),
            info: allow.contains("INFO"),
            both_ways: session.direction == Direction::SendRecv,
        },
        Err(why) => Media::Unusable(why.clone()),
    }
}

/// Where the peer saw our INVITE come from (RFC 3581).
fn seen_as(response: &Response) -> Option<SocketAddr> {
    let via = value(&response.headers, "Via")?;
    let named = |name: &str| {
        via.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let address: IpAddr = named("received")?.trim_matches(['[', ']']).parse().ok()?;
    Some(SocketAddr::new(address, named("rport").and_then(|port| port.parse().ok()).unwrap_or_default()))
}

/// The address in a URI, if it is one.
fn address_in(uri: &str) -> Option<IpAddr> {
    let rest = uri.split_once(':')?.1;
    let host = rest.rsplit('@').next()?.split([';', '?', '>']).next()?;
    match host.strip_prefix('[') {
        Some(inside) => inside.split(']').next()?.parse().ok(),
        None => host.split(':').next()?.parse().ok(),
    }
}

/// Host and port of whom we call.
fn place(outbound: &Outbound) -> String {
    let host = &outbound.target.host;
    outbound.target.port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}"))
}

/// Whom we show as caller.
fn caller(outbound: &Outbound, local: IpAddr) -> String {
    match &outbound.identity {
        Some(identity) => {
            let number = identity.reveal(Purpose::Signalling).as_str();
            let host = if outbound.account.is_some() { outbound.target.host.clone() } else { Host::Address(local) };
            format!("sip:{number}@{host}")
        }
        None => us(outbound, local),
    }
}

fn user(outbound: &Outbound) -> String {
    outbound.account.as_ref().map_or_else(|| String::from("einwahl"), |account| account.user.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_in_a_contact_is_found_and_a_name_is_none() {
        let found = |uri: &str| address_in(uri).map(|address| address.to_string());
        assert_eq!(found("sip:a@192.0.2.1:5060;transport=tcp").as_deref(), Some("192.0.2.1"));
        assert_eq!(found("sips:[2001:db8::1]").as_deref(), Some("2001:db8::1"));
        assert_eq!(found("sip:a@pbx.example"), None);
    }
}
