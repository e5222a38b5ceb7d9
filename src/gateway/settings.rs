//! From the configuration to what each part wants to know.

use std::time::Duration;

use super::{Config, Meeting};
use crate::config;
use crate::dialplan::Problem;
use crate::{ivr, room, sip, web, workers};

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
    /// See [`config::NoZone`].
    #[error(transparent)]
    Zone(#[from] config::NoZone),
}

impl TryFrom<config::Config> for Config {
    type Error = Unfit;

    fn try_from(file: config::Config) -> Result<Self, Unfit> {
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
        Ok(Self {
            plan,
            zone,
            sip: sip::Config {
                listen: file.sip.listen,
                most_calls: file.sip.most_calls,
                least_interval: Duration::from_secs(file.sip.least_interval),
            },
            media: workers::Config {
                address: file.media.address,
                ports: file.media.first_port..file.media.last_port.saturating_add(1),
                silence: Duration::from_secs(file.media.silence),
                browsers: file.browsers.listen,
            },
            web: web::Config {
                listen: file.web.listen,
                certificate: file.web.certificate.zip(file.web.key),
                most_pages: file.web.most_pages,
                watch: file.observe.listen,
                watchers: file.observe.allow,
            },
            public: file.browsers.public,
            codecs: file.media.codecs,
            language: file.menu.language,
            menu: ivr::Config { ask_language: file.menu.ask_language, ..ivr::Config::default() },
            library,
            meetings: file.meetings.into_iter().map(|meeting| Meeting::of(meeting, announce)).collect(),
        })
    }
}

impl Meeting {
    /// `announce`: what meetings hear that do not say themselves.
    fn of(meeting: config::Meeting, announce: room::Announce) -> Self {
        let announce = meeting.announce.unwrap_or(announce);
        Self {
            room: meeting.room,
            id: meeting.id,
            pin: meeting.pin.map(|pin| pin.0),
            moderator_pin: meeting.moderator_pin.map(|pin| pin.0),
            config: room::Config { title: meeting.title, lobby: meeting.lobby, announce, ..room::Config::default() },
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
