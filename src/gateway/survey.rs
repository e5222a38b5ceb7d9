//! What a plan does: the one that runs, or a draft. Reading a draft takes its time, so it is done on a thread of its own, and of
//! few at once: calls go on meanwhile.

use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::{ToSpan as _, ZonedDateTime};
use tokio::sync::oneshot;

use super::running::Shared;
use super::{Gateway, clock};
use crate::dialplan::{Facts, Plan, Surroundings};
use crate::web::survey::{Circumstances, Question, Survey, Surveyed};
use crate::web::{Done, Refusal};

/// Questions that may be worked on at once.
pub(super) const MOST: usize = 4;

impl Gateway {
    pub(super) fn survey(&self, survey: Survey, reply: oneshot::Sender<Result<Done, Refusal>>) {
        let Ok(turn) = Arc::clone(&self.surveys).try_acquire_owned() else {
            // Whoever asked may be gone: nobody has to be told.
            return drop(reply.send(Err(Refusal::Busy)));
        };
        let (running, around) = (Arc::clone(&self.routing.running), self.around());
        tokio::task::spawn_blocking(move || {
            drop(reply.send(Ok(Done::Surveyed(Box::new(surveyed(survey, &running, &around))))));
            drop(turn);
        });
    }
}

fn surveyed(survey: Survey, running: &Shared, around: &Surroundings) -> Surveyed {
    match survey {
        Survey::Check(files) => {
            let (plan, problems) = Plan::check(files, around);
            Surveyed::Checked { rules: plan.len(), problems }
        }
        Survey::Ask { files: None, question } => answer(&running.plan, 0, question, around),
        Survey::Ask { files: Some(files), question } => {
            let (plan, problems) = Plan::check(files, around);
            let errors = problems.iter().filter(|problem| problem.is_error()).count();
            answer(&plan, errors, question, around)
        }
    }
}

fn answer(plan: &Plan, errors: usize, question: Question, around: &Surroundings) -> Surveyed {
    match question {
        Question::Try { called, circumstances } => {
            let now = moment(&circumstances, around);
            let facts = Facts { called, ..facts(&circumstances) };
            let (taken, trace) = plan.trace(&facts, &now);
            let said = taken.map(|taken| taken.decision.for_call(&facts.called).said(circumstances.language));
            let said = said.unwrap_or_else(|| Plan::said_of_nothing(circumstances.language));
            Surveyed::Tried { at: now.to_string(), trace, consequence: said.text, kind: said.kind, errors }
        }
        Question::Tree(language) => Surveyed::Tree { contexts: plan.tree(language), errors },
        Question::Week(from) => {
            let from = from.unwrap_or_else(|| monday(&clock::local(&around.zone)));
            Surveyed::Week { from, rows: plan.week(from, &around.zone), errors }
        }
        Question::Coverage { blocks, circumstances } => {
            let (now, facts) = (moment(&circumstances, around), facts(&circumstances));
            let covered = blocks.into_iter().map(|(text, block)| {
                let stretches = plan.coverage(&block, &facts, &now, circumstances.language);
                (text, stretches)
            });
            Surveyed::Coverage { at: now.to_string(), blocks: covered.collect(), errors }
        }
    }
}

fn facts(circumstances: &Circumstances) -> Facts {
    let Circumstances { caller, asserted, diverted, accepts, trunk, secure, at: _, language: _ } =
        circumstances.clone();
    Facts { called: String::new(), caller, asserted, diverted, language: accepts, trunk, secure }
}

fn moment(circumstances: &Circumstances, around: &Surroundings) -> ZonedDateTime {
    let named = circumstances.at.and_then(|at| at.to_zoned_datetime(around.zone.clone()).ok());
    named.unwrap_or_else(|| clock::local(&around.zone))
}

fn monday(now: &ZonedDateTime) -> jiff::civil::Date {
    let since = i64::from(now.weekday().since(Weekday::Monday));
    now.date().checked_sub(since.days()).unwrap_or_else(|_| now.date())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::dialplan::{Home, Source};
    use crate::words::{Country, Language};

    #[test]
    fn whom_a_call_rings_is_told_by_the_number_that_was_called() {
        let text = "[[rule]]\nname = \"Haus\"\ncalled = \"2XXX\"\nring = { to = \"{called}\", trunk = \"haus\" }\n";
        let around = Surroundings {
            trunks: vec!["haus".parse().expect("a trunk")],
            dial: vec!["haus".parse().expect("a trunk")],
            ..Surroundings::only(Home { country: Country::DE, area: "30".into() }, TimeZone::UTC)
        };
        let source = Source { name: "10-haus.toml".into(), text: text.into() };
        let (plan, _) = Plan::check(vec![source], &around);
        let circumstances = Circumstances {
            caller: None,
            asserted: None,
            diverted: None,
            accepts: None,
            trunk: None,
            secure: false,
            at: None,
            language: Language::De,
        };
        let question = Question::Try { called: "2001".into(), circumstances };
        let Surveyed::Tried { consequence, .. } = answer(&plan, 0, question, &around) else { panic!("tried") };
        assert!(consequence.contains("2001"), "{consequence}");
    }
}
