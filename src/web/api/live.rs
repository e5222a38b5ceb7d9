//! What is under way: calls and rooms of now, what an operator does to them, and how it changes (server-sent events). Callers
//! and names are masked: who operates a gateway needs to know which call it is, not who calls.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::problem::{NotDone, NotTold, Refusal};
use super::reading::{Asked, Sent, answer, json, named};
use super::routes::{From, Shares};
use crate::meeting::Fault;
use crate::room::Kind;
use crate::trunk::is_user;
use crate::web::Shared;
use crate::words::{CallId, Codec, ParticipantId, Right, RoomId, both};

/// What somebody wants of what is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To see it.
    Look,
    /// To be told how it changes.
    Follow,
    /// To end a call.
    HangUp {
        /// Which.
        call: CallId,
    },
    /// To have a call go on where its caller might have called, too.
    Transfer {
        /// Which.
        call: CallId,
        /// What is called.
        to: String,
    },
    /// To mute a call that is in a meeting, or let it speak.
    MuteCall {
        /// Which.
        call: CallId,
        /// Muted from now on?
        on: bool,
    },
    /// To mute somebody in a meeting, or let them speak.
    Mute {
        /// Where.
        room: RoomId,
        /// Whom.
        participant: ParticipantId,
        /// Muted from now on?
        on: bool,
    },
    /// To end a meeting for all who are in it.
    End {
        /// Which.
        room: RoomId,
    },
}

impl Wish {
    /// What it takes.
    pub const fn needs(&self) -> Right {
        match self {
            Self::Look | Self::Follow => Right::Calls,
            Self::HangUp { .. }
            | Self::Transfer { .. }
            | Self::MuteCall { .. }
            | Self::Mute { .. }
            | Self::End { .. } => Right::Operate,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// What is under way.
    Now(Box<Live>),
    /// How it changes, from now on. A reader who does not keep up is closed.
    Changes(mpsc::Receiver<News>),
    /// It is done.
    Done,
}

/// What a reader is told: a name, and JSON. Shared by all readers.
pub type News = (&'static str, Arc<str>);

/// What is under way, or of it what has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// The calls, in the order in which they began.
    pub calls: Vec<LiveCall>,
    /// The meetings that somebody is in or waits for.
    pub rooms: Vec<LiveRoom>,
    /// The plan by which new calls are decided.
    pub plan: PlanNow,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "Call of now")]
pub struct LiveCall {
    /// Its number on this node.
    pub id: u64,
    /// Whether it came in, or we placed it.
    pub direction: Way,
    /// The trunk that it came by; none is a stranger's.
    pub trunk: Option<String>,
    /// Who called, masked; none if the number is withheld.
    pub caller: Option<String>,
    /// What was called, masked.
    pub called: String,
    /// When it began (RFC 3339).
    pub since: String,
    /// Of its sound, once that is agreed.
    #[schema(value_type = Option<String>)]
    pub codec: Option<Codec>,
    /// Whether its sound is encrypted on the way (SRTP).
    pub encrypted: bool,
    /// How its sound was in the last seconds; nothing is told in the first of them.
    pub quality: Option<LiveQuality>,
    /// The call that it is connected with.
    pub with: Option<u64>,
    /// The meeting that it is in, or waits for.
    pub room: Option<String>,
    /// Its line there.
    pub participant: Option<u64>,
}

/// Which way a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// It came here.
    In,
    /// We placed it, for a caller.
    Out,
}

/// How sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveQuality {
    /// Of 10,000 packets from there, so many are missing.
    pub loss_in: u64,
    /// The same of those from here, as the other side tells it.
    pub loss_out: Option<u64>,
    /// How unevenly they come from there, in milliseconds.
    pub jitter_in: u64,
    /// How long there and back takes, in milliseconds.
    pub round_trip: Option<u64>,
    /// Pieces of 20 ms that were guessed.
    pub concealed: u64,
}

/// A meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "Room of now")]
pub struct LiveRoom {
    /// Its name.
    pub room: String,
    /// What people see.
    pub title: String,
    /// Whether it has begun.
    pub open: bool,
    /// Whether nobody else can come in.
    pub locked: bool,
    /// Who is in it or waits.
    pub participants: Vec<LiveParticipant>,
}

/// Somebody in a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveParticipant {
    /// Which line of the roster.
    pub id: u64,
    /// Their name, masked.
    pub name: String,
    /// What they use.
    #[schema(value_type = String, example = "phone")]
    pub kind: Kind,
    /// What they are in the meeting.
    #[schema(value_type = String, example = "participant")]
    pub role: crate::words::Role,
    /// Nobody hears them.
    pub muted: bool,
    /// They wait in front of the door.
    pub lobby: bool,
    /// The connection broke; the place is kept for a while.
    pub away: bool,
    /// The institution by which they take part, if it is not this one.
    pub institution: Option<String>,
}

/// Which plan decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanNow {
    /// The number of its version.
    pub version: u64,
    /// SHA-256 of its files.
    pub fingerprint: String,
}

/// What has changed. What is not named is as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveChange {
    /// Calls that are new, or otherwise than before.
    pub calls: Vec<LiveCall>,
    /// Calls that are over.
    pub calls_gone: Vec<u64>,
    /// Meetings that are new, or otherwise than before.
    pub rooms: Vec<LiveRoom>,
    /// Meetings that nobody is in any more.
    pub rooms_gone: Vec<String>,
    /// Another plan decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanNow>,
}

impl Live {
    /// What is otherwise now than it was; `None` if nothing is.
    pub fn since(&self, before: &Self) -> Option<LiveChange> {
        let calls_before: BTreeMap<u64, &LiveCall> = before.calls.iter().map(|call| (call.id, call)).collect();
        let rooms_before: BTreeMap<&str, &LiveRoom> =
            before.rooms.iter().map(|room| (room.room.as_str(), room)).collect();
        let new_call = |call: &&LiveCall| calls_before.get(&call.id) != Some(call);
        let new_room = |room: &&LiveRoom| rooms_before.get(room.room.as_str()) != Some(room);
        let calls_now: std::collections::BTreeSet<u64> = self.calls.iter().map(|call| call.id).collect();
        let rooms_now: std::collections::BTreeSet<&str> = self.rooms.iter().map(|room| room.room.as_str()).collect();
        let change = LiveChange {
            calls: self.calls.iter().filter(new_call).cloned().collect(),
            calls_gone: calls_before.keys().copied().filter(|id| !calls_now.contains(id)).collect(),
            rooms: self.rooms.iter().filter(new_room).cloned().collect(),
            rooms_gone: rooms_before
                .keys()
                .filter(|room| !rooms_now.contains(**room))
                .map(ToString::to_string)
                .collect(),
            plan: (self.plan != before.plan).then(|| self.plan.clone()),
        };
        (change != LiveChange::default()).then_some(change)
    }
}

/// One event.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub(super) struct LiveEvent {
    /// `live` once, then `change`, `federation` and `refused`.
    #[schema(example = "change")]
    event: String,
    /// JSON: of `live` a Live, of `change` a LiveChange, of `federation` a ShownFederation.
    data: String,
}

/// Muted or not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MuteBody {
    /// Muted from now on?
    on: bool,
}

/// Whereto.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferBody {
    /// A number or an extension that the dialplan knows.
    #[schema(example = "2001", min_length = 1, max_length = 64)]
    to: String,
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/live", get(look))
        .route("/api/v1/live/calls/{id}/hangup", post(hang_up))
        .route("/api/v1/live/calls/{id}/mute", post(mute_call))
        .route("/api/v1/live/calls/{id}/transfer", post(transfer))
        .route("/api/v1/live/rooms/{room}/participants/{id}/mute", post(mute))
        .route("/api/v1/live/rooms/{room}/end", post(end))
        .route("/api/v1/events", get(events))
}

/// What is under way
#[utoipa::path(
    get,
    path = "/api/v1/live",
    operation_id = "readLive",
    responses((status = 200, description = "Calls and meetings of now", body = Live), NotTold, Asked),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn look(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(super::Wish::Live(Wish::Look))).await
}

/// How it changes
///
/// Server-sent events: first `live` with all that is under way, then `change` with what is otherwise, at most once a second. `federation` tells how the
/// federation stands whenever that changes, `refused` that `GET /api/v1/residency` has another refused connection. Who
/// does not keep up, signs out or loses the right is closed, and may come back.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "followLive",
    responses(
        (status = 200, description = "`live` once, with what GET /api/v1/live tells, then `change`s", body = LiveEvent, content_type = "text/event-stream"),
        NotTold, Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn events(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(super::Wish::Live(Wish::Follow))).await
}

/// Hang up
#[utoipa::path(
    post,
    path = "/api/v1/live/calls/{id}/hangup",
    operation_id = "hangUpCall",
    params(("id" = u64, Path, description = "Its number", minimum = 0)),
    responses((status = 204, description = "It is asked to end"), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn hang_up(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
) -> Response {
    let wish = called(id).map(|call| super::Wish::Live(Wish::HangUp { call }));
    answer(&shared, from, &headers, wish).await
}

/// Mute a call
///
/// Whoever is muted so can speak again by themselves (`*6`).
#[utoipa::path(
    post,
    path = "/api/v1/live/calls/{id}/mute",
    operation_id = "muteCall",
    params(("id" = u64, Path, description = "Its number", minimum = 0)),
    request_body = MuteBody,
    responses((status = 204, description = "It is"), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn mute_call(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
    body: Body,
) -> Response {
    let body = json::<MuteBody>(&headers, body).await;
    let wish = called(id).and_then(|call| Ok(super::Wish::Live(Wish::MuteCall { call, on: body?.on })));
    answer(&shared, from, &headers, wish).await
}

/// Transfer a call
///
/// It goes on as if its caller had called that number: what the dialplan refuses to them is refused here. The trunk that it came by is
/// asked to take it over if it leads there, too (REFER); else both are connected here. Whoever they talk with is hung up.
#[utoipa::path(
    post,
    path = "/api/v1/live/calls/{id}/transfer",
    operation_id = "transferCall",
    params(("id" = u64, Path, description = "Its number", minimum = 0)),
    request_body = TransferBody,
    responses((status = 204, description = "It goes on there"), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn transfer(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
    body: Body,
) -> Response {
    let body = json::<TransferBody>(&headers, body).await;
    let wish = called(id).and_then(|call| {
        let to: String = body?.to.chars().filter(|c| !c.is_whitespace()).collect();
        if is_user(&to) {
            return Ok(super::Wish::Live(Wish::Transfer { call, to }));
        }
        let message = both!(
            "Schreiben Sie eine Nummer oder Durchwahl: 2001, +49301234567",
            "write a number or an extension: 2001, +49301234567"
        );
        Err(Refusal::Faults(vec![Fault::new("to", message)]))
    });
    answer(&shared, from, &headers, wish).await
}

/// Mute somebody in a meeting
#[utoipa::path(
    post,
    path = "/api/v1/live/rooms/{room}/participants/{id}/mute",
    operation_id = "muteParticipant",
    params(
        ("room" = String, Path, description = "The meeting's name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"),
        ("id" = u64, Path, description = "The line of the roster", minimum = 0),
    ),
    request_body = MuteBody,
    responses((status = 204, description = "They are"), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn mute(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    place: Result<Path<(String, u64)>, PathRejection>,
    body: Body,
) -> Response {
    let body = json::<MuteBody>(&headers, body).await;
    let wish = place.map_err(|_| Refusal::NotFound).and_then(|Path((room, id))| {
        let room = room.parse().map_err(|_| Refusal::NotFound)?;
        Ok(super::Wish::Live(Wish::Mute { room, participant: ParticipantId(id), on: body?.on }))
    });
    answer(&shared, from, &headers, wish).await
}

/// End a meeting for all who are in it
///
/// It can be joined again, as long as it is not deleted.
#[utoipa::path(
    post,
    path = "/api/v1/live/rooms/{room}/end",
    operation_id = "endRoom",
    params(("room" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 204, description = "It is over"), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn end(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    room: Result<Path<String>, PathRejection>,
) -> Response {
    let room = named(room).ok_or(Refusal::NotFound);
    answer(&shared, from, &headers, room.map(|room| super::Wish::Live(Wish::End { room }))).await
}

/// What is no number is no call's number.
fn called(id: Result<Path<u64>, PathRejection>) -> Result<CallId, Refusal> {
    id.map(|Path(id)| CallId(id)).map_err(|_| Refusal::NotFound)
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        match self {
            Self::Now(live) => Json(live).into_response(),
            Self::Changes(news) => Sse::new(Follower(news)).keep_alive(KeepAlive::default()).into_response(),
            Self::Done => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

/// The events of one reader.
struct Follower(mpsc::Receiver<News>);

impl Stream for Follower {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = |(name, data): News| Ok(Event::default().event(name).data(&*data));
        self.0.poll_recv(context).map(|news| news.map(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: u64, room: Option<&str>) -> LiveCall {
        LiveCall {
            id,
            direction: Way::In,
            trunk: None,
            caller: Some(String::from("+49 30 ···42")),
            called: String::from("+49 30 ···00"),
            since: String::from("2026-11-25T09:00:00Z"),
            codec: None,
            encrypted: false,
            quality: None,
            with: None,
            room: room.map(str::to_owned),
            participant: None,
        }
    }

    #[test]
    fn only_what_is_otherwise_is_told() {
        let before = Live { calls: vec![call(1, None), call(2, None), call(3, None)], ..Live::default() };
        assert_eq!(before.since(&before), None);
        let now = Live { calls: vec![call(1, None), call(3, Some("rat")), call(4, None)], ..Live::default() };
        let change = now.since(&before).expect("something");
        let ids: Vec<u64> = change.calls.iter().map(|call| call.id).collect();
        assert_eq!((ids, change.calls_gone, change.plan), (vec![3, 4], vec![2], None));
    }
}
