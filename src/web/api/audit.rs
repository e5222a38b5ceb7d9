//! The audit by API: some of its entries, as JSON or as a table, and whether its chain is sound.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::{NotTold, Refusal};
use super::reading::{Asked, answer, from_to, query, unreadable};
use super::routes::{From, Shares};
use crate::records::{Broken, Verdict, Wanted};
use crate::web::Shared;

/// Entries in one answer, at most and if nothing is said.
const MOST: usize = 10_000;
const USUAL: usize = 100;

/// What somebody wants of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which entries.
    pub wanted: Wanted,
    /// Whether the whole chain is to be followed.
    pub verify: bool,
    /// As a table for a spreadsheet.
    pub csv: bool,
}

/// What the audit says.
#[derive(Debug)]
pub struct Done {
    /// The entries, each a JSON object.
    pub entries: Vec<String>,
    /// What following the chain has shown, if that was asked for.
    pub chain: Option<Result<Verdict, Broken>>,
    /// As a table.
    pub csv: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    after: Option<u64>,
    before: Option<u64>,
    what: Option<String>,
    by: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    verify: bool,
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
}

/// Some entries of the audit.
#[derive(Serialize, ToSchema)]
pub(super) struct Entries {
    /// Each with `number`, `at`, `what`, and what belongs to that; as it was hashed.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Value>,
    /// Whether the chain of hashes is sound; if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    chain: Option<Chain>,
}

/// What following the chain has shown.
#[derive(Serialize, ToSchema)]
pub(super) struct Chain {
    /// No entry was changed, taken out or put in.
    sound: bool,
    /// How many entries there are, of a sound chain.
    entries: Option<u64>,
    /// Number and hash of the last: note it down elsewhere, for `einwahl audit verify --seen`.
    head: Option<String>,
    /// What is wrong, and where it begins.
    fault: Option<String>,
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/audit", get(entries))
}

/// The audit
///
/// The newest first; with `after` the oldest first, for who follows it.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "readAudit",
    params(
        ("after" = Option<u64>, Query, description = "Those after this number, the oldest first", minimum = 0),
        ("before" = Option<u64>, Query, description = "Those before this number", minimum = 0),
        ("what" = Option<String>, Query, description = "Only what happened so, such as `signedIn`"),
        ("by" = Option<String>, Query, description = "Only what this token or account did, or what was done to it"),
        ("limit" = Option<u32>, Query, description = "At most so many; 100, if nothing is said", minimum = 1, maximum = 10000),
        ("verify" = Option<bool>, Query, description = "Follow the whole chain of hashes, too"),
        ("format" = Option<String>, Query, description = "`json` or `csv`", pattern = "^(json|csv)$"),
    ),
    responses(
        (status = 200, description = "Some or all of its entries", content(
            (Entries = "application/json"), (String = "text/csv"),
        )),
        NotTold, Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn entries(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    part: Result<Query<Part>, QueryRejection>,
) -> Response {
    let wish = part.map_err(|why| query(&why)).and_then(wish);
    answer(&shared, from, &headers, wish.map(super::Wish::Audit)).await
}

fn wish(Query(part): Query<Part>) -> Result<Wish, Refusal> {
    let Part { after, before, what, by, limit, verify, format } = part;
    let most = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&most) {
        return Err(unreadable("limit", from_to(1, MOST)));
    }
    // Numbers of entries are those of SQLite.
    let number = |number: Option<u64>| number.map(|number| number.min(i64::MAX.unsigned_abs()));
    let wanted = Wanted { after: number(after), before: number(before), what, by, most };
    Ok(Wish { wanted, verify, csv: format == Format::Csv })
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let entries: Vec<Value> = self.entries.iter().filter_map(|entry| serde_json::from_str(entry).ok()).collect();
        if self.csv {
            let name = "attachment; filename=\"audit.csv\"";
            return (
                [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, name)],
                table(&entries),
            )
                .into_response();
        }
        let chain = self.chain.map(|chain| match chain {
            Ok(Verdict { entries, head }) => {
                Chain { sound: true, entries: Some(entries), head: head.map(|head| head.to_string()), fault: None }
            }
            Err(broken) => Chain { sound: false, entries: None, head: None, fault: Some(broken.to_string()) },
        });
        Json(Entries { entries, chain }).into_response()
    }
}

/// One line for each entry (RFC 4180). What a spreadsheet would take for a formula is kept from being one.
fn table(entries: &[Value]) -> String {
    let mut lines = csv::Writer::from_writer(Vec::new());
    drop(lines.write_record(["number", "at", "what", "by", "account", "details"]));
    for entry in entries {
        let text =
            |word: &str| entry.get(word).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let own = ["number", "at", "what", "by", "account"];
        let rest = entry.as_object().into_iter().flatten().filter(|(word, _)| !own.contains(&word.as_str()));
        let rest: Vec<String> = rest.map(|(word, value)| format!("{word}={value}")).collect();
        let cells = own.map(|word| harmless(text(word).unwrap_or_default())).into_iter().chain([rest.join(" ")]);
        drop(lines.write_record(cells));
    }
    lines.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_entry_and_no_formula() {
        let entry = serde_json::json!({"number": 7, "at": "2026-11-25T09:00:00.000Z", "what": "meetingChanged", "by": "=1+1", "room": "rat", "fields": ["pin", "title"]});
        let table = table(&[entry]);
        let mut lines = csv::Reader::from_reader(table.as_bytes());
        let line = lines.records().next().expect("a line").expect("readable");
        let cells: Vec<_> = line.iter().collect();
        assert_eq!(cells[..5], ["7", "2026-11-25T09:00:00.000Z", "meetingChanged", "'=1+1", ""]);
        assert!(cells[5].contains("room=\"rat\"") && cells[5].contains("fields=[\"pin\",\"title\"]"), "{}", cells[5]);
    }
}
