//! `einwahl residency`: where data may go, from the configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use einwahl::config::{Config, Joined, Mistake};
use einwahl::gateway::{kept_registry, look_at_registry, moment};
use einwahl::member::{Registry, Trust};
use einwahl::names::Names;
use einwahl::residency::{Partner, Report, nftables};

use super::{fails, say, with_config};

#[derive(Subcommand)]
pub enum Residency {
    /// Write the record of processing (GDPR article 30) and the map of where data goes, from the configuration and the registry of members;
    /// exit code 1 if something that is named may not be reached, or lies outside of the EEA
    Report {
        #[command(flatten)]
        of: Of,
        /// As plain lines, as Markdown with a map, or as one JSON document
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Write the same rules for the firewall, for `nft -f`
    Nftables {
        #[command(flatten)]
        of: Of,
        /// The account under which the gateway runs
        #[arg(long, default_value = "einwahl")]
        user: String,
    },
}

#[derive(Args)]
pub struct Of {
    /// The configuration
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    Text,
    Md,
    Json,
}

pub fn run(command: Residency) -> ExitCode {
    match command {
        Residency::Report { of, format } => with_report(of, |report| told(report, format)),
        Residency::Nftables { of, user } => with_report(of, |report| {
            say(nftables(report, &user).trim_end());
            ExitCode::SUCCESS
        }),
    }
}

fn with_report(of: Of, write: impl FnOnce(&Report) -> ExitCode) -> ExitCode {
    with_config(of.config, |config| match report(&config) {
        Ok(report) => write(&report),
        Err(why) => fails(&why),
    })
}

fn report(config: &Config) -> Result<Report, String> {
    let told = |mistakes: Vec<Mistake>| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let members = match config.federation.joined().map_err(told)? {
        None => Vec::new(),
        Some(joined) => {
            let us = joined.us.clone();
            Partner::all(&registry(config, joined)?, &us, moment())
        }
    };
    Ok(Report::new(&config.processors, members, config.basis()))
}

/// What a gateway has kept, or what the source of the registry says.
fn registry(config: &Config, joined: Joined) -> Result<Registry, String> {
    let named = std::env::var("STATE_DIRECTORY").ok();
    if let Some(kept) = kept_registry(&joined, &config.store.folder(named.as_deref())) {
        return Ok(kept);
    }
    let trust = Trust { federation: joined.federation, operators: joined.operators, held: None };
    let residency = config.residency().map_err(|mistake| mistake.to_string())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let found = async { look_at_registry(joined.registry, trust, Names::new(&config.sip.dns, residency)).await };
    runtime.block_on(found).map_err(|why| format!("the members cannot be told: {why}"))
}

fn told(report: &Report, format: Format) -> ExitCode {
    let text = match format {
        Format::Text => report.to_text(),
        Format::Md => report.to_markdown(),
        Format::Json => report.to_json(),
    };
    say(text.trim_end());
    if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
