//! From the configuration to what each part wants to know.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::keeping::Place;
use super::{Config, MailConfig, OidcConfig, Running, clock, federation, publishing};
use crate::config;
use crate::dialplan::Problem;
use crate::publish::About;
use crate::tls::Certificate;
use crate::wire::Limits;
use crate::words::Language;
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
    /// A certificate without its key, or the other way round.
    #[error("{section}.certificate and {section}.key belong together: name both, or none")]
    HalfACertificate {
        /// Where in the file.
        section: &'static str,
    },
    /// See [`config::NoZone`].
    #[error(transparent)]
    Zone(#[from] config::NoZone),
}

impl TryFrom<config::Config> for Config {
    type Error = Unfit;

    fn try_from(file: config::Config) -> Result<Self, Unfit> {
        let (residency, mistakes) = file.examined();
        let Some(residency) = residency.filter(|_| mistakes.is_empty()) else {
            return Err(Unfit::Mistakes(mistakes));
        };
        let dialplan = plan(&file)?;
        let zone = file.zone()?;
        let trunks = file.trunks.iter().map(sip::Trunk::try_from).collect::<Result<_, _>>();
        let trunks = sip::Trunks(trunks.map_err(|mistake| Unfit::Mistakes(vec![mistake]))?);
        let library = file.prompts().map_err(Unfit::Prompts)?;
        let announce = file.menu.announce;
        let named = std::env::var("STATE_DIRECTORY").ok();
        let joined = file.federation.joined().map_err(Unfit::Mistakes)?;
        let dns = file.sip.dns.clone();
        let web_certificate = pair(file.web.certificate.clone(), file.web.key.clone(), "web")?;
        let sip_certificate = pair(file.sip.certificate.clone(), file.sip.key.clone(), "sip")?;
        let oidc = file.oidc.as_ref().map(oidc).transpose()?;
        let mail = file.mail.as_ref().map(mail).transpose()?;
        let relays = file.turn.as_ref().map(config::Turn::relays).transpose().map_err(Unfit::Mistakes)?;
        let button = oidc.as_ref().map(|oidc| oidc.button.clone());
        Ok(Self {
            book: file.book(&zone).map_err(Unfit::Mistakes)?,
            federation: joined.map(|joined| federation::Config { joined, dns }),
            sends: file.basis(),
            residency,
            place: Place::Folder(file.store.folder(named.as_deref())),
            keep_days: file.records.keep_days,
            calls_keep_days: file.records.calls_keep_days,
            accounts: file.accounts,
            oidc,
            mail,
            relays,
            tokens: file.api.tokens,
            most_meetings: file.api.most_meetings,
            dialplan,
            sip: sip::Config {
                tls: tls(file.sip.tls(), sip_certificate, web_certificate.as_ref()),
                listen: file.sip.listen,
                limits: Limits {
                    requests: file.sip.requests,
                    patience: file.sip.patience,
                    in_work: file.sip.in_work,
                    streams: file.sip.streams,
                },
                most_calls: file.sip.most_calls,
                least_interval: Duration::from_secs(file.sip.least_interval),
                trunks,
                dns: file.sip.dns,
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
                certificate: web_certificate,
                sign_in_by: button,
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

/// The institution's own sign-in.
fn oidc(file: &config::Oidc) -> Result<OidcConfig, Unfit> {
    Ok(OidcConfig {
        provider: file.provider().map_err(Unfit::Mistakes)?,
        roles: file.roles(),
        claim: file.claim.clone(),
        name: file.name.clone(),
        button: file.button.clone(),
    })
}

/// Invitations by mail.
fn mail(file: &config::Mail) -> Result<MailConfig, Unfit> {
    Ok(MailConfig {
        mailer: file.mailer().map_err(Unfit::Mistakes)?,
        origin: file.origin().map_err(|mistake| Unfit::Mistakes(vec![mistake]))?,
        numbers: file.numbers.clone(),
    })
}

/// What calls are for, if nothing else was published.
fn plan(file: &config::Config) -> Result<publishing::Config, Unfit> {
    let (plan, problems) = file.plan()?;
    if problems.iter().any(Problem::is_error) {
        return Err(Unfit::Problems(problems));
    }
    for problem in problems {
        let told = problem.told(Language::En);
        tracing::warn!("{}:{}: {} ({})", told.file, told.line, told.message, told.help);
    }
    let files = file.files()?;
    let about = About {
        by: String::from("the configuration"),
        at: clock::moment(),
        comment: String::new(),
        fingerprint: config::fingerprint(&files),
        parent: 0,
        approved_by: None,
        restores: None,
    };
    Ok(publishing::Config {
        first: Running { plan, version: 0, about, files },
        shipped: config::shipped(),
        folder: file.dialplan.folder.clone(),
        approval: file.dialplan.approval,
        around: file.surroundings(),
    })
}

type Pair = (PathBuf, PathBuf);

fn pair(certificate: Option<PathBuf>, key: Option<PathBuf>, section: &'static str) -> Result<Option<Pair>, Unfit> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(Unfit::HalfACertificate { section }),
    }
}

/// SIP over TLS. Without a certificate of its own it shows that of the web, and without that one of our own.
fn tls(listen: Vec<SocketAddr>, own: Option<Pair>, web: Option<&Pair>) -> Option<sip::Tls> {
    if listen.is_empty() {
        return None;
    }
    let certificate = match own.or_else(|| web.cloned()) {
        Some((certificate, key)) => Certificate::Files { certificate, key },
        None => Certificate::Made { names: listen.iter().map(|at| at.ip().to_string()).collect() },
    };
    Some(sip::Tls { listen, certificate })
}

impl TryFrom<&config::Trunk> for sip::Trunk {
    type Error = config::Mistake;

    fn try_from(trunk: &config::Trunk) -> Result<Self, config::Mistake> {
        let account = match (&trunk.user, trunk.password()?) {
            (Some(user), Some(password)) => Some(sip::Account { user: user.clone(), password }),
            (Some(_) | None, _) => None,
        };
        Ok(Self {
            name: trunk.name.clone(),
            networks: trunk.networks.iter().map(|network| network.0).collect(),
            transports: trunk.transports.clone(),
            codecs: trunk.codecs.clone(),
            needs_srtp: trunk.srtp == config::Srtp::Required,
            most_calls: trunk.most_calls,
            outbound: trunk.dial.as_ref().map(|dial| sip::Outbound {
                target: dial.0.clone(),
                account,
                register: trunk.register,
                identity: trunk.identity.as_ref().map(|identity| identity.0.clone()),
                ca: trunk.ca.clone(),
                test: trunk.test.clone(),
            }),
        })
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
        let announced = |room: &str| config.book.get(&room.parse().expect("a room")).map(|it| it.meeting.announce);
        assert_eq!((announced("rat"), announced("bau")), (Some(Announce::Count), Some(Announce::Nothing)));
        let plain = Config::try_from(config::Config::default()).expect("fit to be served");
        assert!(!plain.menu.ask_language, "nobody is asked what one number has answered");
    }

    fn settings(text: &str) -> Result<Config, Unfit> {
        Config::try_from(config::Config::from_toml(text).expect("readable"))
    }

    fn tls_of(text: &str) -> Option<(Vec<String>, bool)> {
        let tls = settings(text).expect("fit").sip.tls?;
        let listen = tls.listen.iter().map(ToString::to_string).collect();
        Some((listen, matches!(tls.certificate, Certificate::Files { .. })))
    }

    #[test]
    fn tls_is_served_beside_sip_once_there_is_a_certificate_for_it() {
        let port = |port: u16| format!("127.0.0.1:{port}");
        assert_eq!(tls_of(""), None);
        assert_eq!(tls_of("[sip]\ncertificate = \"c\"\nkey = \"k\""), Some((vec![port(5061)], true)));
        assert_eq!(tls_of("[sip]\ncertificate = \"c\"\nkey = \"k\"\ntls_listen = []"), None);
        assert_eq!(tls_of("[sip]\ntls_listen = [\"127.0.0.1:7061\"]"), Some((vec![port(7061)], false)));
        let web = "[web]\ncertificate = \"c\"\nkey = \"k\"\n";
        assert_eq!(tls_of(web), None, "the web's certificate alone opens no port");
        assert_eq!(tls_of(&format!("{web}[sip]\ntls_listen = [\"127.0.0.1:7061\"]")), Some((vec![port(7061)], true)));
    }

    #[test]
    fn half_a_certificate_is_named() {
        for section in ["sip", "web"] {
            let error = settings(&format!("[{section}]\nkey = \"k\"")).expect_err("unfit").to_string();
            assert!(error.contains(&format!("{section}.certificate")), "{error}");
        }
    }
}
