//! Why something is not done, as a problem document (RFC 9457): what, which field, and what to do.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use super::dialplan::{Conflict, PlanProblem, PlanRefusal, problems};
use crate::meeting::{Fault, Taken};
use crate::words::{Both, Language, Right, both};

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
    NotThere(Both),
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

/// Status, kind, and the title in German and in English.
pub(super) type Head = (StatusCode, &'static str, (&'static str, &'static str));

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
    /// The same, for people, in the language of `Accept-Language`: German or English.
    #[schema(example = "It cannot be like this")]
    title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What to do, in the same language.
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
    /// What is wrong, and what to do, in the same language.
    message: String,
}

impl Refusal {
    /// Status, kind and title, in German and in English.
    const fn head(&self) -> Head {
        match self {
            Self::WrongToken => (
                StatusCode::UNAUTHORIZED,
                "token",
                ("Kein gültiges Token, und niemand angemeldet", "No valid token, and nobody signed in"),
            ),
            Self::SlowDown(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "slow-down",
                ("Zu viele falsche Tokens oder Passwörter", "Too many wrong tokens or passwords"),
            ),
            Self::WrongPassword => {
                (StatusCode::UNAUTHORIZED, "password", ("Name oder Passwort stimmt nicht", "Name or password is wrong"))
            }
            Self::WrongCode => (StatusCode::UNAUTHORIZED, "code", ("Der Code stimmt nicht", "The code is wrong")),
            Self::NotNow => (
                StatusCode::CONFLICT,
                "not-now",
                ("Dieser Schritt ist nicht der nächste", "This step is not the next one"),
            ),
            Self::NotInside => {
                (StatusCode::CONFLICT, "not-inside", ("Der Anruf ist in keiner Konferenz", "The call is in no meeting"))
            }
            Self::Elsewhere => (
                StatusCode::CONFLICT,
                "elsewhere",
                ("Die Person nimmt über eine andere Einrichtung teil", "They take part by another institution"),
            ),
            Self::NotHandedOn => (
                StatusCode::CONFLICT,
                "not-handed-on",
                ("Der Anruf kann nicht verbunden werden", "The call cannot be transferred"),
            ),
            Self::NotThere(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "not-there",
                ("Der Wählplan lässt diesen Anrufer nicht dorthin", "The dialplan does not let this caller go there"),
            ),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                "foreign",
                (
                    "Die Anfrage kommt nicht von einer Seite dieses Servers",
                    "The request does not come from a page of this server",
                ),
            ),
            Self::NeedsRight(_) => (StatusCode::FORBIDDEN, "right", ("Nicht erlaubt", "Not allowed")),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", ("Das gibt es nicht (mehr)", "Not found")),
            Self::FromFile => (
                StatusCode::CONFLICT,
                "from-file",
                ("Die Konferenz steht in der Konfigurationsdatei", "The meeting is in the configuration's file"),
            ),
            Self::InPlan(_) => (
                StatusCode::CONFLICT,
                "in-plan",
                ("Der Wählplan führt in diese Konferenz", "The dialplan leads into this meeting"),
            ),
            Self::Taken(_) => (
                StatusCode::CONFLICT,
                "taken",
                ("Name oder Nummer hat schon eine andere Konferenz", "Taken by another meeting"),
            ),
            Self::Stale => (
                StatusCode::PRECONDITION_FAILED,
                "stale",
                ("Die Konferenz wurde inzwischen geändert", "The meeting was changed meanwhile"),
            ),
            Self::Full(_) => (
                StatusCode::CONFLICT,
                "full",
                ("Es gibt so viele Konferenzen, wie es geben darf", "No further meeting can be made"),
            ),
            Self::NotJson => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", ("Die Anfrage ist kein JSON", "The body is not JSON"))
            }
            Self::TooLong(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-long", ("Die Anfrage ist zu lang", "The body is too long"))
            }
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                ("Die Anfrage kam nicht rechtzeitig an", "The body did not come in time"),
            ),
            Self::Unreadable(_) => (
                StatusCode::BAD_REQUEST,
                "unreadable",
                ("Die Anfrage kann nicht gelesen werden", "The request cannot be read"),
            ),
            Self::Faults(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "faults", ("So kann es nicht sein", "It cannot be like this"))
            }
            Self::Out => (
                StatusCode::SERVICE_UNAVAILABLE,
                "store",
                ("Zurzeit kann nichts gespeichert werden", "Nothing can be written at the moment"),
            ),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", ("Zu viel auf einmal", "Too much at once")),
            Self::NoRecord => {
                (StatusCode::NOT_FOUND, "no-record", ("Diese Aufzeichnung gibt es nicht (mehr)", "No such record"))
            }
            Self::Plan(why) => why.head(),
            Self::NoTrunk => (StatusCode::NOT_FOUND, "no-trunk", ("Diesen Anschluss gibt es nicht", "No such trunk")),
            Self::NoMail => (
                StatusCode::CONFLICT,
                "no-mail",
                ("Es ist kein Mailserver eingerichtet", "No mail server is configured"),
            ),
            Self::NoDial => (
                StatusCode::CONFLICT,
                "no-dial",
                ("Über diesen Anschluss kann niemand angerufen werden", "The trunk cannot be called"),
            ),
            Self::NoAddress => {
                (StatusCode::NOT_FOUND, "no-address", ("Diese Adresse gibt es nicht", "No such address"))
            }
            Self::NoMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "no-method",
                ("Mit dieser Methode geht es nicht", "Not with this method"),
            ),
        }
    }

    fn detail(&self) -> Both {
        match self {
            Self::WrongToken => both!(
                "Melden Sie sich an; ein Programm schickt ein Token, das die Konfiguration kennt, als `Authorization: Bearer \
                 TOKEN`. `einwahl api token NAME` macht eines.",
                "Sign in; a program sends a token that the configuration knows, as `Authorization: Bearer TOKEN`. `einwahl \
                 api token NAME` makes one."
            ),
            Self::SlowDown(wait) => both!(
                "Versuchen Sie es in {} s noch einmal, mit dem richtigen.",
                "Try again in {} s, with the right one.",
                seconds(*wait)
            ),
            Self::WrongPassword => both!(
                "Versuchen Sie es noch einmal. Wer es vergessen hat, bittet die Administration, das Konto zurückzusetzen.",
                "Try again. Who has forgotten it asks an administrator, who can reset the account."
            ),
            Self::WrongCode => both!(
                "Warten Sie auf den nächsten Code der App; jeder gilt einmal. Wird keiner angenommen, geht die Uhr des \
                 Telefons falsch, oder beginnen Sie neu.",
                "Wait for the app's next code; each counts once. If none is taken, the clock of the telephone is wrong, or \
                 begin again."
            ),
            Self::NotNow => both!(
                "Beginnen Sie die Anmeldung neu; einem Programm sagt GET /api/v1/session, welcher Schritt der nächste ist.",
                "Begin to sign in anew; GET /api/v1/session tells a program which step is next."
            ),
            Self::NotInside => both!(
                "In einem Menü hört ihn niemand. Warten Sie, bis er in einer Konferenz ist, oder beenden Sie ihn.",
                "In a menu nobody hears it. Wait until it is in a meeting, or hang it up."
            ),
            Self::Elsewhere => both!(
                "Bitten Sie deren Einrichtung oder die, deren Konferenz es ist: Nur diese können sie stummschalten.",
                "Ask their institution, or the one whose meeting it is: only these can mute them."
            ),
            Self::NotThere(why) => Both::new(
                format!("Nennen Sie eine andere Nummer: {}.", why.said(Language::De)),
                format!("Name another number: {}.", why.said(Language::En)),
            ),
            Self::NotHandedOn => both!(
                "Das geht nur mit Anrufen, die hereinkamen und angenommen sind. Verbinden Sie den, mit dem er im Gespräch ist.",
                "Only calls that came in and are answered can. Transfer the one that it is connected with."
            ),
            Self::Foreign => both!(
                "Laden Sie die Seite neu. Ein Programm schickt den Header `X-CSRF-Token`, den GET /api/v1/session nennt.",
                "Load the page anew. A program sends the header `X-CSRF-Token` that GET /api/v1/session tells."
            ),
            Self::NeedsRight(right) => both!(
                "Dafür braucht man das Recht \"{}\": Die Administration gibt eine Rolle, die es hat; einem Token gibt es \
                 [[api.tokens]].",
                "This takes the right \"{}\": an administrator gives a role that has it; to a token, [[api.tokens]].",
                right
            ),
            Self::NotFound => {
                both!("In der Liste stehen die Namen, die es gibt.", "Look at the list for the names that there are.")
            }
            Self::FromFile => both!(
                "Ändern Sie sie in einwahl.toml, und starten Sie das Gateway neu.",
                "Change it in einwahl.toml, and start the gateway again."
            ),
            Self::InPlan(rule) => both!(
                "Die Regel {:?} schickt Anrufe dorthin: Veröffentlichen Sie zuerst einen Plan, der das nicht tut.",
                "Rule {:?} sends calls into it: publish a plan without that first.",
                rule
            ),
            Self::Taken(Taken::Room) => both!(
                "Wählen Sie einen anderen Namen, oder ändern Sie die Konferenz, die ihn hat.",
                "Choose another name, or change the meeting that has it."
            ),
            Self::Taken(Taken::Id) => both!(
                "Wählen Sie eine andere Nummer, oder lassen Sie sie weg: Dann wird eine freie vergeben.",
                "Choose another ID, or leave it out: one that is free is made."
            ),
            Self::Stale => {
                both!("Laden Sie sie neu, und entscheiden Sie noch einmal.", "Read it again, and decide anew.")
            }
            Self::Full(most) => both!(
                "Löschen Sie Konferenzen, die vorbei sind, oder erhöhen Sie most_meetings in [api] (jetzt {}).",
                "Delete meetings that are over, or raise most_meetings in [api] (now {}).",
                most
            ),
            Self::NotJson => both!(
                "Schicken Sie den Header `Content-Type: application/json`.",
                "Send the header `Content-Type: application/json`."
            ),
            Self::TooLong(most) => both!("Schicken Sie höchstens {} Bytes.", "Send at most {} bytes.", most),
            Self::TooSlow => both!("Schicken Sie alles auf einmal.", "Send all of it at once."),
            Self::Unreadable(_) | Self::Faults(_) => both!(
                "Berichtigen Sie, was genannt ist, und schicken Sie es noch einmal.",
                "Correct what is named, and send it again."
            ),
            Self::Out => both!(
                "Konferenzen, die es gibt, gehen weiter. Was dem Speicher fehlt, steht im Log des Gateways.",
                "Meetings that there are go on. The gateway's log says what is wrong with the store."
            ),
            Self::Busy => both!("Versuchen Sie es gleich noch einmal.", "Try again in a moment."),
            Self::NoRecord => both!(
                "Sehen Sie in der Liste nach; was aufgezeichnet ist, wird nach seiner Frist gelöscht.",
                "Look at the list; a record is deleted when its time is over."
            ),
            Self::Plan(why) => why.detail(),
            Self::NoTrunk => both!(
                "In der Liste stehen die Anschlüsse, die es gibt.",
                "Look at the list for the trunks that there are."
            ),
            Self::NoMail => both!(
                "Tragen Sie [mail] mit dem Mailserver der Einrichtung in einwahl.toml ein, oder verschicken Sie den Text selbst.",
                "Write [mail] with the institution's mail server into einwahl.toml, or send the text yourself."
            ),
            Self::NoDial => both!(
                "Geben Sie dem Anschluss in einwahl.toml ein `dial`: Über ihn kommen nur Anrufe herein.",
                "Give the trunk a `dial` in einwahl.toml: it only calls here."
            ),
            Self::NoAddress => {
                both!("Die Adressen stehen in /api/openapi.json.", "The addresses are in /api/openapi.json.")
            }
            Self::NoMethod => both!(
                "Welche Methoden es gibt, sagt der Header Allow.",
                "The header Allow says which methods there are."
            ),
        }
    }

    fn errors(&self, language: Language) -> Vec<FieldError> {
        let error = |fault: &Fault| FieldError {
            field: fault.field.to_string(),
            message: fault.message.said(language).to_owned(),
        };
        match self {
            Self::Unreadable(fault) => vec![error(fault)],
            Self::Faults(faults) => faults.iter().map(error).collect(),
            Self::Taken(taken) => {
                let field = match taken {
                    Taken::Room => "room",
                    Taken::Id => "id",
                };
                vec![FieldError { field: field.into(), message: Both::from(*taken).said(language).to_owned() }]
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

impl Refusal {
    /// A problem document, in this language. What programs look at (`type`, fields, headers) is the same in each.
    pub(super) fn respond(self, language: Language) -> Response {
        let (status, kind, title) = self.head();
        let problem = Problem {
            kind: format!("urn:einwahl:problem:{kind}"),
            title: Both::from(title).said(language).to_owned(),
            status: status.as_u16(),
            detail: self.detail().said(language).to_owned(),
            errors: self.errors(language),
        };
        let mut response = if let Self::Plan(why) = &self {
            (status, Json(PlanTrouble::of(problem, why, language))).into_response()
        } else {
            (status, Json(problem)).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
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
        let response = Refusal::SlowDown(Duration::from_secs(4)).respond(Language::De);
        assert_eq!(response.headers()[header::RETRY_AFTER], "4");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::CONTENT_LANGUAGE], "de");
    }

    #[tokio::test]
    async fn a_problem_is_told_in_the_language_of_whoever_reads_it() {
        async fn told(refusal: Refusal, language: Language) -> serde_json::Value {
            let body = axum::body::to_bytes(refusal.respond(language).into_body(), 4_096).await.expect("a body");
            serde_json::from_slice(&body).expect("JSON")
        }
        let refused = || Refusal::NotThere(both!("der Raum ist zu", "the room is closed"));
        let (german, english) = (told(refused(), Language::De).await, told(refused(), Language::En).await);
        assert_eq!(german["title"], "Der Wählplan lässt diesen Anrufer nicht dorthin");
        assert_eq!(german["detail"], "Nennen Sie eine andere Nummer: der Raum ist zu.");
        assert_eq!(english["detail"], "Name another number: the room is closed.");
        assert_eq!(german["type"], english["type"]);
        let wrong = || Refusal::Faults(vec![Fault::new("to", both!("{} zu viel", "{} too many", 2))]);
        assert_eq!(told(wrong(), Language::De).await["errors"][0]["message"], "2 zu viel");
        assert_eq!(told(wrong(), Language::En).await["errors"][0]["message"], "2 too many");
    }
}
