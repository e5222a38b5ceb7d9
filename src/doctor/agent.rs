//! One who asks: requests over one line, each repeated until it is answered, with our proof where the peer asks for it
//! (RFC 3261 sections 8, 17 and 22). In: what to ask. Out: what came of it. What the peer begins meanwhile is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rsipstack::sip::{Headers, Request, Response, SipMessage};

use super::ladder::Ladder;
use super::line::{Line, Lost};
use super::{Unsound, clock, word};
use crate::sip::Account;
use crate::trunk::digest::Challenge;
use crate::trunk::seen::{Answered, Login, Outcome};
use crate::wire::{EXTENSIONS, METHODS, Origin, Reading, normalise};
use crate::words::Transport;

/// Timer T1 and the longest pause between two repetitions (RFC 3261 section 17.1.2.1).
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// So often a peer may call its own question out of date.
const STALE: u8 = 3;

/// Answers an offer with our SDP.
pub(super) type Answers = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// One who asks.
pub(super) struct Agent {
    pub line: Line,
    pub ladder: Ladder,
    pub account: Option<Account>,
    /// Our codecs and our sound's address, for a peer that changes the call.
    pub answers: Option<Answers>,
}

/// What belongs together: one dialog, or requests outside of one.
pub(super) struct Talk {
    call_id: String,
    from: String,
    to: String,
    target: String,
    routes: Vec<String>,
    number: u32,
    /// The branch of the last request.
    branch: String,
    /// What acknowledges our last INVITE, once it is answered.
    ack: Option<Vec<u8>>,
    /// They have hung up, and why.
    pub over: Option<Option<String>>,
}

/// A request.
pub(super) struct Draft<'a> {
    pub method: &'a str,
    pub lines: Vec<String>,
    pub sdp: Option<&'a str>,
    pub patience: Duration,
}

/// What came of a request.
pub(super) struct Asked {
    pub outcome: Outcome,
    pub response: Option<Response>,
    pub ringing: Vec<u16>,
}

impl Talk {
    /// Begins one. `from` and `to` are URIs.
    pub(super) fn new(from: &str, to: &str, target: &str) -> Result<Self, Unsound> {
        Ok(Self {
            call_id: word::<16>()?,
            from: format!("<{from}>;tag={}", word::<8>()?),
            to: format!("<{to}>"),
            target: target.to_owned(),
            routes: Vec::new(),
            number: 0,
            branch: String::new(),
            ack: None,
            over: None,
        })
    }

    /// The dialog that an answer to INVITE makes (section 12.1.2).
    fn established(&mut self, response: &Response) {
        if let Some(to) = value(&response.headers, "To") {
            self.to = to;
        }
        if let Some(target) = values(&response.headers, "Contact").first().and_then(|contact| uri_in(contact)) {
            self.target = target;
        }
        self.routes = values(&response.headers, "Record-Route");
        self.routes.reverse();
    }
}

impl Agent {
    /// Asks, and proves who we are if that is wanted.
    pub(super) async fn ask(&mut self, talk: &mut Talk, draft: &Draft<'_>) -> Result<Asked, Unsound> {
        let mut login = Login::NotAsked;
        let mut proof: Option<String> = None;
        let mut stale = 0;
        let mut ringing = Vec::new();
        loop {
            talk.number += 1;
            let number = talk.number;
            let branch = word::<12>()?;
            talk.branch.clone_from(&branch);
            let bytes = self.write(talk, draft, number, &branch, proof.as_deref());
            let response = match self.exchange(talk, &bytes, draft, number, &mut ringing).await {
                Ok(Some(response)) => response,
                Ok(None) => return Ok(Asked { outcome: Outcome::Silent, response: None, ringing }),
                Err(Lost::Refused) => return Ok(Asked { outcome: Outcome::Refused, response: None, ringing }),
                Err(Lost::Broken(why)) => return Ok(Asked { outcome: Outcome::Broken(why), response: None, ringing }),
            };
            let status = response.status_code.code();
            if draft.method == "INVITE" {
                self.acknowledge(talk, &response, number, &branch).await?;
            }
            let asks = matches!(status, 401 | 407);
            if asks {
                match self.prove(talk, draft, &response, proof.is_some(), &mut stale)? {
                    Ok((line, realm)) => {
                        proof = Some(line);
                        login = Login::Taken { realm };
                        continue;
                    }
                    Err(why) => login = why,
                }
            }
            let outcome = Outcome::Answered(answered(&response, login));
            return Ok(Asked { outcome, response: Some(response), ringing });
        }
    }

    /// Takes back the INVITE that was asked last (section 9.1): CANCEL has its number and branch.
    pub(super) async fn cancel(&mut self, talk: &mut Talk, draft: &Draft<'_>) -> Result<(), Unsound> {
        let bytes = self.write(talk, draft, talk.number, &talk.branch, None);
        // Who answered nothing until now may stay silent.
        let _ = self.exchange(talk, &bytes, draft, talk.number, &mut Vec::new()).await;
        Ok(())
    }

    /// The line that proves who we are; or why there is none.
    fn prove(
        &self,
        talk: &Talk,
        draft: &Draft<'_>,
        response: &Response,
        is_proven: bool,
        stale: &mut u8,
    ) -> Result<Result<(String, String), Login>, Unsound> {
        let (asks, answers) = match response.status_code.code() {
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => ("WWW-Authenticate", "Authorization"),
        };
        let challenges = values(&response.headers, asks);
        let challenge = match Challenge::best(challenges.iter().map(String::as_str)) {
            Ok(challenge) => challenge,
            Err(why) => return Ok(Err(Login::Unanswerable(why.to_string()))),
        };
        let Some(account) = &self.account else { return Ok(Err(Login::NoAccount { realm: challenge.realm })) };
        if is_proven {
            if !challenge.stale {
                return Ok(Err(Login::Rejected { realm: challenge.realm }));
            }
            *stale += 1;
            if *stale >= STALE {
                return Ok(Err(Login::Loop { times: *stale + 1 }));
            }
        }
        let value = challenge.answer(&account.user, &account.password, draft.method, &talk.target, &word::<8>()?);
        Ok(Ok((format!("{answers}: {value}"), challenge.realm)))
    }

    fn write(&self, talk: &Talk, draft: &Draft<'_>, number: u32, branch: &str, proof: Option<&str>) -> Vec<u8> {
        let Draft { method, lines, sdp, .. } = draft;
        let body = sdp.unwrap_or_default();
        let mut all = vec![
            format!("{method} {} SIP/2.0", talk.target),
            self.via(branch),
            String::from("Max-Forwards: 70"),
            format!("From: {}", talk.from),
            format!("To: {}", talk.to),
            format!("Call-ID: {}", talk.call_id),
            format!("CSeq: {number} {method}"),
            String::from("User-Agent: Einwahl trunk doctor"),
        ];
        all.extend(talk.routes.iter().map(|route| format!("Route: {route}")));
        all.extend(lines.iter().cloned());
        all.extend(proof.map(ToOwned::to_owned));
        if !body.is_empty() {
            all.push(String::from("Content-Type: application/sdp"));
        }
        all.push(format!("Content-Length: {}", body.len()));
        format!("{}\r\n\r\n{body}", all.join("\r\n")).into_bytes()
    }

    fn via(&self, branch: &str) -> String {
        format!("Via: SIP/2.0/{} {};branch=z9hG4bK{branch};rport", self.line.transport, self.line.local)
    }

    /// Where the peer finds us.
    pub(super) fn contact(&self, user: &str) -> String {
        let transport = match self.line.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("Contact: <sip:{user}@{}{transport}>", self.line.local)
    }

    /// Sends, repeats, and waits for the final answer.
    async fn exchange(
        &mut self,
        talk: &mut Talk,
        bytes: &[u8],
        draft: &Draft<'_>,
        number: u32,
        ringing: &mut Vec<u16>,
    ) -> Result<Option<Response>, Lost> {
        let end = clock::now() + draft.patience;
        let (mut pause, mut again) = (T1, clock::now() + T1);
        self.send(bytes).await?;
        loop {
            let is_heard = draft.method == "INVITE" && !ringing.is_empty();
            let repeats = self.line.repeats() && !is_heard;
            let until = if repeats { end.min(again) } else { end };
            let Some(message) = self.line.receive(until).await? else {
                if clock::now() >= end {
                    return Ok(None);
                }
                self.line.send(bytes).await?;
                pause = (pause * 2).min(T2);
                again = clock::now() + pause;
                continue;
            };
            match self.took(talk, &message).await? {
                Some(response) if belongs(&response, talk, number, draft.method) => {
                    let status = response.status_code.code();
                    if status >= 200 {
                        return Ok(Some(response));
                    }
                    if !ringing.contains(&status) {
                        ringing.push(status);
                    }
                }
                Some(_) | None => {}
            }
        }
    }

    /// Listens, and answers what the peer begins, until a moment.
    pub(super) async fn listen(&mut self, talk: &mut Talk, until: Instant) -> Result<(), Lost> {
        while talk.over.is_none() {
            let Some(message) = self.line.receive(until).await? else { return Ok(()) };
            self.took(talk, &message).await?;
        }
        Ok(())
    }

    /// Takes a message: a response is given back, a request is answered.
    async fn took(&mut self, talk: &mut Talk, message: &[u8]) -> Result<Option<Response>, Lost> {
        let from = Origin { address: self.line.peer, stream: !self.line.repeats() };
        let passed = match normalise(message, &from) {
            Reading::Passed(passed) => passed,
            Reading::Refused(_) | Reading::Dropped(_) => {
                self.ladder.message(false, message);
                return Ok(None);
            }
        };
        let read = SipMessage::try_from(passed.message.as_ref());
        self.ladder.message(false, message);
        match read {
            Ok(SipMessage::Response(response)) => {
                // Its 200 comes again, since our ACK was lost (section 13.2.2.4).
                let is_repeated = response.status_code.code() / 100 == 2 && is_invite(&response.headers);
                if let Some(ack) = talk.ack.clone().filter(|_| is_repeated) {
                    self.send(&ack).await?;
                }
                Ok(Some(response))
            }
            Ok(SipMessage::Request(request)) => {
                self.answer(talk, &request).await?;
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    /// What the peer begins in our call.
    async fn answer(&mut self, talk: &mut Talk, request: &Request) -> Result<(), Lost> {
        let method = request.method.to_string();
        let is_ours = value(&request.headers, "Call-ID").is_some_and(|id| id == talk.call_id);
        let (status, lines, body) = match method.as_str() {
            "ACK" => return Ok(()),
            "OPTIONS" => ("200 OK", vec![format!("Allow: {METHODS}")], None),
            _ if !is_ours => ("481 Call/Transaction Does Not Exist", Vec::new(), None),
            "BYE" => {
                talk.over = Some(value(&request.headers, "Reason"));
                ("200 OK", Vec::new(), None)
            }
            "INVITE" | "UPDATE" => {
                let offer = String::from_utf8_lossy(&request.body).into_owned();
                let sdp = self.answers.as_ref().filter(|_| !offer.is_empty()).and_then(|answers| answers(&offer));
                let mut lines = vec![self.contact("einwahl"), format!("Supported: {EXTENSIONS}")];
                lines.extend(value(&request.headers, "Session-Expires").map(|it| format!("Session-Expires: {it}")));
                match sdp {
                    None if !offer.is_empty() => ("488 Not Acceptable Here", Vec::new(), None),
                    sdp => ("200 OK", lines, sdp),
                }
            }
            "INFO" | "NOTIFY" | "MESSAGE" | "PRACK" => ("200 OK", Vec::new(), None),
            _ => ("405 Method Not Allowed", vec![format!("Allow: {METHODS}")], None),
        };
        let body = body.unwrap_or_default();
        let mut all = vec![format!("SIP/2.0 {status}")];
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            all.extend(values(&request.headers, name).into_iter().map(|value| format!("{name}: {value}")));
        }
        all.extend(lines);
        if !body.is_empty() {
            all.push(String::from("Content-Type: application/sdp"));
        }
        all.push(format!("Content-Length: {}", body.len()));
        self.send(format!("{}\r\n\r\n{body}", all.join("\r\n")).as_bytes()).await
    }

    /// ACK: of a refusal with the INVITE's own branch (section 17.1.1.3), else inside the dialog (section 13.2.2.4).
    async fn acknowledge(
        &mut self,
        talk: &mut Talk,
        response: &Response,
        number: u32,
        branch: &str,
    ) -> Result<(), Unsound> {
        let is_taken = response.status_code.code() < 300;
        let ack = Draft { method: "ACK", lines: Vec::new(), sdp: None, patience: Duration::ZERO };
        let bytes = if is_taken {
            talk.established(response);
            self.write(talk, &ack, number, &word::<12>()?, None)
        } else {
            let to = std::mem::replace(&mut talk.to, value(&response.headers, "To").unwrap_or_default());
            let bytes = self.write(talk, &ack, number, branch, None);
            talk.to = to;
            bytes
        };
        talk.ack = is_taken.then(|| bytes.clone());
        // A line that is lost shows at the next message.
        let _ = self.send(&bytes).await;
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        self.ladder.message(true, bytes);
        self.line.send(bytes).await
    }
}

fn belongs(response: &Response, talk: &Talk, number: u32, method: &str) -> bool {
    let cseq = value(&response.headers, "CSeq").unwrap_or_default();
    let mut words = cseq.split_whitespace();
    let is_it = words.next().and_then(|it| it.parse().ok()) == Some(number) && words.next() == Some(method);
    is_it && value(&response.headers, "Call-ID").as_deref() == Some(talk.call_id.as_str())
}

fn is_invite(headers: &Headers) -> bool {
    value(headers, "CSeq").is_some_and(|cseq| cseq.ends_with("INVITE"))
}

fn answered(response: &Response, login: Login) -> Answered {
    let why = ["Warning", "Reason"].iter().find_map(|name| value(&response.headers, name));
    let retry_after = value(&response.headers, "Retry-After");
    Answered {
        status: response.status_code.code(),
        phrase: response.reason_phrase().unwrap_or_else(|| response.status_code.text()).to_owned(),
        why,
        retry_after: retry_after.and_then(|text| text.split([' ', ';', '(']).next()?.parse().ok()),
        login,
    }
}

/// Every value of a header field, in order.
pub(super) fn values(headers: &Headers, name: &str) -> Vec<String> {
    let named = |header: &&rsipstack::sip::Header| header.name().eq_ignore_ascii_case(name);
    headers.iter().filter(named).map(|header| header.value().to_owned()).collect()
}

/// The first of them.
pub(super) fn value(headers: &Headers, name: &str) -> Option<String> {
    values(headers, name).into_iter().next()
}

/// The URI between the brackets, or before the first parameter.
pub(super) fn uri_in(address: &str) -> Option<String> {
    match address.split_once('<') {
        Some((_, rest)) => rest.split_once('>').map(|(uri, _)| uri.to_owned()),
        None => address.split(';').next().map(|uri| uri.trim().to_owned()),
    }
}
