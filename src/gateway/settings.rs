//! From the configuration to what each part wants to know.

use std::time::Duration;

use super::Config;
use super::keeping::Place;
use crate::config;
use crate::dialplan::Problem;
use crate::{ivr, sip, web, workers};

/// The configuration can be read, but not served.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// See [`config::Unreadable`].
    #[error(transparent)]
    Dialplan(#[from] config::Unreadable),
    /// Every problem of the dialplan.
    #[error("the dialplan cannot be used:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
    /// Every problem of the institution's own prompts.
    #[error("the prompts cannot be used:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Prompts(Vec<config::PromptProblem>),
    /// Every mistake of the configuration.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<config::Mistake>),
    /// See [`config::NoZone`].
    #[error(transparent)]
    Zone(#[from] config::NoZone),
}

impl TryFrom<config::Config> for Config {
    type Error = Unfit;

    fn try_from(file: config::Config) -> Result<Self, Unfit> {
        let mistakes = file.mistakes();
        if !mistakes.is_empty() {
            return Err(Unfit::Mistakes(mistakes));
        }
        let (plan, problems) = file.plan()?;
        if problems.iter().any(Problem::is_error) {
            return Err(Unfit::Problems(problems));
        }
        for problem in problems {
            tracing::warn!("{}:{}: {} ({})", problem.file, problem.line, problem.message, problem.help);
        }
        let zone = file.zone()?;
        let library = file.prompts().map_err(Unfit::Prompts)?;
        let announce = file.menu.announce;
        let named = std::env::var("STATE_DIRECTORY").ok();
        Ok(Self {
            fingerprint: file.plan_fingerprint()?,
            book: file.book(&zone).map_err(Unfit::Mistakes)?,
            place: Place::Folder(file.store.folder(named.as_deref())),
            keep_days: file.records.keep_days,
            tokens: file.api.tokens,
            most_meetings: file.api.most_meetings,
            plan,
            sip: sip::Config {
                listen: file.sip.listen,
                most_calls: file.sip.most_calls,
                least_interval: Duration::from_secs(file.sip.least_interval),
                trunks: sip::Trunks(file.trunks.into_iter().map(sip::Trunk::from).collect()),
            },
            grace: Duration::from_secs(file.sip.grace),
            media: workers::Config {
                addresses: file.media.address.all().to_vec(),
                ports: file.media.first_port..file.media.last_port.saturating_add(1),
                silence: Duration::from_secs(file.media.silence),
                browsers: file.browsers.listen,
            },
            web: web::Config {
                listen: file.web.listen,
                certificate: file.web.certificate.zip(file.web.key),
                most_pages: file.web.most_pages,
                home: zone.clone(),
                watch: file.observe.listen,
                watchers: file.observe.allow,
            },
            zone,
            public: file.browsers.public,
            codecs: file.media.codecs,
            language: file.menu.language,
            menu: ivr::Config { ask_language: file.menu.ask_language, ..ivr::Config::default() },
            announce,
            library,
        })
    }
}

impl From<config::Trunk> for sip::Trunk {
    fn from(trunk: config::Trunk) -> Self {
        Self {
            name: trunk.name,
            networks: trunk.networks.into_iter().map(|network| network.0).collect(),
            transports: trunk.transports,
            codecs: trunk.codecs,
            most_calls: trunk.most_calls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Announce;

    #[test]
    fn a_meeting_announces_as_it_says_itself_or_else_as_all_do() {
        let text = "[menu]\nask_language = true\nannounce = \"count\"\n[[meetings]]\nroom = \"rat\"\nid = \"123456\"\n\
                    [[meetings]]\nroom = \"bau\"\nid = \"654321\"\nannounce = \"nothing\"\n";
        let file = config::Config::from_toml(text).expect("usable");
        let config = Config::try_from(file).expect("fit to be served");
        assert!(config.menu.ask_language);
        let announced: Vec<_> = config.meetings.iter().map(|meeting| meeting.config.announce).collect();
        assert_eq!(announced, [Announce::Count, Announce::Nothing]);
        let plain = Config::try_from(config::Config::default()).expect("fit to be served");
        assert!(!plain.menu.ask_language, "nobody is asked what one number has answered");
    }
}
