//! A running gateway's API, for commands that do by it what it does.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

use super::tongue::Tongue;
use super::{fails, say, wrong};

/// Where a gateway usually is.
pub const USUAL: &str = "https://127.0.0.1:8443";

/// Which gateway, and who asks it.
#[derive(Args)]
pub struct Gateway {
    /// Its address
    #[arg(long, value_name = "URL", default_value = USUAL)]
    pub gateway: String,
    /// A file with the token: `einwahl api token NAME --rights plan,edit,publish,calls` makes one
    #[arg(long)]
    pub token_file: PathBuf,
    /// Its certificate, or that of the authority that signed it, as a PEM file; if it is not publicly trusted
    #[arg(long)]
    pub certificate: Option<PathBuf>,
    #[command(flatten)]
    pub tongue: Tongue,
}

/// Why nothing came of it.
pub enum Trouble {
    /// The command was used in a wrong way.
    Usage(String),
    /// There was no answer, or one that makes no sense.
    Failed(String),
    /// The gateway refuses: its problem document.
    Refused(Value),
}

impl Trouble {
    /// Says why, and how the command ends.
    pub fn ends(&self) -> ExitCode {
        match self {
            Self::Usage(why) => wrong(why),
            Self::Failed(why) => fails(why),
            Self::Refused(problem) => {
                for error in list(problem, "errors") {
                    say(&format!("{}: {}", word(error, "field"), word(error, "message")));
                }
                fails(&format!("{}: {}", word(problem, "title"), word(problem, "detail")))
            }
        }
    }
}

/// A text of an answer, empty if it has none of that name.
pub fn word<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A list of an answer, empty if it has none of that name.
pub fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Gateway {
    /// Asks for something below `/api/v1/`.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, Trouble> {
        let unread = |file: &Path, why: &dyn std::fmt::Display| Trouble::Usage(format!("{}: {why}", file.display()));
        let token = std::fs::read_to_string(&self.token_file).map(Zeroizing::new);
        let token = token.map_err(|why| unread(&self.token_file, &why))?;
        let mut tls = ureq::tls::TlsConfig::builder();
        if let Some(file) = &self.certificate {
            let pem = std::fs::read(file).map_err(|why| unread(file, &why))?;
            let known = ureq::tls::Certificate::from_pem(&pem).map_err(|why| unread(file, &why))?;
            tls = tls.root_certs(ureq::tls::RootCerts::new_with_certs(&[known]));
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(tls.build())
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        let address = format!("{}/api/v1/{path}", self.gateway.trim_end_matches('/'));
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(&address)
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("accept-language", self.tongue.language().code())
            .header("content-type", "application/json");
        let agent = ureq::Agent::new_with_config(config);
        let unfit = |why: ureq::http::Error| Trouble::Usage(format!("--gateway: {why}"));
        let answer = match body {
            Some(body) => agent.run(request.body(body.to_string()).map_err(unfit)?),
            None => agent.run(request.body(()).map_err(unfit)?),
        };
        let mut answer = answer.map_err(|why| Trouble::Failed(format!("{address}: {why}")))?;
        let text = answer.body_mut().with_config().limit(LONGEST).read_to_string();
        let text = text.map_err(|why| Trouble::Failed(format!("{address}: {why}")))?;
        let read = if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text) };
        let read =
            read.map_err(|_| Trouble::Failed(format!("{address} is no gateway: it answered {}", answer.status())))?;
        if answer.status().is_success() { Ok(read) } else { Err(Trouble::Refused(read)) }
    }
}

/// The longest answer: a conflict shows each text four times.
const LONGEST: u64 = 256 * 1_024 * 1_024;
