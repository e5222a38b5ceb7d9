//! Commands only; everything they do lives in the library.

#[path = "command/account.rs"]
mod account;
#[path = "command/api.rs"]
mod api;
#[path = "command/audit.rs"]
mod audit;
#[path = "command/callbacks.rs"]
mod callbacks;
#[path = "command/dialplan.rs"]
mod dialplan;
#[path = "command/erase.rs"]
mod erase;
#[path = "command/federation.rs"]
mod federation;
#[path = "command/prompts.rs"]
mod prompts;
#[path = "command/remote.rs"]
mod remote;
#[path = "command/residency.rs"]
mod residency;
#[path = "command/tongue.rs"]
mod tongue;
#[path = "command/trunk.rs"]
mod trunk;

use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use einwahl::config::Config;
use einwahl::gateway::{self, Gateway, Place, Stop, Unfit};
use einwahl::words::{Codec, Language};
use einwahl::{ivr, phone};
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
    /// Serve one demo meeting on loopback, with a citizen who dials in, and say how to join.
    Demo,
    /// Call a number, key, talk and listen, and tell what the call was like.
    Phone(PhoneArguments),
    /// Look for mistakes in the dialplan, or see what a call would do
    #[command(subcommand)]
    Dialplan(dialplan::Dialplan),
    /// People who may sign in
    #[command(subcommand)]
    Account(account::Account),
    /// Tokens for meetings by API
    #[command(subcommand)]
    Api(api::Api),
    /// Who wants to be called back, of a running gateway
    #[command(subcommand)]
    Callbacks(callbacks::Callbacks),
    /// Have somebody forgotten, by a running gateway: their call records, and what other institutions were told of them
    Erase(erase::Erase),
    /// Look into the audit
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The registry of members, and the keys that sign it
    #[command(subcommand)]
    Federation(federation::Federation),
    /// Where data may go
    #[command(subcommand)]
    Residency(residency::Residency),
    /// Tell what callers hear, and how to replace it
    #[command(subcommand)]
    Prompts(prompts::Prompts),
    /// Examine a trunk, and name what is wrong with it
    #[command(subcommand)]
    Trunk(trunk::Trunk),
    /// Check the configuration, the prompts and the dialplan.
    Check {
        /// The configuration.
        #[arg(long)]
        config: Option<PathBuf>,
        #[command(flatten)]
        tongue: tongue::Tongue,
    },
}

#[derive(Args)]
struct PhoneArguments {
    /// Whom to call: sip:NAME@ADDRESS or sip:NAME@ADDRESS:PORT; with ;transport=tcp over TCP
    uri: String,
    /// What to key once the call is answered; a comma is a pause of a second. For example 123456#,4711#
    #[arg(long, default_value = "")]
    digits: String,
    /// What to say: a WAV file (16-bit PCM) or an Ogg Opus file
    #[arg(long)]
    play: Option<PathBuf>,
    /// Say it again and again, until somebody hangs up
    #[arg(long)]
    repeat: bool,
    /// Where to write what is heard, as WAV
    #[arg(long)]
    record: Option<PathBuf>,
    /// Hang up after so many seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The codecs to offer, the best first: opus, g722, pcma, pcmu
    #[arg(long, value_delimiter = ',', default_value = "opus,g722,pcma,pcmu", value_parser = codec)]
    codec: Vec<Codec>,
    /// One's own number
    #[arg(long, default_value = "einwahl")]
    from: String,
    /// The address of this machine to call from; loopback calls loopback by itself
    #[arg(long)]
    local: Option<IpAddr>,
    /// Tell it as one JSON document
    #[arg(long)]
    json: bool,
}

fn codec(name: &str) -> Result<Codec, String> {
    let named = |codec: &Codec| codec.name().eq_ignore_ascii_case(name);
    Codec::ALL.into_iter().find(named).ok_or_else(|| format!("{name:?} is none of opus, g722, pcma, pcmu"))
}

fn main() -> ExitCode {
    log();
    match Arguments::parse().command {
        Command::Serve { config } => with_config(config, |config| serve(config, None, None)),
        Command::Demo => demo(),
        Command::Phone(arguments) => dial(arguments),
        Command::Dialplan(command) => dialplan::run(command),
        Command::Account(command) => account::run(command),
        Command::Api(command) => api::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Callbacks(command) => callbacks::run(command),
        Command::Erase(command) => erase::run(command),
        Command::Federation(command) => federation::run(command),
        Command::Residency(command) => residency::run(command),
        Command::Prompts(command) => prompts::run(command),
        Command::Trunk(command) => trunk::run(command),
        Command::Check { config, tongue } => with_config(config, |config| check(&config, tongue.language())),
    }
}

/// Only our own lines: others write whole messages into theirs, with numbers, names and PINs.
fn log() {
    use tracing_subscriber::filter::{EnvFilter, filter_fn};
    use tracing_subscriber::prelude::*;
    let levels = EnvFilter::try_from_env("EINWAHL_LOG").unwrap_or_else(|_| EnvFilter::new("einwahl=info"));
    let ours = filter_fn(|line| line.target().starts_with("einwahl"));
    let coloured = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(coloured);
    tracing_subscriber::registry().with(lines.with_filter(ours).with_filter(levels)).init();
}

fn with_config(file: Option<PathBuf>, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::read(file.as_deref()) {
        Ok(config) => then(config),
        Err(error) => fails(&format!("the configuration cannot be used: {error}")),
    }
}

/// Tells every mistake of the configuration and of the dialplan.
fn check(config: &Config, language: Language) -> ExitCode {
    let (residency, mistakes) = config.examined();
    for mistake in &mistakes {
        say(&format!("{mistake}\n"));
    }
    say(&format!("configuration: {} errors", mistakes.len()));
    if let Some(residency) = residency {
        trunk::look_up(config, &residency);
        federation::look_up(config, &residency);
    }
    let prompts = prompts::check(config);
    let plan = dialplan::lint(config, dialplan::Format::Text, language);
    if mistakes.is_empty() && prompts { plan } else { ExitCode::FAILURE }
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
    let citizen = config.sip.listen.first().map(|address| format!("sip:einwahl@{address}"));
    serve(config, citizen, Some(Place::Memory))
}

/// Serves; for the demo, with a citizen who calls that address, and in memory.
fn serve(config: Config, citizen: Option<String>, place: Option<Place>) -> ExitCode {
    with_runtime(async {
        let mut config: gateway::Config = match config.try_into() {
            Ok(config) => config,
            Err(error) => {
                let error: Unfit = error;
                return fails(&error.to_string());
            }
        };
        config.place = place.unwrap_or(config.place);
        let gateway = match Gateway::start(config).await {
            Ok(gateway) => gateway,
            Err(error) => return fails(&error.to_string()),
        };
        let stop = stopped();
        if let Some(uri) = citizen {
            tokio::spawn(citizen_calls(uri, stop.drain.clone()));
        }
        tracing::info!("ready");
        gateway.serve(stop).await;
        ExitCode::SUCCESS
    })
}

/// The demo's citizen: dials in like anybody, keys ID and PIN, and asks her question again and again.
async fn citizen_calls(uri: String, stop: CancellationToken) {
    let Ok(question) = ivr::read_sound(include_bytes!("../prompts/sounds/citizen.opus")) else { return };
    say("a citizen dials in by telephone, keys ID and PIN, and asks a question: join and listen");
    while !stop.is_cancelled() {
        let wish = phone::Wish {
            uri: uri.clone(),
            from: String::from("+493012345642"),
            local: phone::local_for(&uri),
            digits: String::from("123456#,,4711#,,,,"),
            play: Some(question.clone()),
            repeat: true,
            record: None,
            seconds: 600,
            codecs: Codec::ALL.to_vec(),
        };
        match phone::call(wish, stop.clone()).await {
            Ok(report) => tracing::info!(codec = %report.codec, setup_ms = report.setup_ms, "the citizen has hung up"),
            Err(error) => {
                say(&format!("the citizen could not call: {error}"));
                return;
            }
        }
    }
}

fn dial(arguments: PhoneArguments) -> ExitCode {
    let play = match arguments.play.as_ref().map(|file| read_sound(file)).transpose() {
        Ok(play) => play,
        Err(why) => return wrong(&why),
    };
    let local = arguments.local.unwrap_or_else(|| phone::local_for(&arguments.uri));
    let wish = phone::Wish {
        uri: arguments.uri,
        from: arguments.from,
        local,
        digits: arguments.digits,
        play,
        repeat: arguments.repeat,
        record: arguments.record,
        seconds: arguments.seconds,
        codecs: arguments.codec,
    };
    with_runtime(async {
        match phone::call(wish, stopped().drain).await {
            Ok(report) if arguments.json => {
                say(&serde_json::to_string_pretty(&report).unwrap_or_default());
                ExitCode::SUCCESS
            }
            Ok(report) => {
                say(report.to_string().trim_end());
                ExitCode::SUCCESS
            }
            Err(error @ (phone::Failed::Uri { .. } | phone::Failed::Key(_))) => wrong(&error.to_string()),
            Err(error) => fails(&error.to_string()),
        }
    })
}

fn read_sound(file: &std::path::Path) -> Result<einwahl::media::Clip, String> {
    let content = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    ivr::read_sound(&content).map_err(|error| format!("{}: {error}", file.display()))
}

fn with_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A plan that is still being checked holds up no end.
            runtime.shutdown_background();
            code
        }
        Err(error) => fails(&error.to_string()),
    }
}

/// Asked to stop by Ctrl-C or by the service manager's SIGTERM; the second time, at once.
fn stopped() -> Stop {
    let stop = Stop::default();
    let asked = stop.clone();
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminated), Ok(mut interrupted)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        for token in [asked.drain, asked.now] {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
            token.cancel();
        }
    });
    stop
}

fn say(line: &str) {
    // Nobody listens any more: nothing to be done about it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The command was used in a wrong way.
fn wrong(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "einwahl: {why}");
    ExitCode::from(2)
}

fn fails(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "einwahl: {why}");
    ExitCode::FAILURE
}
