//! A test telephone. In: whom to call, what to key, what to say. Out: a report: codec, loss, jitter, how long it took.
//! It calls by real SIP and RTP, on a stack of its own, so that it sees a gateway as any telephone does.

mod report;
mod talk;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver, TerminatedReason};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::dialog::invitation::InviteOption;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Response, Uri};
use rsipstack::transport::TransportLayer;
use rsipstack::transport::udp::UdpConnection;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use crate::call::sdp;
use crate::media::Clip;
use crate::words::{Codec, Digit};

pub use report::Report;

/// What the telephone is to do.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whom to call: `sip:einwahl@127.0.0.1:5060`, or over TCP `sip:einwahl@127.0.0.1:5060;transport=tcp`.
    pub uri: String,
    /// What it is called itself: the user part of `From`.
    pub from: String,
    /// The address of this machine to call from.
    pub local: IpAddr,
    /// What to key; a comma is a pause of one second.
    pub digits: String,
    /// What to say; nothing is silence.
    pub play: Option<Clip>,
    /// Say it again and again.
    pub repeat: bool,
    /// Where to write what is heard (WAV).
    pub record: Option<PathBuf>,
    /// How long to stay; hangs up itself then.
    pub seconds: u64,
    /// The codecs to offer, the best first.
    pub codecs: Vec<Codec>,
}

/// The call did not come about.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Not an address that can be called.
    #[error("{uri:?} cannot be called: write sip:NAME@ADDRESS or sip:NAME@ADDRESS:PORT")]
    Uri {
        /// What was given.
        uri: String,
    },
    /// A character that no key has.
    #[error("{0:?} is on no key: use 0-9, *, #, A-D, and a comma for a pause of a second")]
    Key(char),
    /// The gateway refused it.
    #[error("refused: {status} {reason}{why}")]
    Refused {
        /// SIP status.
        status: u16,
        /// Its phrase.
        reason: String,
        /// The Warning, if it sent one.
        why: String,
    },
    /// Nobody answered.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// What was answered cannot be used.
    #[error("the answer cannot be used: {0}")]
    Answer(String),
    /// No socket, no file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The recording.
    #[error("the recording cannot be written: {0}")]
    Record(#[from] hound::Error),
}

/// What is keyed: a key, or a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stroke {
    Key(Digit),
    Pause,
}

fn strokes(digits: &str) -> Result<Vec<Stroke>, Failed> {
    digits
        .chars()
        .filter(|key| !key.is_whitespace())
        .map(|key| match key {
            ',' => Ok(Stroke::Pause),
            key => Digit::from_char(key).map(Stroke::Key).ok_or(Failed::Key(key)),
        })
        .collect()
}

/// Calls, keys, talks, and hangs up when the time is over, the other side does, or `stop`.
///
/// # Errors
/// The call was refused, or could not be made.
pub async fn call(wish: Wish, stop: CancellationToken) -> Result<Report, Failed> {
    let strokes = strokes(&wish.digits)?;
    let callee = Uri::try_from(wish.uri.as_str()).map_err(|_| Failed::Uri { uri: wish.uri.clone() })?;
    let media = Sockets::open(wish.local).await?;
    let ours = media.rtp.local_addr()?;
    let closing = CancellationToken::new();
    let _closes = closing.clone().drop_guard();
    let transports = TransportLayer::new(closing.clone());
    let no_answer = |error: rsipstack::Error| Failed::NoAnswer(error.to_string());
    let udp = UdpConnection::create_connection(SocketAddr::new(wish.local, 0), None, Some(closing.child_token()))
        .await
        .map_err(no_answer)?;
    // Over TCP, what the other side begins comes back by the connection that we open.
    let transport = if over_tcp(&callee) { ";transport=tcp" } else { "" };
    let contact = format!("sip:{}@{}{transport}", wish.from, udp.get_addr().addr);
    transports.add_transport(udp.into());
    let endpoint = EndpointBuilder::new()
        .with_user_agent("Einwahl test telephone")
        .with_transport_layer(transports)
        .with_cancel_token(closing)
        .build();
    let mut requests = endpoint.incoming_transactions().map_err(no_answer)?;
    let layer = std::sync::Arc::new(DialogLayer::new(endpoint.inner.clone()));
    tokio::spawn(async move { endpoint.serve().await });
    let answering = layer.clone();
    tokio::spawn(async move {
        while let Some(mut request) = requests.recv().await {
            if let Some(mut dialog) = answering.match_dialog(&request) {
                let _ = dialog.handle(&mut request).await;
            }
        }
    });
    let contact = Uri::try_from(contact.as_str()).map_err(|_| Failed::Uri { uri: contact.clone() })?;
    // Who calls is nobody's way there (RFC 3261 section 19.1.1: no transport in From).
    let caller = Uri { params: Vec::new(), ..contact.clone() };
    let invite = InviteOption {
        caller,
        callee,
        contact,
        content_type: Some(String::from("application/sdp")),
        offer: Some(sdp::offer(ours, &wish.codecs, 1).into_bytes()),
        ..InviteOption::default()
    };
    let asked = now();
    let (states, news) = layer.new_dialog_state_channel();
    let (dialog, response) = layer.do_invite(invite, states).await.map_err(no_answer)?;
    let answer = response.ok_or_else(|| Failed::NoAnswer(String::from("the call ended before it was answered")))?;
    let session = read_answer(&answer, ours, &wish.codecs)?;
    let answered = now();
    let talk = talk::Talk::new(media, session, strokes, &wish, asked, answered)?;
    let report = talk
        .go_on(async {
            tokio::select! { () = ended(news) => {}, () = stop.cancelled() => {} }
        })
        .await;
    hang_up(&dialog).await;
    report
}

fn over_tcp(callee: &Uri) -> bool {
    use rsipstack::sip::uri::ParamsExt as _;
    callee.transport().is_some_and(|transport| *transport == rsipstack::sip::Transport::Tcp)
}

async fn hang_up(dialog: &InviteDialog) {
    // The other side may have hung up already.
    let _ = tokio::time::timeout(Duration::from_secs(2), dialog.bye()).await;
}

async fn ended(mut news: DialogStateReceiver) {
    while let Some(state) = news.recv().await {
        if let DialogState::Terminated(_, reason) = state {
            tracing::debug!(?reason, by_us = matches!(reason, TerminatedReason::UacBye), "the call is over");
            return;
        }
    }
}

fn read_answer(answer: &Response, ours: SocketAddr, codecs: &[Codec]) -> Result<crate::media::Session, Failed> {
    use rsipstack::sip::StatusCodeKind;
    use rsipstack::sip::prelude::HeadersExt as _;
    if answer.status_code.kind() != StatusCodeKind::Successful {
        let why = answer.header_value("Warning").map(|text| format!(" ({text})")).unwrap_or_default();
        let status = answer.status_code.code();
        return Err(Failed::Refused { status, reason: answer.status_code.text().to_owned(), why });
    }
    let body = String::from_utf8_lossy(&answer.body);
    sdp::accept(&body, ours, codecs).map_err(|refusal| Failed::Answer(refusal.to_string()))
}

/// The sockets of one call: RTP on an even port and RTCP above it (RFC 3550 section 11).
struct Sockets {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Sockets {
    #[allow(clippy::disallowed_methods, reason = "a telephone opens the sockets of its call")]
    async fn open(local: IpAddr) -> std::io::Result<Self> {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        for _ in 0..64 {
            let rtp = UdpSocket::bind(SocketAddr::new(local, 0)).await?;
            let port = rtp.local_addr()?.port();
            if port % 2 == 0 {
                match UdpSocket::bind(SocketAddr::new(local, port.saturating_add(1))).await {
                    Ok(rtcp) => return Ok(Self { rtp, rtcp }),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    /// A report that cannot be sent is followed by another.
    async fn report(&self, is_muxed: bool, report: &[u8], target: SocketAddr) {
        let socket = if is_muxed { &self.rtp } else { &self.rtcp };
        let _ = socket.send_to(report, target).await;
    }
}

/// The telephone's one clock.
#[allow(clippy::disallowed_methods, reason = "the one clock of this room")]
fn now() -> Instant {
    Instant::now()
}

/// The address to call from, for whom is called: loopback for loopback.
pub fn local_for(uri: &str) -> IpAddr {
    let host = uri.rsplit('@').next().unwrap_or_default();
    if host.starts_with("[::1]") { std::net::Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_is_a_pause_and_a_strange_key_is_named() {
        let read = strokes("1 #,").expect("keys");
        assert_eq!(
            read,
            [Stroke::Key(Digit::from_char('1').expect("a key")), Stroke::Key(Digit::POUND), Stroke::Pause]
        );
        let error = strokes("12x").expect_err("no key").to_string();
        assert!(error.contains("'x'") && error.contains("0-9"), "{error}");
    }
}
