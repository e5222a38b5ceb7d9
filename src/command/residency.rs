//! `einwahl residency`: where data may go, from the configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use einwahl::config::Config;
use einwahl::residency::{Report, nftables};

use super::{say, with_config};

#[derive(Subcommand)]
pub enum Residency {
    /// Write the record of processing (GDPR article 30) and the map of where data goes; exit code 1 if something that the
    /// configuration names may not be reached, or lies outside of the EEA
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
        Residency::Report { of, format } => with_config(of.config, |config| report(&config, format)),
        Residency::Nftables { of, user } => with_config(of.config, |config| {
            say(nftables(&config.processors, &user).trim_end());
            ExitCode::SUCCESS
        }),
    }
}

fn report(config: &Config, format: Format) -> ExitCode {
    let report = Report::new(&config.processors, config.destinations(), config.kept());
    let text = match format {
        Format::Text => report.to_text(),
        Format::Md => report.to_markdown(),
        Format::Json => serde_json::to_string_pretty(&report).unwrap_or_default(),
    };
    say(text.trim_end());
    if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
