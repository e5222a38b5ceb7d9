//! Call records by API: lists that can be filtered, one record with its trace and its ladder, and a table for a spreadsheet.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::problem::{Problem, Refusal};
use super::reading::{Asked, Reads, answer, from_to, query, unreadable};
use super::routes::{From, Shares};
use super::{Done, Wish};
use crate::call::ladder::{Ladder, Side};
use crate::dialplan::{Outcome, Step};
use crate::records::calls::{Filter, Page, Quality, Record, Whole};
use crate::web::Shared;
use crate::words::{Language, Right, both};

/// What somebody wants of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallsWish {
    /// Some of them.
    List {
        /// Which.
        filter: Filter,
        /// As a table for a spreadsheet.
        csv: bool,
    },
    /// One, with everything.
    Read {
        /// Which.
        id: u64,
    },
}

impl CallsWish {
    /// What a token needs for it.
    pub const fn needs(&self) -> Right {
        match self {
            Self::List { .. } | Self::Read { .. } => Right::Calls,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum CallsDone {
    /// Some records.
    Page {
        /// Which.
        page: Page,
        /// As a table for a spreadsheet.
        csv: bool,
    },
    /// One, with everything.
    Whole(Box<Whole>),
}

/// Records in one answer, at most and if nothing is said.
const MOST: usize = 500;
const USUAL: usize = 100;

/// No record has a higher number (SQLite counts in 63 bits).
const LAST: u64 = u64::MAX >> 1;

/// Lines of a table, at most and if nothing is said.
const MOST_LINES: usize = 100_000;

#[derive(OpenApi)]
#[openapi(paths(list, read))]
pub(super) struct Api;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/calls", get(list)).route("/api/v1/calls/{id}", get(read))
}

#[derive(Deserialize)]
pub(super) struct Part {
    after: Option<u64>,
    from: Option<String>,
    to: Option<String>,
    trunk: Option<String>,
    rule: Option<String>,
    status: Option<u16>,
    called: Option<String>,
    limit: Option<usize>,
}

/// Call records, the newest first
///
/// With `Accept: text/csv` as a table for a spreadsheet. A record is there about two seconds after the end of its call. What was decided and
/// how it ended is told in the language of `Accept-Language`; of records that an older version wrote, in English.
#[utoipa::path(
    get,
    path = "/api/v1/calls",
    operation_id = "listCalls",
    params(
        ("after" = Option<u64>, Query, description = "Those that follow this one in the list: older ones", minimum = 0),
        ("from" = Option<String>, Query, description = "Calls that came then or later (RFC 3339)", example = "2026-11-25T08:00:00+01:00"),
        ("to" = Option<String>, Query, description = "Calls that came before (RFC 3339)", example = "2026-11-26T00:00:00+01:00"),
        ("trunk" = Option<String>, Query, description = "By this trunk", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"),
        ("rule" = Option<String>, Query, description = "By this rule of the dialplan"),
        ("status" = Option<u16>, Query, description = "With this final SIP status", minimum = 100, maximum = 699),
        ("called" = Option<String>, Query, description = "To this number, as it was called"),
        Reads,
        ("limit" = Option<u32>, Query, description = "At most so many; 100, if nothing is said; of a table 100,000", minimum = 1, maximum = 500),
    ),
    responses(
        (status = 200, description = "Some or all of them", content((CallRecords = "application/json"), (String = "text/csv"))),
        (status = 400, description = "The query cannot be read", body = Problem, content_type = "application/problem+json"),
        Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn list(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    part: Result<Query<Part>, QueryRejection>,
) -> Response {
    let csv = wants_csv(&headers);
    let wish = part
        .map_err(|why| query(&why))
        .and_then(|Query(part)| Ok(Wish::Calls(CallsWish::List { filter: part.filter(csv)?, csv })));
    answer(&shared, from, &headers, wish).await
}

/// One call record
///
/// With what the dialplan looked at, and with what was said on the wire.
#[utoipa::path(
    get,
    path = "/api/v1/calls/{id}",
    operation_id = "readCall",
    params(("id" = u64, Path, description = "Its number", minimum = 0), Reads),
    responses(
        (status = 200, description = "It", body = WholeCall),
        (status = 404, description = "No such record", body = Problem, content_type = "application/problem+json"),
        Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn read(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
) -> Response {
    let known = id.ok().map(|Path(id)| id).filter(|id| *id <= LAST);
    let wish = known.map(|id| Wish::Calls(CallsWish::Read { id })).ok_or(Refusal::NoRecord);
    answer(&shared, from, &headers, wish).await
}

impl Part {
    fn filter(self, csv: bool) -> Result<Filter, Refusal> {
        let time = |field, text: Option<String>| {
            let unfit = |_| {
                let message = both!(
                    "Schreiben Sie eine Zeit wie 2026-11-25T08:00:00+01:00",
                    "write a time like 2026-11-25T08:00:00+01:00"
                );
                unreadable(field, message)
            };
            text.map(|text| text.parse().map_err(unfit)).transpose()
        };
        let unfit = |why: crate::words::InvalidName| unreadable("trunk", why);
        let most = match (csv, self.limit) {
            (true, limit) => limit.unwrap_or(MOST_LINES).min(MOST_LINES),
            (false, None) => USUAL,
            (false, Some(limit)) => limit,
        };
        if most == 0 || (!csv && most > MOST) {
            return Err(unreadable("limit", from_to(1, MOST)));
        }
        if self.after.is_some_and(|after| after > LAST) {
            return Err(unreadable(
                "after",
                both!("Eine solche Aufzeichnung gibt es nicht", "there is no such record"),
            ));
        }
        if self.status.is_some_and(|status| !(100..700).contains(&status)) {
            return Err(unreadable("status", from_to(100, 699)));
        }
        Ok(Filter {
            after: self.after,
            from: time("from", self.from)?,
            to: time("to", self.to)?,
            trunk: self.trunk.map(|trunk| trunk.parse().map_err(unfit)).transpose()?,
            rule: self.rule,
            status: self.status,
            called: self.called,
            most,
        })
    }
}

fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    accepted.trim_start().starts_with("text/csv")
}

/// Some records.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallRecords {
    calls: Vec<CallRecord>,
    /// There are more: ask for those `after` this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    next: Option<u64>,
}

/// What became of a call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CallRecord {
    /// Its number.
    id: u64,
    /// When the call came (RFC 3339).
    began: String,
    /// When the caller was connected.
    answered: Option<String>,
    /// When it was over.
    ended: String,
    /// The trunk by which it came; a stranger's has none.
    trunk: Option<String>,
    /// What was called.
    called: String,
    /// Who called, masked; `null` if that was withheld, or is no number.
    caller: Option<String>,
    /// It came with TLS.
    secure: bool,
    /// The rule that decided; `null` if none did.
    rule: Option<String>,
    /// What it decided, in words.
    decision: String,
    /// The version of the dialplan.
    version: u64,
    /// The final SIP status.
    status: u16,
    /// The Q.850 cause.
    cause: u8,
    /// How it ended, in words.
    why: String,
    /// How it sounded.
    quality: Option<CallQuality>,
}

/// How a call sounded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CallQuality {
    codec: String,
    /// Packets that never came here, of so many.
    lost_in: u64,
    of_in: u64,
    /// Packets that never came there, of so many, if the other side told.
    lost_out: Option<u64>,
    of_out: Option<u64>,
    /// How unevenly they came here, in milliseconds.
    jitter_in_ms: f64,
    jitter_out_ms: Option<f64>,
    /// There and back, in milliseconds.
    round_trip_ms: Option<f64>,
    /// Packets that came too late to be played.
    late: u64,
    /// Pieces of 20 ms that were a guess.
    concealed: u64,
    /// How people would judge it: 1 (bad) to 4.5 (ITU-T G.107).
    mos: f64,
}

/// A record with everything.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeCall {
    #[serde(flatten)]
    call: CallRecord,
    /// What the dialplan looked at: the last steps, with the one that decided.
    trace: Vec<CallStep>,
    /// What was said on the wire: the first messages.
    ladder: Vec<CallMessage>,
    /// So many more messages there were.
    more_messages: u32,
}

/// A rule that was looked at.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CallStep {
    /// Which.
    rule: String,
    /// Where it stood: file:line.
    place: String,
    /// In which context.
    context: String,
    /// What became of it.
    #[schema(value_type = String, example = "otherTime")]
    outcome: Outcome,
    /// The same in words.
    told: String,
}

/// A message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CallMessage {
    /// Milliseconds since the call began.
    at_ms: u64,
    /// Who we talked to.
    side: SideName,
    /// We sent it.
    sent: bool,
    /// A method, or a status.
    #[schema(example = "INVITE")]
    what: String,
    /// The method that it belongs to (`CSeq`).
    method: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum SideName {
    /// Whoever called us.
    Caller,
    /// Whoever we called for them.
    Called,
}

impl CallRecord {
    fn of(record: &Record, language: Language) -> Self {
        Self {
            id: record.id,
            began: record.began.to_string(),
            answered: record.answered.map(|at| at.to_string()),
            ended: record.ended.to_string(),
            trunk: record.trunk.as_ref().map(ToString::to_string),
            called: record.called.clone(),
            caller: record.caller.as_ref().map(ToString::to_string),
            secure: record.secure,
            rule: record.rule.clone(),
            decision: record.decision.said(language).to_owned(),
            version: record.version,
            status: record.status.status,
            cause: record.status.cause,
            why: record.status.why.said(language).to_owned(),
            quality: record.quality.as_ref().map(CallQuality::from),
        }
    }
}

impl std::convert::From<&Quality> for CallQuality {
    fn from(quality: &Quality) -> Self {
        Self {
            codec: quality.codec.to_string(),
            lost_in: quality.lost_in,
            of_in: quality.of_in,
            lost_out: quality.lost_out,
            of_out: quality.of_out,
            jitter_in_ms: quality.jitter_in_ms,
            jitter_out_ms: quality.jitter_out_ms,
            round_trip_ms: quality.round_trip_ms,
            late: quality.late,
            concealed: quality.concealed,
            mos: quality.mos,
        }
    }
}

impl CallStep {
    fn of(step: Step, language: Language) -> Self {
        let told = step.outcome.said(language).to_owned();
        Self { rule: step.rule, place: step.place, context: step.context, outcome: step.outcome, told }
    }
}

impl WholeCall {
    fn of(whole: Whole, language: Language) -> Self {
        let Ladder { rungs, more } = whole.ladder;
        let side = |side| match side {
            Side::Caller => SideName::Caller,
            Side::Called => SideName::Called,
        };
        let messages = rungs.into_iter().map(|rung| CallMessage {
            at_ms: rung.at_ms,
            side: side(rung.side),
            sent: rung.sent,
            what: rung.what,
            method: rung.method,
        });
        Self {
            call: CallRecord::of(&whole.record, language),
            trace: whole.trace.into_iter().map(|step| CallStep::of(step, language)).collect(),
            ladder: messages.collect(),
            more_messages: more,
        }
    }
}

impl CallsDone {
    /// As HTTP, with sentences in this language.
    pub(super) fn respond(self, language: Language) -> Response {
        let mut response = self.told(language);
        response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
        response
    }

    fn told(self, language: Language) -> Response {
        match self {
            Self::Page { page, csv: true } => {
                let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
                ([(header::CONTENT_TYPE, kind)], table(&page.records, language)).into_response()
            }
            Self::Page { page, csv: false } => {
                let calls = page.records.iter().map(|record| CallRecord::of(record, language)).collect();
                Json(CallRecords { calls, next: page.next }).into_response()
            }
            Self::Whole(whole) => Json(WholeCall::of(*whole, language)).into_response(),
        }
    }
}

const COLUMNS: [&str; 19] = [
    "id",
    "began",
    "answered",
    "ended",
    "seconds",
    "trunk",
    "called",
    "caller",
    "secure",
    "rule",
    "decision",
    "version",
    "status",
    "cause",
    "why",
    "codec",
    "loss in %",
    "loss out %",
    "mos",
];

fn table(records: &[Record], language: Language) -> String {
    let mut table = csv::Writer::from_writer(Vec::new());
    // Into memory: there is nothing that could not be written.
    drop(table.write_record(COLUMNS));
    for record in records {
        drop(table.write_record(row(record, language)));
    }
    table.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn row(record: &Record, language: Language) -> [String; 19] {
    let or_nothing = |text: Option<String>| text.unwrap_or_default();
    let quality = record.quality.as_ref();
    let share = |lost: u64, of: u64| if of == 0 { 0.0 } else { lost as f64 * 100.0 / of as f64 };
    let seconds = record.answered.map_or(0, |at| record.ended.duration_since(at).as_secs());
    [
        record.id.to_string(),
        record.began.to_string(),
        or_nothing(record.answered.map(|at| at.to_string())),
        record.ended.to_string(),
        seconds.to_string(),
        or_nothing(record.trunk.as_ref().map(ToString::to_string)),
        harmless(&record.called),
        or_nothing(record.caller.as_ref().map(ToString::to_string)),
        record.secure.to_string(),
        harmless(record.rule.as_deref().unwrap_or_default()),
        harmless(record.decision.said(language)),
        record.version.to_string(),
        record.status.status.to_string(),
        record.status.cause.to_string(),
        harmless(record.status.why.said(language)),
        or_nothing(quality.map(|quality| quality.codec.to_string())),
        or_nothing(quality.map(|quality| format!("{:.2}", share(quality.lost_in, quality.of_in)))),
        or_nothing(quality.and_then(|q| Some(format!("{:.2}", share(q.lost_out?, q.of_out?))))),
        or_nothing(quality.map(|quality| format!("{:.2}", quality.mos))),
    ]
}

/// A spreadsheet takes what begins like this for a formula, and what is called is up to whoever calls.
fn harmless(text: &str) -> String {
    let is_number = text.strip_prefix('+').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == ' '));
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number { format!("'{text}") } else { text.to_owned() }
}

impl std::convert::From<CallsDone> for Done {
    fn from(done: CallsDone) -> Self {
        Self::Calls(Box::new(done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::calls::{End, Status};
    use crate::words::Both;

    fn refused() -> Record {
        Record {
            id: 7,
            began: jiff::Timestamp::UNIX_EPOCH,
            answered: None,
            ended: jiff::Timestamp::UNIX_EPOCH,
            trunk: None,
            called: "2000".into(),
            caller: None,
            secure: false,
            rule: Some("Nachts".into()),
            decision: Both::new("abgewiesen: besetzt (486)", "refused: busy (486)"),
            version: 3,
            status: Status { status: 486, cause: 17, why: End::Refused(crate::call::Refusal::Busy).told() },
            quality: None,
        }
    }

    #[tokio::test]
    async fn why_a_call_was_refused_is_told_in_the_language_of_whoever_reads_it() {
        for (language, decision, why) in [
            (Language::De, "abgewiesen: besetzt (486)", "für diese Nummer laufen so viele Anrufe"),
            (Language::En, "refused: busy (486)", "as many calls are up"),
        ] {
            for csv in [true, false] {
                let page = Page { records: vec![refused()], next: None };
                let response = CallsDone::Page { page, csv }.respond(language);
                assert_eq!(response.headers()[header::CONTENT_LANGUAGE], language.code());
                let body = axum::body::to_bytes(response.into_body(), 4_096).await.expect("a body");
                let body = String::from_utf8(body.to_vec()).expect("text");
                assert!(body.contains(decision) && body.contains(why), "{body}");
            }
        }
    }

    #[test]
    fn what_a_caller_dials_becomes_no_formula() {
        for bad in ["=1+1", "@x", "-1", "+cmd|x", "\tx"] {
            assert_eq!(harmless(bad), format!("'{bad}"));
        }
        for fine in ["+49 30 9018", "100", "rat", ""] {
            assert_eq!(harmless(fine), fine);
        }
    }
}
