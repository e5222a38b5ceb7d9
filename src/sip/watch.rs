//! Follows an answered call to its end: what the stack tells of its dialog becomes [`Event`]s, and the session timer runs.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver, TransactionHandle};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Header, Method, Request, Response, StatusCode, StatusCodeKind};
use tokio::sync::oneshot;

use super::dialog::{LONGEST_TRANSACTION, ask, body, content_type, headers_of_200};
use super::refer::is_about_refer;
use super::session_timer::{Due, SessionTimer};
use super::{Event, Shared, answer as answers};
use crate::call::key_in;
use crate::words::CallId;

/// One call.
pub(super) struct Watch {
    shared: Arc<Shared>,
    call: CallId,
    dialog: InviteDialog,
    /// The peer's INVITE had an offer: its ACK brings no answer.
    offered: bool,
    acknowledged: bool,
    /// The re-INVITE whose 200 brought our offer, by its CSeq: its ACK brings the answer.
    asked_in: Option<u32>,
    /// The peer takes UPDATE (RFC 3311).
    takes_update: bool,
    /// What we said last.
    sdp: String,
    timer: Option<SessionTimer>,
}

/// What the next wake-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// Nobody acknowledged our answer, and the stack has not noticed.
    NoAck,
    Timer(Due),
}

type Alarm = Pin<Box<dyn Future<Output = Wake> + Send>>;

impl Watch {
    pub(super) fn new(
        shared: &Arc<Shared>,
        call: CallId,
        dialog: &InviteDialog,
        invite: &Request,
        sdp: String,
        timer: Option<SessionTimer>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            call,
            dialog: dialog.clone(),
            offered: body(invite).is_some(),
            acknowledged: false,
            asked_in: None,
            takes_update: takes_update(invite),
            sdp,
            timer,
        }
    }

    /// For a call that we placed, and that was answered: the stack has acknowledged that.
    pub(super) fn of_placed(
        shared: &Arc<Shared>,
        call: CallId,
        dialog: &InviteDialog,
        answer: &Response,
        sdp: String,
        timer: Option<SessionTimer>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            call,
            dialog: dialog.clone(),
            offered: true,
            acknowledged: true,
            asked_in: None,
            takes_update: takes_update(answer),
            sdp,
            timer,
        }
    }

    /// Follows the call until it is over.
    pub(super) async fn follow(mut self, mut news: DialogStateReceiver) {
        let mut alarm = if self.acknowledged { self.alarm() } else { after(LONGEST_TRANSACTION, Wake::NoAck) };
        loop {
            tokio::select! {
                state = news.recv() => match state {
                    None | Some(DialogState::Terminated(..)) => return,
                    Some(state) => {
                        if self.took(state).await {
                            alarm = self.alarm();
                        }
                    }
                },
                wake = &mut alarm => {
                    self.woken(wake);
                    alarm = match wake {
                        Wake::Timer(Due::Refresh) => self.alarm(),
                        Wake::NoAck | Wake::Timer(Due::End) => never(),
                    };
                }
            }
        }
    }

    fn alarm(&self) -> Alarm {
        match self.timer.map(SessionTimer::due) {
            Some((wait, due)) => after(wait, Wake::Timer(due)),
            None => never(),
        }
    }

    fn woken(&self, wake: Wake) {
        let call = self.call;
        match wake {
            Wake::Timer(Due::Refresh) => drop(tokio::spawn(refresh(
                Arc::clone(&self.shared),
                call,
                self.dialog.clone(),
                self.timer,
                (!self.takes_update).then(|| self.sdp.clone()),
            ))),
            Wake::Timer(Due::End) => {
                tracing::info!(%call, "the peer no longer refreshes its session: hung up");
                self.hang_up();
            }
            Wake::NoAck => {
                tracing::info!(%call, "the peer never acknowledged our answer: hung up");
                self.hang_up();
            }
        }
    }

    fn hang_up(&self) {
        let (shared, call) = (Arc::clone(&self.shared), self.call);
        tokio::spawn(async move { shared.hang_up(call).await });
    }

    /// Takes one piece of news; whether the session timer begins anew.
    async fn took(&mut self, state: DialogState) -> bool {
        match state {
            DialogState::Confirmed(..) => self.confirmed().await,
            DialogState::Updated(_, request, handle) => self.updated(&request, &handle).await,
            DialogState::Info(_, request, handle) => {
                self.info(&request, &handle).await;
                false
            }
            DialogState::Options(_, _, handle) => {
                reply(&handle, StatusCode::OK, answers::abilities(), None).await;
                false
            }
            DialogState::Notify(_, request, handle) if is_about_refer(&request) => {
                self.shared.notified(self.call, &request);
                reply(&handle, StatusCode::OK, Vec::new(), None).await;
                false
            }
            DialogState::Publish(_, _, handle)
            | DialogState::Notify(_, _, handle)
            | DialogState::Refer(_, _, handle)
            | DialogState::Message(_, _, handle) => {
                reply(&handle, StatusCode::MethodNotAllowed, answers::abilities(), None).await;
                false
            }
            DialogState::Calling(_)
            | DialogState::Trying(_)
            | DialogState::Early(..)
            | DialogState::WaitAck(..)
            | DialogState::Terminated(..) => false,
        }
    }

    /// An ACK has come, or a request inside the call is done: the stack tells both in the same way.
    async fn confirmed(&mut self) -> bool {
        let call = self.call;
        let ack = self.dialog.last_remote_ack();
        if !self.acknowledged {
            self.acknowledged = true;
            let answer = if self.offered { None } else { ack.as_ref().and_then(body) };
            let _ = self.shared.events.send(Event::Acknowledged { call, answer }).await;
            return true;
        }
        if self.asked_in.is_some() && ack.as_ref().and_then(sequence) == self.asked_in {
            self.asked_in = None;
            if let Some(answer) = ack.as_ref().and_then(body) {
                let _ = self.shared.events.send(Event::Answered { call, answer }).await;
            }
        }
        false
    }

    /// Re-INVITE or UPDATE: with SDP a new offer; a re-INVITE without one wants ours (RFC 3261 section 14.2), an UPDATE without
    /// one is a refresh (RFC 4028 section 7.4).
    async fn updated(&mut self, request: &Request, handle: &TransactionHandle) -> bool {
        let timer = match SessionTimer::of(request, self.shared.config.least_interval) {
            Ok(timer) => timer,
            Err(refusal) => {
                reply(handle, answers::status(&refusal), answers::headers(&refusal), None).await;
                return false;
            }
        };
        let offer = body(request);
        if offer.is_none() && request.method == Method::Update {
            reply(handle, StatusCode::OK, headers_of_200(timer), None).await;
            self.timer = timer;
            return true;
        }
        let wants_ours = offer.is_none();
        let (verdict, answered) = oneshot::channel();
        match ask(&self.shared, Event::Reoffered { call: self.call, offer, verdict }, answered).await {
            Ok(sdp) => {
                self.asked_in = sequence(request).filter(|_| wants_ours);
                self.sdp.clone_from(&sdp);
                self.timer = timer;
                reply(handle, StatusCode::OK, headers_of_200(timer), Some(sdp)).await;
                true
            }
            Err(refusal) => {
                tracing::info!(call = %self.call, why = %refusal, "a change of the call is refused; it goes on as before");
                reply(handle, answers::status(&refusal), answers::headers(&refusal), None).await;
                false
            }
        }
    }

    async fn info(&self, request: &Request, handle: &TransactionHandle) {
        if let Some(digit) = body(request).as_deref().and_then(key_in) {
            let _ = self.shared.events.send(Event::Digit { call: self.call, digit }).await;
        }
        reply(handle, StatusCode::OK, Vec::new(), None).await;
    }
}

/// Refreshes the session: by UPDATE, or for a peer that has none by re-INVITE with what was said last, which changes nothing.
async fn refresh(
    shared: Arc<Shared>,
    call: CallId,
    dialog: InviteDialog,
    timer: Option<SessionTimer>,
    sdp: Option<String>,
) {
    let mut headers = timer.map(SessionTimer::headers_of_refresh).unwrap_or_default();
    let refreshed = match sdp {
        None => dialog.update(Some(headers), None).await,
        Some(sdp) => {
            headers.push(content_type());
            dialog.reinvite(Some(headers), Some(sdp.into_bytes())).await
        }
    };
    // RFC 3261 section 12.2.1.2: these two end the call; after any other answer it goes on.
    let is_gone = match &refreshed {
        Ok(response) => response.as_ref().is_some_and(|response| {
            matches!(response.status_code, StatusCode::CallTransactionDoesNotExist | StatusCode::RequestTimeout)
        }),
        Err(_) => true,
    };
    if is_gone {
        tracing::info!(%call, "the peer does not answer our session refresh: hung up");
        shared.hang_up(call).await;
    } else if let Ok(Some(response)) = refreshed
        && response.status_code.kind() != StatusCodeKind::Successful
    {
        tracing::debug!(%call, status = %response.status_code, "the peer refuses our session refresh");
    }
}

async fn reply(handle: &TransactionHandle, status: StatusCode, headers: Vec<Header>, sdp: Option<String>) {
    if handle.respond(status, Some(headers), sdp.map(String::into_bytes)).await.is_err() {
        tracing::debug!("the transaction was over before its answer");
    }
}

fn after(wait: Duration, wake: Wake) -> Alarm {
    Box::pin(async move {
        let _ = tokio::time::timeout(wait, std::future::pending::<()>()).await;
        wake
    })
}

fn never() -> Alarm {
    Box::pin(std::future::pending())
}

fn sequence(request: &Request) -> Option<u32> {
    request.cseq_header().ok()?.seq().ok()
}

fn takes_update(peers: &impl HeadersExt) -> bool {
    let allowed = peers.header_value("Allow").unwrap_or_default();
    allowed.split(',').any(|method| method.trim().eq_ignore_ascii_case("UPDATE"))
}
