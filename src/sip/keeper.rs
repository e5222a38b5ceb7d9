//! Keeps an eye on the trunks that can be called. In: nothing but time. Out: OPTIONS every half minute, and REGISTER where a trunk
//! wants it (RFC 3261 section 10), from the door's own sockets; [`Event::Trunk`] whenever one stands otherwise.
//!
//! It only performs: `trunk::registration` says when and for how long, `trunk::standing` what it means.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Request, Response, SipMessage};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::Transaction;
use tokio::time::{timeout, timeout_at};

use super::proof::{self, chance, values};
use super::trunks::{Outbound, Trunk};
use super::ways::Way;
use super::{Event, Shared, clock};
use crate::trunk::contacts::bindings;
use crate::trunk::hops::Hop;
use crate::trunk::registration::{self, Effect, Failure, Registration};
use crate::trunk::standing::{self, Standing, Watch};
use crate::wire::METHODS;
use crate::words::Transport;

/// Between two OPTIONS.
const PAUSE: Duration = Duration::from_secs(30);

/// An answer takes no longer, or there is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// To take a registration back when we stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A challenge, and one more if its nonce was too old.
const TRIES: usize = 3;

/// How a trunk stands, as the gateway is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkNews {
    /// How it stands.
    pub standing: Standing,
    /// So long the registrar still knows us, if it has to.
    pub registered_for: Option<Duration>,
}

struct Keeper {
    shared: Arc<Shared>,
    trunk: Trunk,
    outbound: Outbound,
    watch: Watch,
    registration: Option<Registration>,
    call_id: String,
    number: u32,
    /// Our address as it was told last.
    us: String,
    /// The address that has answered last.
    served: Option<Hop>,
}

/// A request outside of a call.
struct Asked<'a> {
    method: &'a str,
    /// Seconds, for REGISTER.
    expires: Option<u32>,
}

/// What is due.
enum Due {
    Options,
    Registration,
}

/// Keeps all of them until the door is left.
pub(super) fn keep(shared: &Arc<Shared>) {
    for trunk in shared.config.trunks.0.iter().filter(|trunk| trunk.outbound.is_some()).cloned() {
        let Some(outbound) = trunk.outbound.clone() else { continue };
        let keeper = Keeper {
            shared: Arc::clone(shared),
            watch: Watch::default(),
            registration: None,
            call_id: format!("{:016x}{:016x}", chance(), chance()),
            number: 0,
            us: String::new(),
            served: None,
            trunk,
            outbound,
        };
        shared.keepers.spawn(keeper.run());
    }
}

impl Keeper {
    async fn run(mut self) {
        let mut options_at = clock::now();
        if self.outbound.register {
            let (registration, effect) = Registration::begin();
            self.registration = Some(registration);
            self.perform(effect).await;
        }
        loop {
            let timer = self.registration.as_ref().and_then(Registration::next_timeout);
            let (at, due) = match timer {
                Some((at, _)) if at < options_at => (at, Due::Registration),
                Some(_) | None => (options_at, Due::Options),
            };
            let leaving = self.shared.leaving.clone();
            if timeout_at(at.into(), leaving.cancelled()).await.is_ok() {
                break;
            }
            match due {
                Due::Options => {
                    self.greet().await;
                    options_at = clock::now() + PAUSE;
                }
                Due::Registration => self.step(registration::Input::Timeout).await,
            }
        }
        let _ = timeout(LAST_WORDS, self.step(registration::Input::Stop)).await;
    }

    /// OPTIONS: whoever answers is there.
    async fn greet(&mut self) {
        let input = match self.ask(&Asked { method: "OPTIONS", expires: None }).await {
            Ok(response) => standing::Input::Answered(response.status_code.code()),
            Err(why) => standing::Input::Missed(why),
        };
        self.judge(input).await;
    }

    /// One step of the registration, and what it wants.
    async fn step(&mut self, input: registration::Input) {
        let Some(registration) = self.registration.take() else { return };
        let (registration, effect) = registration.on(input, clock::now(), pause_by_chance());
        self.registration = Some(registration);
        if let Some(effect) = effect {
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        let mut next = Some(effect);
        while let Some(Effect::Register { seconds }) = next.take() {
            let input = self.register(seconds).await;
            let Some(registration) = self.registration.take() else { return };
            let (registration, effect) = registration.on(input, clock::now(), pause_by_chance());
            self.registration = Some(registration);
            next = effect;
        }
        let now = clock::now();
        let Some(registration) = &self.registration else { return };
        let input = match registration.failure() {
            _ if registration.is_held(now) => standing::Input::Registered,
            Some(Failure::Refused { status, .. }) => {
                standing::Input::Unregistered(format!("the registrar answers {status}"))
            }
            Some(Failure::Unreached(why)) => standing::Input::Unregistered(why.clone()),
            None => standing::Input::Unregistered(String::from("taken back")),
        };
        self.judge(input).await;
    }

    async fn register(&mut self, seconds: u32) -> registration::Input {
        let response = match self.ask(&Asked { method: "REGISTER", expires: Some(seconds) }).await {
            Ok(response) => response,
            Err(why) => return registration::Input::Failed(Failure::Unreached(why)),
        };
        let number = |name: &str| leading(values(&response.headers, name).first()?);
        match response.status_code.code() {
            200..=299 => registration::Input::Granted { seconds: granted(&response, &self.us).unwrap_or(seconds) },
            423 => match number("Min-Expires") {
                Some(least) => registration::Input::TooBrief { least },
                None => registration::Input::Failed(Failure::Refused { status: 423, retry_after: None }),
            },
            status => {
                let retry_after = number("Retry-After").map(|seconds| Duration::from_secs(u64::from(seconds)));
                registration::Input::Failed(Failure::Refused { status, retry_after })
            }
        }
    }

    async fn judge(&mut self, input: standing::Input) {
        let is_registration = matches!(input, standing::Input::Registered | standing::Input::Unregistered(_));
        let is_new = self.watch.on(input);
        if !is_new && !is_registration {
            return;
        }
        let now = clock::now();
        let until = self.registration.as_ref().and_then(Registration::holds_until);
        let registered_for = until.map(|until| until.saturating_duration_since(now));
        let news = TrunkNews { standing: self.watch.standing().clone(), registered_for };
        let _ = self.shared.events.send(Event::Trunk { trunk: self.trunk.name.clone(), news: Box::new(news) }).await;
    }

    /// Asks one address after the other (RFC 3263 section 4.3).
    async fn ask(&mut self, asked: &Asked<'_>) -> Result<Response, String> {
        let mut hops = self.shared.hops(&self.trunk, &self.outbound).await.map_err(|error| error.to_string())?;
        // Who has answered last, and may know us, is asked first.
        hops.sort_by_key(|hop| self.served.as_ref() != Some(hop));
        let mut last = Err(String::from("there is no address"));
        for hop in &hops {
            last = self.ask_at(hop, asked).await;
            if last.as_ref().is_ok_and(|response| response.status_code.code() != 503) {
                self.served = Some(hop.clone());
                break;
            }
        }
        last
    }

    async fn ask_at(&mut self, hop: &Hop, asked: &Asked<'_>) -> Result<Response, String> {
        let way = self.shared.way(&self.outbound, hop).await.map_err(|error| error.to_string())?;
        self.us = way.us.host_with_port.to_string();
        let mut proof: Option<String> = None;
        let mut last = None;
        for _ in 0..TRIES {
            self.number = self.number.saturating_add(1);
            let text = self.write(asked, &self.us, hop, proof.as_deref());
            let request = Request::try_from(text.as_bytes()).map_err(|error| error.to_string())?;
            let response = exchange(request, &way).await?;
            let status = response.status_code.code();
            let is_asked = matches!(status, 401 | 407);
            let line = if is_asked { self.prove(asked, &response, proof.is_some()) } else { None };
            if line.is_none() {
                return Ok(response);
            }
            (proof, last) = (line, Some(response));
        }
        last.ok_or_else(|| String::from("no answer"))
    }
}

impl Keeper {
    fn write(&self, asked: &Asked<'_>, us: &str, hop: &Hop, proof: Option<&str>) -> String {
        let host = &self.outbound.target.host;
        let user = self.outbound.account.as_ref().map_or("einwahl", |account| account.user.as_str());
        let aor = self
            .outbound
            .account
            .as_ref()
            .map_or_else(|| format!("sip:einwahl@{us}"), |_| format!("sip:{user}@{host}"));
        let (target, to) = match asked.expires {
            Some(_) => (format!("sip:{host}"), aor.clone()),
            None => (self.outbound.target.to_string(), self.outbound.target.to_string()),
        };
        let Asked { method, expires } = asked;
        let transport = hop.transport.to_string();
        let mark = if hop.transport == Transport::Udp {
            String::new()
        } else {
            format!(";transport={}", transport.to_ascii_lowercase())
        };
        let mut lines = vec![
            format!("{method} {target} SIP/2.0"),
            format!("Via: SIP/2.0/{transport} {us};branch=z9hG4bK{:016x};rport", chance()),
            String::from("Max-Forwards: 70"),
            format!("From: <{aor}>;tag={:016x}", chance()),
            format!("To: <{to}>"),
            format!("Call-ID: {}", self.call_id),
            format!("CSeq: {} {method}", self.number),
            format!("Contact: <sip:{user}@{us}{mark}>"),
            format!("Allow: {METHODS}"),
            String::from("User-Agent: Einwahl"),
        ];
        lines.extend(expires.map(|seconds| format!("Expires: {seconds}")));
        lines.extend(proof.map(ToOwned::to_owned));
        lines.push(String::from("Content-Length: 0"));
        format!("{}\r\n\r\n", lines.join("\r\n"))
    }

    /// The line that proves who we are; none, if it is of no use.
    fn prove(&self, asked: &Asked<'_>, response: &Response, is_proven: bool) -> Option<String> {
        let account = self.outbound.account.as_ref()?;
        let uri = match asked.expires {
            Some(_) => format!("sip:{}", self.outbound.target.host),
            None => self.outbound.target.to_string(),
        };
        let (field, value) = proof::of(account, response, asked.method, &uri, is_proven)?;
        Some(format!("{field}: {value}"))
    }
}

/// Sends, and waits for the final answer.
async fn exchange(request: Request, way: &Way) -> Result<Response, String> {
    let key = TransactionKey::from_request(&request, TransactionRole::Client).map_err(|error| error.to_string())?;
    let mut transaction = Transaction::new_client(key, request, way.layer.endpoint.clone(), None);
    transaction.destination = Some(way.destination.clone());
    let answer = async {
        transaction.send().await.map_err(|error| error.to_string())?;
        while let Some(message) = transaction.receive().await {
            match message {
                SipMessage::Response(response) if response.status_code.code() >= 200 => return Ok(response),
                SipMessage::Response(_) | SipMessage::Request(_) => {}
            }
        }
        Err(String::from("it does not answer"))
    };
    timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(String::from("it does not answer")))
}

/// So long our own Contact holds, as the registrar says.
fn granted(response: &Response, us: &str) -> Option<u32> {
    let known = bindings(&values(&response.headers, "Contact"));
    let ours = known.into_iter().find(|binding| binding.at == us).and_then(|binding| binding.expires);
    ours.or_else(|| leading(values(&response.headers, "Expires").first()?))
}

/// The number at the beginning of a value.
fn leading(text: &str) -> Option<u32> {
    text.trim().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// For how long a pause differs from others.
fn pause_by_chance() -> u32 {
    let [_, _, _, _, a, b, c, d] = chance().to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}
