//! Why something is not done, as a problem document (RFC 9457): what, which field, and what to do.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use super::dialplan::{Conflict, PlanProblem, PlanRefusal, problems};
use crate::meeting::{Fault, Taken};
use crate::words::{Language, Right};

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No token that is known, and nobody who has signed in.
    WrongToken,
    /// Too many wrong tokens or passwords came from there: the next counts after this.
    SlowDown(Duration),
    /// Name and password do not belong together, or may not be used.
    WrongPassword,
    /// The code is not right, or was used already.
    WrongCode,
    /// This step of signing in is not the next one.
    NotNow,
    /// Another site's page may have sent this.
    Foreign,
    /// Whoever is meant takes part in no meeting.
    NotInside,
    /// Whoever is meant takes part by another institution, in a meeting that is not ours.
    Elsewhere,
    /// The call did not come in, or is not answered: it cannot go on elsewhere.
    NotHandedOn,
    /// The dialplan does not let the caller go there, for this reason.
    NotThere(String),
    /// The token has not this right.
    NeedsRight(Right),
    /// There is no such meeting.
    NotFound,
    /// It is in the configuration's file, and is changed there.
    FromFile,
    /// A rule of the dialplan, of this name, leads into its room.
    InPlan(String),
    /// Another meeting has this name or ID.
    Taken(Taken),
    /// It was written since the revision that the request names.
    Stale,
    /// As many meetings are there as may be.
    Full(usize),
    /// The body is not JSON, by its own word.
    NotJson,
    /// The body is longer than this.
    TooLong(usize),
    /// The body did not come in time.
    TooSlow,
    /// The body, or a part of the address, cannot be read.
    Unreadable(Fault),
    /// It can be read, but cannot be so.
    Faults(Vec<Fault>),
    /// Nothing can be written now.
    Out,
    /// Too much at once.
    Busy,
    /// There is no such record, or its time is over.
    NoRecord,
    /// Something of the dialplan.
    Plan(Box<PlanRefusal>),
    /// There is no trunk of this name.
    NoTrunk,
    /// The trunk only calls here: there is nobody to ask.
    NoDial,
    /// There is no mail server to hand invitations to.
    NoMail,
    /// There is no such address.
    NoAddress,
    /// The address does not take this method.
    NoMethod,
}

/// What is answered to a question that is not answered, beside what whoever asks is told.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only described")]
pub(super) enum NotTold {
    /// The request cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(#[to_schema] Problem),
    /// There is no such thing
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
}

/// What is answered to a wish that is not fulfilled, beside what whoever asks and sends is told.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only described")]
pub(super) enum NotDone {
    /// There is no such thing
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// It cannot be done as it is now
    #[response(status = 409, content_type = "application/problem+json")]
    NotSo(#[to_schema] Problem),
    /// It was changed meanwhile
    #[response(status = 412, content_type = "application/problem+json")]
    Stale(#[to_schema] Problem),
    /// A field cannot be like this
    #[response(status = 422, content_type = "application/problem+json")]
    Faults(#[to_schema] Problem),
}

/// A problem (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct Problem {
    /// Which kind of problem, for programs.
    #[serde(rename = "type")]
    #[schema(example = "urn:einwahl:problem:faults")]
    kind: String,
    /// The same, for people.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What to do.
    detail: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

/// A problem with a plan: with all that is wrong in its files, or with what somebody else published meanwhile.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanTrouble {
    #[serde(flatten)]
    problem: Problem,
    /// What is wrong in which file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    problems: Vec<PlanProblem>,
    /// What you began with, what was published meanwhile, and what you want.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    conflict: Option<Conflict>,
}

impl PlanTrouble {
    fn of(problem: Problem, why: &PlanRefusal, language: Language) -> Self {
        let (problems, conflict) = match why {
            PlanRefusal::Problems(found) => (problems(found, language), None),
            PlanRefusal::Conflict(view) => (Vec::new(), Some(Conflict::from(view.as_ref()))),
            PlanRefusal::NoVersion
            | PlanRefusal::NoDraft
            | PlanRefusal::StaleDraft
            | PlanRefusal::TooManyDrafts
            | PlanRefusal::InFolder
            | PlanRefusal::NeedsApproval
            | PlanRefusal::OwnDraft
            | PlanRefusal::Unchanged
            | PlanRefusal::Files(_) => (Vec::new(), None),
        };
        Self { problem, problems, conflict }
    }
}

/// What is wrong with a field.
#[derive(Serialize, ToSchema)]
pub(super) struct FieldError {
    /// Its name, or its path in the body.
    #[schema(example = "endsAt")]
    field: String,
    /// What is wrong, and what to do.
    message: String,
}

impl Refusal {
    /// Status, kind and title.
    const fn head(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::WrongToken => (StatusCode::UNAUTHORIZED, "token", "No valid token, and nobody signed in"),
            Self::SlowDown(_) => (StatusCode::TOO_MANY_REQUESTS, "slow-down", "Too many wrong tokens or passwords"),
            Self::WrongPassword => (StatusCode::UNAUTHORIZED, "password", "Name or password is wrong"),
            Self::WrongCode => (StatusCode::UNAUTHORIZED, "code", "The code is wrong"),
            Self::NotNow => (StatusCode::CONFLICT, "not-now", "This step is not the next one"),
            Self::NotInside => (StatusCode::CONFLICT, "not-inside", "The call is in no meeting"),
            Self::Elsewhere => (StatusCode::CONFLICT, "elsewhere", "They take part by another institution"),
            Self::NotHandedOn => (StatusCode::CONFLICT, "not-handed-on", "The call cannot be transferred"),
            Self::NotThere(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "not-there", "The dialplan does not let this caller go there")
            }
            Self::Foreign => (StatusCode::FORBIDDEN, "foreign", "The request does not come from a page of this server"),
            Self::NeedsRight(_) => (StatusCode::FORBIDDEN, "right", "Not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::FromFile => (StatusCode::CONFLICT, "from-file", "The meeting is in the configuration's file"),
            Self::InPlan(_) => (StatusCode::CONFLICT, "in-plan", "The dialplan leads into this meeting"),
            Self::Taken(_) => (StatusCode::CONFLICT, "taken", "Taken by another meeting"),
            Self::Stale => (StatusCode::PRECONDITION_FAILED, "stale", "The meeting was changed meanwhile"),
            Self::Full(_) => (StatusCode::CONFLICT, "full", "No further meeting can be made"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "The body is not JSON"),
            Self::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-long", "The body is too long"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too-slow", "The body did not come in time"),
            Self::Unreadable(_) => (StatusCode::BAD_REQUEST, "unreadable", "The request cannot be read"),
            Self::Faults(_) => (StatusCode::UNPROCESSABLE_ENTITY, "faults", "It cannot be like this"),
            Self::Out => (StatusCode::SERVICE_UNAVAILABLE, "store", "Nothing can be written at the moment"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too much at once"),
            Self::NoRecord => (StatusCode::NOT_FOUND, "no-record", "No such record"),
            Self::Plan(why) => why.head(),
            Self::NoTrunk => (StatusCode::NOT_FOUND, "no-trunk", "No such trunk"),
            Self::NoMail => (StatusCode::CONFLICT, "no-mail", "No mail server is configured"),
            Self::NoDial => (StatusCode::CONFLICT, "no-dial", "The trunk cannot be called"),
            Self::NoAddress => (StatusCode::NOT_FOUND, "no-address", "No such address"),
            Self::NoMethod => (StatusCode::METHOD_NOT_ALLOWED, "no-method", "Not with this method"),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::WrongToken => "Sign in; a program sends a token that the configuration knows, as `Authorization: Bearer \
                TOKEN`. `einwahl api token NAME` makes one."
                .into(),
            Self::SlowDown(wait) => format!("Try again in {} s, with the right one.", seconds(*wait)),
            Self::WrongPassword => {
                "Try again. Who has forgotten it asks an administrator, who can reset the account.".into()
            }
            Self::WrongCode => {
                "Wait for the app's next code; each counts once. If none is taken, the clock of the telephone is wrong, or \
                 begin again."
                    .into()
            }
            Self::NotNow => "GET /api/v1/session says which step is next.".into(),
            Self::NotInside => "In a menu nobody hears it. Wait until it is in a meeting, or hang it up.".into(),
            Self::Elsewhere => "Ask their institution, or the one whose meeting it is: only these can mute them.".into(),
            Self::NotThere(why) => format!("Name another number: {why}."),
            Self::NotHandedOn => "Only calls that came in and are answered can. Transfer the one that it is connected with.".into(),
            Self::Foreign => "Send the header `X-CSRF-Token` that GET /api/v1/session tells, from a page of this server.".into(),
            Self::NeedsRight(right) => {
                format!("This takes the right \"{right}\": an administrator gives a role that has it; to a token, [[api.tokens]].")
            }
            Self::NotFound => "Look at the list for the names that there are.".into(),
            Self::FromFile => "Change it in einwahl.toml, and start the gateway again.".into(),
            Self::InPlan(rule) => format!("Rule {rule:?} sends calls into it: publish a plan without that first."),
            Self::Taken(Taken::Room) => "Choose another name, or change the meeting that has it.".into(),
            Self::Taken(Taken::Id) => "Choose another ID, or leave it out: one that is free is made.".into(),
            Self::Stale => "Read it again, and decide anew.".into(),
            Self::Full(most) => {
                format!("Delete meetings that are over, or raise most_meetings in [api] (now {most}).")
            }
            Self::NotJson => "Send the header `Content-Type: application/json`.".into(),
            Self::TooLong(most) => format!("Send at most {most} bytes."),
            Self::TooSlow => "Send all of it at once.".into(),
            Self::Unreadable(_) | Self::Faults(_) => "Correct what `errors` names, and send it again.".into(),
            Self::Out => "Meetings that there are go on. The gateway's log says what is wrong with the store.".into(),
            Self::Busy => "Try again in a moment.".into(),
            Self::NoRecord => "Look at the list; a record is deleted when its time is over.".into(),
            Self::Plan(why) => why.detail(),
            Self::NoTrunk => "Look at the list for the trunks that there are.".into(),
            Self::NoMail => "Write [mail] with the institution's mail server into einwahl.toml, or send the text yourself.".into(),
            Self::NoDial => "Give the trunk a `dial` in einwahl.toml: it only calls here.".into(),
            Self::NoAddress => "The addresses are in /api/openapi.json.".into(),
            Self::NoMethod => "The header Allow says which methods there are.".into(),
        }
    }

    fn errors(&self) -> Vec<FieldError> {
        let error = |fault: &Fault| FieldError { field: fault.field.to_string(), message: fault.message.clone() };
        match self {
            Self::Unreadable(fault) => vec![error(fault)],
            Self::Faults(faults) => faults.iter().map(error).collect(),
            Self::Taken(taken) => {
                let field = match taken {
                    Taken::Room => "room",
                    Taken::Id => "id",
                };
                vec![FieldError { field: field.into(), message: taken.to_string() }]
            }
            Self::WrongToken
            | Self::SlowDown(_)
            | Self::WrongPassword
            | Self::WrongCode
            | Self::NotNow
            | Self::Foreign
            | Self::NotInside
            | Self::Elsewhere
            | Self::NotHandedOn
            | Self::NotThere(_)
            | Self::NeedsRight(_)
            | Self::NotFound
            | Self::FromFile
            | Self::InPlan(_)
            | Self::Stale
            | Self::Full(_)
            | Self::NotJson
            | Self::TooLong(_)
            | Self::TooSlow
            | Self::Out
            | Self::Busy
            | Self::NoRecord
            | Self::Plan(_)
            | Self::NoTrunk
            | Self::NoDial
            | Self::NoMail
            | Self::NoAddress
            | Self::NoMethod => Vec::new(),
        }
    }

    /// Seconds after which trying again makes sense.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::SlowDown(wait) => Some(seconds(*wait)),
            Self::Busy => Some(1),
            Self::Out => Some(60),
            Self::WrongToken
            | Self::WrongPassword
            | Self::WrongCode
            | Self::NotNow
            | Self::Foreign
            | Self::NotInside
            | Self::Elsewhere
            | Self::NotHandedOn
            | Self::NotThere(_)
            | Self::NeedsRight(_)
            | Self::NotFound
            | Self::FromFile
            | Self::InPlan(_)
            | Self::Taken(_)
            | Self::Stale
            | Self::Full(_)
            | Self::NotJson
            | Self::TooLong(_)
            | Self::TooSlow
            | Self::Unreadable(_)
            | Self::Faults(_)
            | Self::NoRecord
            | Self::Plan(_)
            | Self::NoTrunk
            | Self::NoDial
            | Self::NoMail
            | Self::NoAddress
            | Self::NoMethod => None,
        }
    }
}

/// Whole seconds, and never none.
fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.respond(Language::En)
    }
}

impl Refusal {
    /// A problem document. What it says of a plan is in this language; all else is for programs, and in English.
    pub(super) fn respond(self, language: Language) -> Response {
        let (status, kind, title) = self.head();
        let problem = Problem {
            kind: format!("urn:einwahl:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: self.detail(),
            errors: self.errors(),
        };
        let mut response = if let Self::Plan(why) = &self {
            (status, Json(PlanTrouble::of(problem, why, language))).into_response()
        } else {
            (status, Json(problem)).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"einwahl\""));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_millis(1_001)), 2);
        let response = Refusal::SlowDown(Duration::from_secs(4)).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "4");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
