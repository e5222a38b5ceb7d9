//! `einwahl trunk`: what is wrong with a trunk.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use einwahl::config::Config;
use einwahl::doctor;
use einwahl::residency::Residency;
use einwahl::sip;
use einwahl::words::TrunkName;

use crate::tongue::Tongue;
use crate::{fails, say, with_config, with_runtime, wrong};

/// What can be asked about a trunk.
#[derive(Subcommand)]
pub enum Trunk {
    /// Ask a trunk from a socket of its own, and name what is wrong: address, TLS, password, sound, keys, hold, session timer.
    Check(Check),
}

#[derive(Args)]
pub struct Check {
    /// The trunk's name in the configuration
    name: TrunkName,
    /// The configuration
    #[arg(long)]
    config: Option<PathBuf>,
    /// Call this number, which has to answer; without it the trunk's `test`, or nobody
    #[arg(long)]
    call: Option<String>,
    #[command(flatten)]
    tongue: Tongue,
    /// Tell it as one JSON document
    #[arg(long)]
    json: bool,
}

/// Tells which trunks cannot be found now. That is no mistake of the configuration: DNS may be away for a moment.
pub fn look_up(config: &Config, residency: &Residency) {
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return };
    for trunk in config.trunks.iter().filter_map(|trunk| sip::Trunk::try_from(trunk).ok()) {
        let Some(outbound) = &trunk.outbound else { continue };
        let found =
            async { sip::Resolver::new(&config.sip.dns, residency.clone()).hops(&trunk, &outbound.target).await };
        if let Err(why) = runtime.block_on(found) {
            say(&format!("warning: trunk {} cannot be called now: {why}", trunk.name));
            say(&format!("help: `einwahl trunk check {}` says more", trunk.name));
        }
    }
}

/// Runs it.
pub fn run(command: Trunk) -> ExitCode {
    let Trunk::Check(check) = command;
    with_config(check.config.clone(), |config| examine(&config, check))
}

fn examine(config: &Config, check: Check) -> ExitCode {
    let Some(trunk) = config.trunks.iter().find(|trunk| trunk.name == check.name) else {
        return wrong(&format!("there is no trunk {} in the configuration", check.name));
    };
    let trunk = match sip::Trunk::try_from(trunk) {
        Ok(trunk) => trunk,
        Err(mistake) => return fails(&mistake.to_string()),
    };
    let residency = match config.residency() {
        Ok(residency) => residency,
        Err(mistake) => return fails(&mistake.to_string()),
    };
    let tls = config.sip.tls();
    let codecs = if trunk.codecs.is_empty() { config.media.codecs.clone() } else { trunk.codecs.clone() };
    let wish = doctor::Wish {
        trunk,
        dns: config.sip.dns.clone(),
        residency,
        number: check.call,
        listening: config.sip.listen.iter().chain(&tls).copied().collect(),
        codecs,
    };
    with_runtime(async {
        match doctor::examine(wish).await {
            Ok(report) => {
                if check.json {
                    say(&serde_json::to_string_pretty(&report).unwrap_or_default());
                } else {
                    say(report.text(check.tongue.language()).trim_end());
                }
                if report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error @ (doctor::CannotExamine::NoDial(_) | doctor::CannotExamine::Number(_))) => {
                wrong(&error.to_string())
            }
            Err(error @ doctor::CannotExamine::Here(_)) => fails(&error.to_string()),
        }
    })
}
