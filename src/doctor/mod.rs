//! The trunk doctor. In: a trunk's configuration. Out: what is wrong with it, in plain words, with every message as proof.
//! It asks DNS, opens a socket of its own, asks the peer for its abilities and the registrar for our addresses, and calls a
//! number if there is one: sound both ways, a key, hold, a refresh. What that means, `trunk::diagnosis` says.

mod agent;
mod call;
mod clock;
mod ladder;
mod line;
mod sound;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::names;
use crate::residency::Residency;
use crate::sip::{Outbound, Resolver, Trunk, Unresolved};
use crate::tls;
use crate::trunk::contacts::bindings;
use crate::trunk::diagnosis::diagnose;
use crate::trunk::hops::{Hop, Hops};
use crate::trunk::is_user;
use crate::trunk::report::Report;
use crate::trunk::seen::{Attempt, Directory, Outcome, Reached, Registrar, Seen, TlsTrouble};
use crate::words::{Codec, TrunkName};

use agent::{Agent, Draft, Talk, values};
use ladder::Ladder;
use line::Line;

/// What is to be examined.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The trunk.
    pub trunk: Trunk,
    /// The DNS servers to ask; those of this machine, if none is named.
    pub dns: Vec<SocketAddr>,
    /// Where something may be sent.
    pub residency: Residency,
    /// Whom to call; the trunk's own number for tests, if this is left out; nobody, if it has none.
    pub number: Option<String>,
    /// Where the gateway listens: what a registrar should know.
    pub listening: Vec<SocketAddr>,
    /// The codecs to offer, the best first.
    pub codecs: Vec<Codec>,
}

/// The examination itself could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotExamine {
    /// The trunk is one that only calls.
    #[error("trunk {0} has no dial: it only calls here, and there is nobody to ask")]
    NoDial(TrunkName),
    /// What is to be called cannot stand in a SIP URI.
    #[error("{0:?} cannot be called: write a number or an extension as it is dialled there, without spaces")]
    Number(String),
    /// This machine fails.
    #[error("this machine cannot examine a trunk: {0}")]
    Here(String),
}

/// This machine fails: no randomness, no socket.
#[derive(Debug)]
struct Unsound(String);

impl From<Unsound> for CannotExamine {
    fn from(Unsound(why): Unsound) -> Self {
        Self::Here(why)
    }
}

/// A peer that does not answer OPTIONS in this time answers none.
const GREETING: Duration = Duration::from_secs(6);

/// Proving who we are takes two requests.
const REGISTRAR: Duration = Duration::from_secs(6);

/// So many addresses are tried: each may cost seconds.
const MOST: usize = 4;

/// Examines a trunk. Takes less than a minute.
///
/// # Errors
/// There is nothing to be examined, or this machine fails.
pub async fn examine(wish: Wish) -> Result<Report, CannotExamine> {
    let name = wish.trunk.name.clone();
    let Some(outbound) = wish.trunk.outbound.clone() else { return Err(CannotExamine::NoDial(name)) };
    let number = wish.number.clone().or_else(|| outbound.test.clone());
    if let Some(number) = number.as_ref().filter(|number| !is_user(number)) {
        return Err(CannotExamine::Number(number.clone()));
    }
    let mut seen = Seen::default();
    let mut ladder = Ladder::new();
    let hops = look_up(&wish, &outbound, &mut seen, &mut ladder).await;
    let (greeted, ladder) = reach(&outbound, hops, &mut seen, ladder).await?;
    let ladder = match greeted {
        None => ladder,
        Some(mut agent) => {
            if let Some(account) = agent.account.clone().filter(|_| outbound.register) {
                seen.registrar = Some(ask_registrar(&mut agent, &wish, &outbound, &account.user).await?);
            }
            if let Some(number) = number.filter(|_| goes_on(&seen)) {
                seen.call = Some(call::call(&mut agent, &wish, &outbound, &number).await?);
            }
            agent.ladder
        }
    };
    let findings = diagnose(&seen);
    let (ladder, ms) = ladder.into_rungs();
    Ok(Report::new(&name, &seen, &findings, ladder, ms))
}

/// Whether a call can say more: not if OPTIONS says that nothing is taken.
fn goes_on(seen: &Seen) -> bool {
    !matches!(&seen.greeting, Some(Outcome::Answered(answered)) if answered.status == 503)
}

async fn look_up(wish: &Wish, outbound: &Outbound, seen: &mut Seen, ladder: &mut Ladder) -> Vec<Hop> {
    let resolver = Resolver::new(&wish.dns, wish.residency.clone());
    match resolver.hops(&wish.trunk, &outbound.target).await {
        Ok(Hops { to_try, outside }) => {
            for hop in &to_try {
                ladder.note(false, format!("{} leads to {} over {}", outbound.target, hop.address, hop.transport));
            }
            if !outside.is_empty() {
                seen.directory = Directory::PartlyOutside(outside);
            }
            to_try
        }
        Err(error) => {
            ladder.note(false, error.to_string());
            seen.directory = match error {
                Unresolved::Name(names::Unresolved::NoSuchName(name)) => Directory::NoSuchName(name),
                Unresolved::Name(names::Unresolved::NoAddress(name)) => Directory::NoAddress(name),
                Unresolved::Name(names::Unresolved::Setup(why) | names::Unresolved::NoAnswer { why, .. }) => {
                    Directory::NoAnswer(why)
                }
                Unresolved::Outside { addresses, .. } => Directory::Outside(addresses),
            };
            Vec::new()
        }
    }
}

/// Tries one address after the other until one answers OPTIONS; the last is kept, answer or not.
async fn reach(
    outbound: &Outbound,
    hops: Vec<Hop>,
    seen: &mut Seen,
    mut ladder: Ladder,
) -> Result<(Option<Agent>, Ladder), CannotExamine> {
    let tls = tls::client(outbound.ca.as_deref()).map(Arc::new);
    let tries = hops.len().min(MOST);
    for (at, hop) in hops.into_iter().take(MOST).enumerate() {
        let is_last = at + 1 == tries;
        let line = match Line::open(&hop, &outbound.target.host, tls.as_ref().ok()).await {
            Ok(line) => line,
            Err(reached) => {
                let reached = match (&tls, reached) {
                    (Err(error), Reached::NoTls(_)) => Reached::NoTls(TlsTrouble::Other(error.to_string())),
                    (_, reached) => reached,
                };
                ladder.note(false, format!("{} over {}: {reached:?}", hop.address, hop.transport));
                seen.attempts.push(Attempt { hop, reached });
                continue;
            }
        };
        let mut agent = Agent { line, ladder, account: outbound.account.clone(), answers: None };
        let outcome = greet(&mut agent, outbound).await?;
        let reached = match &outcome {
            Outcome::Silent if !is_last => Reached::Silent,
            Outcome::Refused if !is_last => Reached::Refused,
            Outcome::Broken(why) if !is_last => Reached::Broken(why.clone()),
            Outcome::Answered(_) | Outcome::Silent | Outcome::Refused | Outcome::Broken(_) => Reached::Open,
        };
        let is_open = reached == Reached::Open;
        seen.attempts.push(Attempt { hop, reached });
        if is_open {
            let is_usable = matches!(outcome, Outcome::Answered(_) | Outcome::Silent);
            seen.greeting = Some(outcome);
            return Ok(if is_usable { (Some(agent), Ladder::new()) } else { (None, agent.ladder) });
        }
        ladder = agent.ladder;
    }
    Ok((None, ladder))
}

async fn greet(agent: &mut Agent, outbound: &Outbound) -> Result<Outcome, Unsound> {
    let target = outbound.target.to_string();
    let mut talk = Talk::new(&us(outbound, agent.line.local.ip()), &target, &target)?;
    let lines = vec![agent.contact("einwahl"), String::from("Accept: application/sdp")];
    let draft = Draft { method: "OPTIONS", lines, sdp: None, patience: GREETING };
    let account = agent.account.take();
    let asked = agent.ask(&mut talk, &draft).await?;
    agent.account = account;
    if asked.outcome == Outcome::Silent {
        agent.ladder.note(false, "no answer");
    }
    Ok(asked.outcome)
}

/// Asks which addresses of ours it knows: REGISTER without a Contact changes nothing (RFC 3261 section 10.2.3).
async fn ask_registrar(
    agent: &mut Agent,
    wish: &Wish,
    outbound: &Outbound,
    user: &str,
) -> Result<Registrar, CannotExamine> {
    let host = &outbound.target.host;
    let aor = format!("sip:{user}@{host}");
    let mut talk = Talk::new(&aor, &aor, &format!("sip:{host}"))?;
    let draft = Draft { method: "REGISTER", lines: Vec::new(), sdp: None, patience: REGISTRAR };
    let asked = agent.ask(&mut talk, &draft).await?;
    let contacts = asked.response.map(|response| values(&response.headers, "Contact")).unwrap_or_default();
    let ours = wish
        .listening
        .iter()
        .map(|at| if at.ip().is_unspecified() { (agent.line.local.ip(), at.port()).into() } else { *at });
    Ok(Registrar { outcome: asked.outcome, bindings: bindings(&contacts), ours: ours.collect() })
}

/// Who we are there, as a URI.
fn us(outbound: &Outbound, local: IpAddr) -> String {
    match &outbound.account {
        Some(account) => format!("sip:{}@{}", account.user, outbound.target.host),
        None => format!("sip:einwahl@{}", crate::words::Host::Address(local)),
    }
}

/// A word by chance.
fn word<const N: usize>() -> Result<String, Unsound> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Unsound(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
