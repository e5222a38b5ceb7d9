//! Questions about a plan as the API writes them, and the answers.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::body::LanguageName;
use super::super::dialplan::{PlanProblem, problems};
use super::super::problem::Refusal;
use super::{Circumstances, Question, Survey, Surveyed};
use crate::dialplan::{Block, Branch, Row, Source, Step, Stretch};
use crate::meeting::Fault;
use crate::words::{Both, Language, Personal, both};

/// The files of a draft.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PlanBody {
    /// All files of a plan: texts by name.
    #[schema(example = json!({"10-amt.toml": "[[rule]]\nname = \"Rat\"\ncalled = \"1000\"\nroom = \"rat\"\n"}))]
    files: BTreeMap<String, String>,
}

/// A call that is tried.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TryBody {
    /// All files of a plan: texts by name. Left out, it is the plan that runs.
    #[serde(default)]
    #[schema(required = false)]
    files: Option<BTreeMap<String, String>>,
    /// What is dialled: a number or a name.
    #[schema(min_length = 1, max_length = 64, example = "030 90182000")]
    called: String,
    #[serde(flatten)]
    circumstances: CircumstancesBody,
}

/// A call beside its number.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CircumstancesBody {
    /// Who calls; left out, a caller who shows no number.
    #[serde(default)]
    #[schema(required = false, example = "+49 30 1234567")]
    caller: Option<String>,
    /// For whom the trunk vouches (`P-Asserted-Identity`); a call that comes by none has nobody who vouches.
    #[serde(default)]
    #[schema(required = false, example = "+49 30 1234567")]
    asserted: Option<String>,
    /// The number that diverted the call here (`Diversion`, `History-Info`).
    #[serde(default)]
    #[schema(required = false, example = "+49 30 90182112")]
    diversion: Option<String>,
    /// The language that the telephone likes best (`Accept-Language`): its code, the first part counts.
    #[serde(default)]
    #[schema(required = false, example = "tr")]
    accepts: Option<String>,
    /// By which trunk.
    #[serde(default)]
    #[schema(required = false)]
    trunk: Option<String>,
    /// With TLS.
    #[serde(default)]
    #[schema(required = false)]
    secure: bool,
    /// When, by the institution's clock; left out, now.
    #[serde(default)]
    #[schema(required = false, example = "2026-12-24T19:00")]
    at: Option<String>,
    /// In which language the answer is; German, if nothing is said.
    #[serde(default)]
    #[schema(required = false, value_type = Option<LanguageName>)]
    language: Option<Language>,
}

/// A plan, and a language.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TreeBody {
    /// All files of a plan: texts by name. Left out, it is the plan that runs.
    #[serde(default)]
    #[schema(required = false)]
    files: Option<BTreeMap<String, String>>,
    /// The language of the sentences; German, if nothing is said.
    #[serde(default)]
    #[schema(required = false, value_type = Option<LanguageName>)]
    language: Option<Language>,
}

/// A plan, and a day.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WeekBody {
    /// All files of a plan: texts by name. Left out, it is the plan that runs.
    #[serde(default)]
    #[schema(required = false)]
    files: Option<BTreeMap<String, String>>,
    /// The first of seven days; left out, the Monday of this week.
    #[serde(default)]
    #[schema(required = false, example = "2026-12-21")]
    from: Option<String>,
}

/// A plan, and blocks of numbers.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CoverageBody {
    /// All files of a plan: texts by name. Left out, it is the plan that runs.
    #[serde(default)]
    #[schema(required = false)]
    files: Option<BTreeMap<String, String>>,
    /// Numbers, written as rules have them: `+49 30 9018 XXXX`, `2000-2499`. At most a million in each.
    #[schema(min_items = 1, max_items = 20, example = json!(["+49 30 9018 XXXX"]))]
    blocks: Vec<String>,
    #[serde(flatten)]
    circumstances: CircumstancesBody,
}

/// What is asked for, at most.
const MOST_BLOCKS: usize = 20;
const LONGEST_CALLED: usize = 64;

impl PlanBody {
    pub(super) fn survey(self) -> Result<Survey, Refusal> {
        Ok(Survey::Check(named(self.files)))
    }
}

impl TryBody {
    pub(super) fn survey(self) -> Result<Survey, Refusal> {
        let mut faults = Vec::new();
        let called = self.called.trim().to_owned();
        if called.is_empty() || called.chars().count() > LONGEST_CALLED {
            faults.push(Fault::new(
                "called",
                both!(
                    "Schreiben Sie die Nummer, wie man sie wählt, höchstens {} Zeichen",
                    "write the number as somebody dials it, at most {} characters",
                    LONGEST_CALLED
                ),
            ));
        }
        let circumstances = self.circumstances.read(&mut faults);
        whole(faults, Survey::Ask { files: sources(self.files), question: Question::Try { called, circumstances } })
    }
}

impl TreeBody {
    pub(super) fn survey(self) -> Result<Survey, Refusal> {
        let question = Question::Tree(self.language.unwrap_or_default());
        Ok(Survey::Ask { files: sources(self.files), question })
    }
}

impl WeekBody {
    pub(super) fn survey(self) -> Result<Survey, Refusal> {
        let from = self.from.map(|from| from.parse::<Date>()).transpose();
        let unfit = both!("Schreiben Sie einen Tag wie 2026-12-21", "write a day like 2026-12-21");
        let from = from.map_err(|_| Refusal::Faults(vec![Fault::new("from", unfit)]))?;
        Ok(Survey::Ask { files: sources(self.files), question: Question::Week(from) })
    }
}

impl CoverageBody {
    pub(super) fn survey(self) -> Result<Survey, Refusal> {
        let mut faults = Vec::new();
        if self.blocks.is_empty() || self.blocks.len() > MOST_BLOCKS {
            faults.push(Fault::new("blocks", both!("Nennen Sie 1 bis {} Blöcke", "name 1 to {} blocks", MOST_BLOCKS)));
        }
        let mut blocks = Vec::new();
        for (at, text) in self.blocks.into_iter().take(MOST_BLOCKS).enumerate() {
            match Block::read(&text) {
                Ok(block) => blocks.push((text, block)),
                Err(why) => faults.push(Fault { field: format!("blocks[{at}]").into(), message: why.0 }),
            }
        }
        let circumstances = self.circumstances.read(&mut faults);
        whole(
            faults,
            Survey::Ask { files: sources(self.files), question: Question::Coverage { blocks, circumstances } },
        )
    }
}

impl CircumstancesBody {
    fn read(self, faults: &mut Vec<Fault>) -> Circumstances {
        let parties = [("caller", self.caller), ("asserted", self.asserted), ("diversion", self.diversion)];
        let [caller, asserted, diverted] = parties.map(|(field, number)| {
            let help = both!("Schreiben Sie eine Nummer wie +49 30 1234567", "write a number like +49 30 1234567");
            parsed(faults, field, said(number), help).map(Personal::new)
        });
        let help = both!("Schreiben Sie das Kürzel einer Sprache, etwa tr", "write the code of a language, like tr");
        let accepts = parsed(faults, "accepts", said(self.accepts), help);
        let help =
            both!("Der Name eines Anschlusses hat a-z, 0-9, '-' und '_'", "a trunk's name has a-z, 0-9, '-' and '_'");
        let trunk = parsed(faults, "trunk", said(self.trunk), help);
        let help =
            both!("Schreiben Sie eine örtliche Zeit wie 2026-12-24T19:00", "write a local time like 2026-12-24T19:00");
        let at = parsed::<DateTime>(faults, "at", self.at, help);
        let language = self.language.unwrap_or_default();
        Circumstances { caller, asserted, diverted, accepts, trunk, secure: self.secure, at, language }
    }
}

/// What a form sends of an input that nobody filled in says nothing.
fn said(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn parsed<T: std::str::FromStr>(
    faults: &mut Vec<Fault>,
    field: &'static str,
    text: Option<String>,
    help: Both,
) -> Option<T> {
    let read = text?.parse().ok();
    if read.is_none() {
        faults.push(Fault::new(field, help));
    }
    read
}

fn whole(faults: Vec<Fault>, survey: Survey) -> Result<Survey, Refusal> {
    if faults.is_empty() { Ok(survey) } else { Err(Refusal::Faults(faults)) }
}

fn sources(files: Option<BTreeMap<String, String>>) -> Option<Vec<Source>> {
    files.map(named)
}

fn named(files: BTreeMap<String, String>) -> Vec<Source> {
    files.into_iter().map(|(name, text)| Source { name, text }).collect()
}

/// What is wrong with a plan.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checked {
    /// How many rules it has.
    rules: usize,
    /// Each problem, in the order of files and lines.
    problems: Vec<PlanProblem>,
}

/// What becomes of a call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tried {
    /// When (RFC 9557).
    at: String,
    /// The number in the international form, if it has one.
    international: Option<String>,
    /// The rule that takes it; none, if no rule does.
    rule: Option<String>,
    /// What happens to it.
    consequence: String,
    /// The same as one word of the plan: `menu`, `room`, …; `none`, if no rule takes it.
    kind: String,
    /// Every rule on its way.
    #[schema(value_type = Vec<TriedStep>)]
    steps: Vec<Step>,
    /// How many errors keep the plan from being published.
    errors: usize,
}

/// A rule that was looked at.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
struct TriedStep {
    /// Which.
    rule: String,
    /// Where it stands: file:line.
    place: String,
    /// In which context.
    context: String,
    /// What became of it: `takes`, `goes`, `otherNumber`, …
    outcome: String,
}

/// A plan as sentences.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tree {
    /// Its contexts.
    contexts: Vec<Branch>,
    /// How many errors keep the plan from being published.
    errors: usize,
}

/// Seven days.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Week {
    /// The first of them.
    from: String,
    /// Hours, and rules with times of their own.
    rows: Vec<Row>,
    /// How many errors keep the plan from being published.
    errors: usize,
}

/// Where numbers lead.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Coverage {
    /// When (RFC 9557).
    at: String,
    /// The blocks, in the order in which they were named.
    blocks: Vec<Covered>,
    /// How many errors keep the plan from being published.
    errors: usize,
}

/// A block of numbers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Covered {
    /// As it was named.
    block: String,
    /// Where its numbers lead, in their order.
    stretches: Vec<Stretch>,
}

impl Surveyed {
    /// As JSON, with what is wrong in this language.
    pub(in crate::web::api) fn respond(self, language: Language) -> axum::response::Response {
        use axum::Json;
        use axum::response::IntoResponse as _;
        match self {
            Self::Checked { rules, problems } => {
                Json(Checked { rules, problems: self::problems(&problems, language) }).into_response()
            }
            Self::Tried { at, trace, consequence, kind, errors } => {
                let rule = trace.rule().map(str::to_owned);
                let (international, steps) = (trace.international, trace.steps);
                Json(Tried { at, international, rule, consequence, kind: kind.to_owned(), steps, errors })
                    .into_response()
            }
            Self::Tree { contexts, errors } => Json(Tree { contexts, errors }).into_response(),
            Self::Week { from, rows, errors } => Json(Week { from: from.to_string(), rows, errors }).into_response(),
            Self::Coverage { at, blocks, errors } => {
                let blocks = blocks.into_iter().map(|(block, stretches)| Covered { block, stretches }).collect();
                Json(Coverage { at, blocks, errors }).into_response()
            }
        }
    }
}
