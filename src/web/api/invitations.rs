//! Invitations by mail. In: HTTP requests. Out: wishes to the gateway, and what became of each letter at the first try.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::problem::{NotDone, Refusal};
use super::reading::{Asked, Sent, answer_in_time, json, named};
use super::routes::{From, Shares};
use crate::meeting::{Fault, MOST_NUMBERS, is_number};
use crate::post::Tried;
use crate::web::Shared;
use crate::words::{Language, MailAddress, Personal, Purpose, RoomId, both};

/// Whom to invite, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// To which meeting.
    pub room: RoomId,
    /// Whom; each once.
    pub to: Vec<Personal<MailAddress>>,
    /// In which language; without one in that of the meeting.
    pub language: Option<Language>,
    /// The numbers that they dial; without this those of the configuration.
    pub numbers: Option<Vec<String>>,
}

/// What became of it, in the order in which they were named.
#[derive(Debug)]
pub struct Done(pub Vec<(Personal<MailAddress>, Tried)>);

/// People in one invitation.
const MOST: usize = 50;

/// The mail server is asked while whoever invites waits; its own patience is shorter.
const LONGEST: Duration = Duration::from_secs(50);

/// Whom to invite.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InvitationBody {
    /// Their mail addresses. Each gets a letter of their own.
    #[schema(min_items = 1, max_items = 50, example = json!(["erika.muster@stadt-b.example"]))]
    to: Vec<String>,
    /// In which language; without one in that of the meeting, or of the menu.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(de|en)$", example = "de")]
    language: Option<Language>,
    /// The numbers that they dial, as people write them; without this those of the configuration.
    #[serde(default)]
    #[schema(max_items = 10, example = json!(["030 9018 4000"]))]
    numbers: Option<Vec<String>>,
}

/// What became of the letters at the first try.
#[derive(Serialize, ToSchema)]
struct Invited {
    /// One for each address, in the same order; an address that was named twice stands once.
    people: Vec<InvitedPerson>,
}

/// What became of one letter.
#[derive(Serialize, ToSchema)]
struct InvitedPerson {
    /// To whom.
    #[schema(example = "erika.muster@stadt-b.example")]
    address: String,
    /// `taken` by the mail server, `waiting` to be tried again for a day, or `refused`.
    #[schema(pattern = "^(taken|waiting|refused)$")]
    state: &'static str,
    /// Why it is not taken: `notPermitted`, `unreachable`, `unprotected`, `untrusted`, `notLetIn`, `declined` or `givenUp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    why: Option<&'static str>,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    told: Option<String>,
}

/// The addresses, described.
#[derive(OpenApi)]
#[openapi(paths(invite))]
pub(super) struct Api;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/meetings/{room}/invitations", post(invite))
}

/// Invite people by mail
///
/// Each gets time, page, dial-in numbers, ID and PIN, with a calendar file if the meeting has a time. Needs the right `write`, and `pins`
/// where the meeting has a PIN. The answer comes when the mail server has been asked once; what it cannot take now is tried again.
#[utoipa::path(
    post,
    path = "/api/v1/meetings/{room}/invitations",
    operation_id = "inviteToMeeting",
    params(("room" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    request_body = InvitationBody,
    responses((status = 200, description = "What became of each letter", body = Invited), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
async fn invite(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    room: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    let sent = json::<InvitationBody>(&headers, body).await;
    let wish = named(room).ok_or(Refusal::NotFound).and_then(|room| Ok(super::Wish::Invite(wish(room, sent?)?)));
    answer_in_time(&shared, from, &headers, wish, LONGEST).await
}

fn wish(room: RoomId, body: InvitationBody) -> Result<Wish, Refusal> {
    let InvitationBody { to: named, language, numbers } = body;
    let mut faults = Vec::new();
    let mut to: Vec<Personal<MailAddress>> = Vec::new();
    for (at, address) in named.iter().enumerate().take(MOST) {
        match address.trim().parse::<MailAddress>().map(Personal::new) {
            Ok(address) if to.contains(&address) => {}
            Ok(address) => to.push(address),
            Err(why) => faults.push(Fault::new("to", both!("Adresse {}", "address {}", at + 1).then(" ", &why.into()))),
        }
    }
    if named.is_empty() || named.len() > MOST {
        let message = both!(
            "Nennen Sie 1 bis {} Adressen; genannt sind {}",
            "name 1 to {} addresses; {} are named",
            MOST,
            named.len()
        );
        faults.push(Fault::new("to", message));
    }
    if numbers.as_ref().is_some_and(|numbers| numbers.len() > MOST_NUMBERS || !numbers.iter().all(|it| is_number(it))) {
        let message = both!(
            "Nennen Sie höchstens {} Nummern, jede in einer Zeile von 1 bis 60 Zeichen",
            "name at most {} numbers, each on one line of 1 to 60 characters",
            MOST_NUMBERS
        );
        faults.push(Fault::new("numbers", message));
    }
    if faults.is_empty() { Ok(Wish { room, to, language, numbers }) } else { Err(Refusal::Faults(faults)) }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let shown = |(address, tried): (Personal<MailAddress>, Tried)| {
            let (state, trouble) = match tried {
                Tried::Taken => ("taken", None),
                Tried::Later(trouble) => ("waiting", Some(trouble)),
                Tried::Never(trouble) => ("refused", Some(trouble)),
            };
            InvitedPerson {
                // To nobody but whoever has named it.
                address: address.reveal(Purpose::Invitation).as_str().to_owned(),
                state,
                why: trouble.as_ref().map(crate::post::Trouble::name),
                told: trouble.map(|trouble| trouble.to_string()),
            }
        };
        Json(Invited { people: self.0.into_iter().map(shown).collect() }).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Wish, Refusal> {
        wish("rat".parse().expect("a room"), serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn an_address_counts_once_and_a_bad_one_is_named_by_its_place_alone() {
        let wish =
            read(r#"{"to":[" erika@stadt.example ","erika@Stadt.example","max@stadt.example"]}"#).expect("a wish");
        assert_eq!((wish.to.len(), wish.language, wish.numbers), (2, None, None));
        let Err(Refusal::Faults(faults)) = read(r#"{"to":["erika@stadt.example","max"],"numbers":["a\nb"]}"#) else {
            panic!("taken")
        };
        let told: Vec<_> = faults.iter().map(|fault| fault.message.said(Language::En).to_owned()).collect();
        assert!(told[0].starts_with("address 2 is no mail address") && told.len() == 2, "{told:?}");
        assert!(read(r#"{"to":[]}"#).is_err());
        let many = serde_json::json!({ "to": vec!["a@stadt.example"; 51] }).to_string();
        assert!(read(&many).is_err());
    }
}
