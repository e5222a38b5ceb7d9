//! Where data goes, by API: who is declared, what was permitted and refused last, the record of processing and the rules for the
//! firewall. In: HTTP requests. Out: wishes to the gateway, and what it answered.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::problem::NotTold;
use super::reading::{Asked, answer, query, unreadable};
use super::routes::{From, Shares};
use crate::residency::{Decision, Report, nftables};
use crate::web::Shared;
use crate::words::both;

/// What somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// How it stands.
    Look,
    /// The record of processing.
    Report(ReportFormat),
    /// The same rules for the firewall.
    Firewall {
        /// The account under which the gateway runs.
        user: String,
    },
}

/// How the record is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    /// Plain lines.
    #[default]
    Text,
    /// Markdown, with a map.
    Md,
    /// One JSON document.
    Json,
}

/// What is told.
#[derive(Debug)]
pub struct Done {
    /// What is asked for.
    pub wish: Wish,
    /// All that is declared.
    pub report: Report,
    /// What was decided last, the newest first.
    pub decisions: Vec<Decision>,
}

/// Where data goes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownResidency {
    /// Whether everything that is named may be reached, and nobody outside of the EEA gets data.
    sound: bool,
    /// Who gets data by a contract.
    processors: Vec<ShownProcessor>,
    /// What is named somewhere, and may not be reached.
    faults: Vec<ShownFault>,
    /// The connections that were permitted last, the newest first; 100 at most.
    permitted: Vec<ShownConnection>,
    /// Those that were refused last.
    refused: Vec<ShownConnection>,
}

/// Who gets data by a contract.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownProcessor {
    /// Its name.
    #[schema(example = "Telefonnetz GmbH")]
    name: String,
    /// Where it is.
    #[schema(example = "DE")]
    country: String,
    /// Whether that is in the European Economic Area: nobody else gets anything.
    in_eea: bool,
    /// What it gets data for.
    #[schema(example = json!(["trunk"]))]
    purposes: Vec<String>,
    /// Its addresses.
    #[schema(example = json!(["192.0.2.0/24"]))]
    networks: Vec<String>,
    /// By which names it may be found; by any, if there is none.
    hosts: Vec<String>,
    /// Where the contract is found.
    contract: String,
}

/// Something that is named, and may not be reached.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownFault {
    /// What names it.
    #[schema(example = "trunk pbx")]
    named_by: String,
    /// Where it is.
    host: String,
    /// Why not.
    why: String,
}

/// A connection that was to be opened, once or often.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownConnection {
    /// For what.
    #[schema(example = "trunk")]
    purpose: String,
    /// The name that led there.
    host: Option<String>,
    /// The address.
    #[schema(example = "192.0.2.7")]
    address: String,
    /// Whose it is; nobody's, if it is this machine, or if it is refused.
    processor: Option<String>,
    /// Why it is refused.
    why: Option<String>,
    /// When it was first decided.
    #[schema(value_type = String, format = DateTime)]
    first: Timestamp,
    /// When last.
    #[schema(value_type = String, format = DateTime)]
    last: Timestamp,
    /// How often.
    times: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportPart {
    #[serde(default)]
    format: ReportFormat,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirewallPart {
    #[serde(default = "usual_user")]
    user: String,
}

fn usual_user() -> String {
    String::from("einwahl")
}

/// The addresses, described.
#[derive(OpenApi)]
#[openapi(paths(look, report, firewall))]
pub(super) struct Api;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/residency", get(look))
        .route("/api/v1/residency/report", get(report))
        .route("/api/v1/residency/firewall", get(firewall))
}

/// Where data goes
///
/// Who gets data, and which connections were permitted and refused last.
#[utoipa::path(
    get,
    path = "/api/v1/residency",
    operation_id = "lookAtResidency",
    responses((status = 200, description = "How it stands", body = ShownResidency), Asked),
    security(("token" = []), ("cookie" = []))
)]
async fn look(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(super::Wish::Residency(Wish::Look))).await
}

/// The record of processing
///
/// As GDPR article 30 wants it, from the configuration and the registry of members.
#[utoipa::path(
    get,
    path = "/api/v1/residency/report",
    operation_id = "readRecordOfProcessing",
    params(("format" = Option<String>, Query, description = "`text`, `md` or `json`", pattern = "^(text|md|json)$")),
    responses(
        (status = 200, description = "The record", content(
            (String = "text/plain"), (String = "text/markdown"), (Object = "application/json"),
        )),
        NotTold, Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
async fn report(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    part: Result<Query<ReportPart>, QueryRejection>,
) -> Response {
    let part = part.map_err(|why| query(&why));
    let wish = part.map(|Query(part)| super::Wish::Residency(Wish::Report(part.format)));
    answer(&shared, from, &headers, wish).await
}

/// The rules for the firewall
///
/// For `nft -f`: whoever runs under that account opens connections to declared processors, members and trunks alone.
#[utoipa::path(
    get,
    path = "/api/v1/residency/firewall",
    operation_id = "readFirewallRules",
    params(
        ("user" = Option<String>, Query, description = "The account under which the gateway runs; `einwahl`, if nothing is said", pattern = "^[a-z_][a-z0-9_-]{0,31}$"),
    ),
    responses((status = 200, description = "The rules", body = String, content_type = "text/plain"), NotTold, Asked),
    security(("token" = []), ("cookie" = []))
)]
async fn firewall(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    part: Result<Query<FirewallPart>, QueryRejection>,
) -> Response {
    let part = part.map_err(|why| query(&why));
    let wish = part.and_then(|Query(FirewallPart { user })| {
        if is_account(&user) {
            return Ok(super::Wish::Residency(Wish::Firewall { user }));
        }
        Err(unreadable(
            "user",
            both!(
                "Schreiben Sie den Namen eines Kontos jener Maschine: einwahl",
                "write the name of an account of that machine: einwahl"
            ),
        ))
    });
    answer(&shared, from, &headers, wish).await
}

fn is_account(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    begins && name.len() <= 32 && name.chars().all(fits)
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let Self { wish, report, decisions } = self;
        match wish {
            Wish::Look => Json(shown(&report, &decisions)).into_response(),
            Wish::Report(ReportFormat::Text) => file("text/plain; charset=utf-8", "record.txt", report.to_text()),
            Wish::Report(ReportFormat::Md) => file("text/markdown; charset=utf-8", "record.md", report.to_markdown()),
            Wish::Report(ReportFormat::Json) => file("application/json", "record.json", report.to_json()),
            Wish::Firewall { user } => file("text/plain; charset=utf-8", "einwahl.nft", nftables(&report, &user)),
        }
    }
}

fn file(kind: &'static str, name: &str, text: String) -> Response {
    let name = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response()
}

fn shown(report: &Report, decisions: &[Decision]) -> ShownResidency {
    let processor = |one: &crate::residency::Processor| ShownProcessor {
        name: one.name.clone(),
        country: one.country.to_string(),
        in_eea: one.country.is_in_eea(),
        purposes: one.purposes.iter().map(ToString::to_string).collect(),
        networks: one.networks.iter().map(ToString::to_string).collect(),
        hosts: one.hosts.clone(),
        contract: one.contract.clone(),
    };
    let fault = |(destination, why): (&crate::residency::Destination, &str)| ShownFault {
        named_by: destination.named_by.clone(),
        host: destination.host.clone(),
        why: why.to_owned(),
    };
    let (permitted, refused) = decisions.iter().partition::<Vec<_>, _>(|decision| decision.verdict.is_ok());
    ShownResidency {
        sound: report.is_sound(),
        processors: report.processors.iter().map(processor).collect(),
        faults: report.faults().map(fault).collect(),
        permitted: permitted.into_iter().map(connection).collect(),
        refused: refused.into_iter().map(connection).collect(),
    }
}

fn connection(decision: &Decision) -> ShownConnection {
    ShownConnection {
        purpose: decision.purpose.to_string(),
        host: decision.host.clone(),
        address: decision.address.to_string(),
        processor: decision.verdict.clone().ok().flatten(),
        why: decision.verdict.clone().err(),
        first: decision.first,
        last: decision.last,
        times: decision.times,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_an_account_gets_into_the_rules() {
        for fits in ["einwahl", "_einwahl", "dial-in2"] {
            assert!(is_account(fits), "{fits}");
        }
        for other in ["", "2fast", "a\" accept", "Root", "a\nb", &"a".repeat(33)] {
            assert!(!is_account(other), "{other}");
        }
    }
}
