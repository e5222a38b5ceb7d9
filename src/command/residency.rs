//! `einwahl residency`: where data may go, from the configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use einwahl::config::{Config, Mistake};
use einwahl::gateway::{moment, registry_at_rest};
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
    let (of, write): (Of, Box<dyn Fn(&Report) -> ExitCode>) = match command {
        Residency::Report { of, format } => (of, Box::new(move |report| told(report, format))),
        Residency::Nftables { of, user } => (
            of,
            Box::new(move |report| {
                say(nftables(report, &user).trim_end());
                ExitCode::SUCCESS
            }),
        ),
    };
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
            let named = std::env::var("STATE_DIRECTORY").ok();
            let registry = registry_at_rest(&joined, &config.store.folder(named.as_deref()))?;
            registry.map(|registry| Partner::all(&registry, &joined.us, moment())).unwrap_or_default()
        }
    };
    Ok(Report::new(&config.processors, members, config.basis()))
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
