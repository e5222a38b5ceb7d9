//! `einwahl federation`: keys, and the registry of members. Everything here works on files; no gateway has to run.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use einwahl::config::{Config, Mistake};
use einwahl::gateway::{Place, look_at_registry, moment, own_key};
use einwahl::member::{
    Document, Domain, Envelope, Operators, PublicKey, Registry, SigningKey, Standing, Trust, changes,
};
use einwahl::names::Names;
use einwahl::residency::Residency;
use einwahl::sip::Resolver;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{fails, say, with_config, wrong};

#[derive(Subcommand)]
pub enum Federation {
    /// Make a key for an operator or a member; the secret half goes into a file, the public one is printed
    Keygen {
        /// The file for the secret half; must not exist yet
        file: PathBuf,
    },
    /// Print what recognises this gateway's TLS key, for its entry in the registry; a key is made if there is none
    Pin {
        /// The configuration
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Sign a registry, in place of what the same keys signed before
    Sign {
        /// The registry, or a document that nobody has signed yet; is written anew
        registry: PathBuf,
        /// The file of a secret key
        #[arg(long = "key", required = true)]
        keys: Vec<PathBuf>,
        /// Sign although there are faults: members with faults are no members
        #[arg(long)]
        despite_faults: bool,
    },
    /// Whether a registry would be taken: by whom it is signed, whether it holds, whether it is the next one
    Verify {
        /// The registry
        registry: PathBuf,
        #[command(flatten)]
        anchor: Anchor,
        /// The registry that was held before: its operators have to have signed, and its serial may not be higher
        #[arg(long)]
        held: Option<PathBuf>,
        /// At this time instead of now, like 2026-11-25T12:00:00Z
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// List the members of a registry; says nothing of signatures
    Members {
        /// The registry
        registry: PathBuf,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// What changes from one registry to another; exit code 1 if anything does
    Diff {
        /// The earlier one
        before: PathBuf,
        /// The later one
        after: PathBuf,
    },
}

/// Whom to believe.
#[derive(Args)]
pub struct Anchor {
    /// The federation
    #[arg(long)]
    federation: Domain,
    /// A key of an operator
    #[arg(long = "operator", required = true)]
    operators: Vec<PublicKey>,
    /// So many of them have to have signed
    #[arg(long, default_value_t = 1)]
    threshold: usize,
}

pub fn run(command: Federation) -> ExitCode {
    let done = match command {
        Federation::Keygen { file } => keygen(&file),
        Federation::Pin { config } => {
            return with_config(config, |config| pin(&config).unwrap_or_else(|why| fails(&why)));
        }
        Federation::Sign { registry, keys, despite_faults } => sign(&registry, &keys, despite_faults),
        Federation::Verify { registry, anchor, held, at } => {
            if anchor.threshold == 0 || anchor.threshold > anchor.operators.len() {
                return wrong(&format!("--threshold: write a number from 1 to {}", anchor.operators.len()));
            }
            verify(&registry, anchor, held.as_deref(), at)
        }
        Federation::Members { registry, json } => members(&registry, json),
        Federation::Diff { before, after } => diff(&before, &after),
    };
    done.unwrap_or_else(|why| fails(&why))
}

/// Tells whether the registry could be read now. It is no error if it cannot: a gateway goes on with the one that it holds.
pub fn look_up(config: &Config, residency: &Residency) {
    let Ok(Some(joined)) = config.federation.joined() else { return };
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return };
    let trust = Trust { federation: joined.federation, operators: joined.operators, held: None };
    let names = || Names::new(&config.sip.dns, residency.clone());
    let found = async { look_at_registry(joined.registry, trust, names()).await };
    let resolver = || Resolver::new(&config.sip.dns, residency.clone());
    look_up_ourselves(resolver, &runtime, &joined.us, &joined.sip);
    match runtime.block_on(found) {
        Ok(registry) => tell(&registry, moment()),
        Err(why) => {
            say(&format!("warning: the registry would not be taken now by who holds none: {why}"));
            say(
                "help: a gateway goes on with the registry that it holds until that expires, and takes the next one by its operators",
            );
        }
    }
}

/// Tells whether other institutions' systems find us, where they may call.
fn look_up_ourselves(
    resolver: impl FnOnce() -> Resolver,
    runtime: &tokio::runtime::Runtime,
    us: &Domain,
    listen: &[SocketAddr],
) {
    if listen.is_empty() {
        return;
    }
    let found = async { resolver().published(us).await };
    let why = match runtime.block_on(found) {
        Ok(hops) if hops.iter().any(|hop| listen.iter().any(|ours| ours.port() == hop.address.port())) => return,
        Ok(hops) => {
            format!("it leads to {}", hops.iter().map(|hop| hop.address.to_string()).collect::<Vec<_>>().join(", "))
        }
        Err(why) => why.to_string(),
    };
    let port = listen.first().map_or(5061, SocketAddr::port);
    say(&format!("warning: by DNS no system of another institution finds where {us} takes its calls: {why}"));
    say(&format!("help: publish \"_sips._tcp.{us}. SRV 10 50 {port}\" with the name of this machine"));
}

type Done = Result<ExitCode, String>;

fn keygen(file: &Path) -> Done {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|error| format!("the system gives no randomness: {error}"))?;
    let key = SigningKey::new(seed).map_err(|error| error.to_string())?;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = made.and_then(|mut made| made.write_all(key.to_line().as_bytes()).and_then(|()| made.sync_all()));
    written.map_err(|error| about(file, error))?;
    say(&key.public().to_string());
    Ok(ExitCode::SUCCESS)
}

fn pin(config: &Config) -> Done {
    let told = |mistakes: Vec<Mistake>| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let joined = config.federation.joined().map_err(told)?.ok_or("the configuration names no [federation]")?;
    let named = std::env::var("STATE_DIRECTORY").ok();
    let place = Place::Folder(config.store.folder(named.as_deref()));
    let own = own_key(&joined, &place).map_err(|error| error.to_string())?;
    say(&own.pin().to_string());
    Ok(ExitCode::SUCCESS)
}

fn sign(registry: &Path, keys: &[PathBuf], despite_faults: bool) -> Done {
    let mut envelope = envelope(registry)?;
    let document = document(&envelope, registry)?;
    let mut faults: Vec<String> = document.faults().iter().map(ToString::to_string).collect();
    faults.extend(document.faults_of_members().flat_map(|(_, faults)| faults).map(|fault| fault.to_string()));
    if !faults.is_empty() {
        faults.iter().for_each(|fault| say(&format!("{}: {fault}", registry.display())));
        if !despite_faults {
            return Err(format!("{} faults: nothing was signed", faults.len()));
        }
    }
    for file in keys {
        let line = Zeroizing::new(std::fs::read_to_string(file).map_err(|error| about(file, error))?);
        let key = SigningKey::from_line(&line).map_err(|error| about(file, error))?;
        envelope.sign(&key).map_err(|error| about(registry, error))?;
        if !document.operators.keys.contains(&key.public()) {
            say(&format!(
                "{} is none of the operators' keys of this registry: it counts only with who holds an older one",
                key.public()
            ));
        }
    }
    replace(registry, &envelope.to_json())?;
    let valid = envelope.signed_by(&document.operators.keys).map_err(|error| about(registry, error))?.len();
    let needed = document.operators.threshold;
    say(&format!("serial {}, signed by {valid} of {needed} operators that are needed", document.serial));
    Ok(ExitCode::SUCCESS)
}

fn verify(file: &Path, anchor: Anchor, held: Option<&Path>, at: Option<Timestamp>) -> Done {
    let now = at.unwrap_or_else(moment);
    let operators = Operators { threshold: anchor.threshold, keys: anchor.operators };
    let mut trust = Trust { federation: anchor.federation, operators, held: None };
    if let Some(held) = held {
        // It may have expired since: what counts is that it held when it was taken.
        let then = document(&envelope(held)?, held)?.issued;
        trust.held = Some(trust.accept(&read(held)?, then).map_err(|error| about(held, error))?);
    }
    match trust.accept(&read(file)?, now) {
        Ok(registry) => {
            tell(&registry, now);
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            say(&format!("refused: {refusal}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn tell(registry: &Registry, now: Timestamp) {
    let document = registry.document();
    say(&format!("{}, serial {}: {} members", document.federation, document.serial, registry.members(now).count()));
    for (domain, faults) in registry.refused() {
        faults.iter().for_each(|fault| say(&format!("{domain} is refused: {fault}")));
    }
    match registry.standing(now) {
        Standing::Holds => say(&format!("holds until {}", document.expires)),
        Standing::EndsSoon { at } => say(&format!("holds until {at} only: it is time for a new one")),
        Standing::Expired { since } => say(&format!("expired at {since}")),
    }
}

fn members(file: &Path, json: bool) -> Done {
    let document = document(&envelope(file)?, file)?;
    if json {
        say(&serde_json::to_string_pretty(&document.members).unwrap_or_default());
        return Ok(ExitCode::SUCCESS);
    }
    for member in &document.members {
        let links: Vec<String> = member.links.iter().map(ToString::to_string).collect();
        let ways = if member.sip { [links.join(" "), String::from("SIP")].join(" ") } else { links.join(" ") };
        say(&format!("{:<32} {}  {:<32} {}", member.domain.as_str(), member.country, member.name, ways.trim()));
    }
    Ok(ExitCode::SUCCESS)
}

fn diff(before: &Path, after: &Path) -> Done {
    let found = changes(&document(&envelope(before)?, before)?, &document(&envelope(after)?, after)?);
    found.iter().for_each(|change| say(&change.to_string()));
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| about(file, error))
}

fn envelope(file: &Path) -> Result<Envelope, String> {
    Envelope::read(&read(file)?).map_err(|error| about(file, error))
}

fn document(envelope: &Envelope, file: &Path) -> Result<Document, String> {
    envelope.document().map_err(|error| about(file, error))
}

/// Whole or not at all: what was there stays until the new one is written.
fn replace(file: &Path, text: &str) -> Result<(), String> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, file)).map_err(|error| about(file, error))
}

fn about(file: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}
