//! Commands only; everything they do lives in the library.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use einwahl::config::Config;
use einwahl::gateway::Gateway;
use tokio_util::sync::CancellationToken;

/// A gateway that brings telephone callers into meetings.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve calls until stopped.
    Serve {
        /// The configuration; without one, the defaults: loopback only, no meeting.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Serve one demo meeting on loopback, and say how to dial in.
    Demo,
    /// Check the configuration.
    Check {
        /// The configuration.
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let levels = tracing_subscriber::EnvFilter::try_from_env("EINWAHL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("einwahl=info,rsipstack=error,rtc_dtls=error"));
    tracing_subscriber::fmt().with_env_filter(levels).with_writer(std::io::stderr).init();
    match Arguments::parse().command {
        Command::Serve { config } => with_config(config, serve),
        Command::Demo => demo(),
        Command::Check { config } => with_config(config, |_| {
            say("the configuration can be used");
            ExitCode::SUCCESS
        }),
    }
}

fn with_config(file: Option<PathBuf>, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::read(file.as_deref()) {
        Ok(config) => then(config),
        Err(error) => fails(&format!("the configuration cannot be used: {error}")),
    }
}

fn demo() -> ExitCode {
    let meeting =
        "[[meetings]]\nroom = \"demo\"\ntitle = \"Demo\"\nid = \"123456\"\npin = \"4711\"\nmoderator_pin = \"0815\"\n";
    let config = match Config::from_toml(meeting) {
        Ok(config) => config,
        Err(error) => return fails(&error.to_string()),
    };
    for address in &config.sip.listen {
        say(&format!("dial sip:einwahl@{address} with any softphone on this machine (UDP or TCP)"));
    }
    for address in &config.web.listen {
        say(&format!(
            "open https://{address}/r/demo in a browser on this machine (it warns of our own certificate); PIN 4711 or 0815"
        ));
    }
    say("key 123456 # and then 4711 # (to take part) or 0815 # (to lead); *0 tells the keys. Stop with Ctrl-C.");
    serve(config)
}

fn serve(config: Config) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fails(&error.to_string()),
    };
    runtime.block_on(async {
        let gateway = match Gateway::start(config.into()).await {
            Ok(gateway) => gateway,
            Err(error) => return fails(&error.to_string()),
        };
        let closing = CancellationToken::new();
        let stop = closing.clone();
        tokio::spawn(async move {
            stopped().await;
            stop.cancel();
        });
        tracing::info!("ready");
        gateway.serve(closing).await;
        ExitCode::SUCCESS
    })
}

/// Ctrl-C, or the service manager's SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

fn say(line: &str) {
    // Nobody listens any more: nothing to be done about it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn fails(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "einwahl: {why}");
    ExitCode::FAILURE
}
