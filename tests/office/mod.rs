//! An institution with accounts, served by the real binary on loopback, and browsers that keep a cookie as browsers do.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "each test uses a part; one that goes wrong may stop"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, bounded};
use einwahl::config::TokenHash;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

/// What everybody of the office chooses.
pub const PASSWORD: &str = "nebel leiter kartoffel";

/// A folder with a configuration, and the ports of a gateway that is started on it again and again.
pub struct Office {
    pub folder: PathBuf,
    pub sip: u16,
    pub web: u16,
}

/// A gateway that runs, and what it logs.
pub struct Gateway {
    process: Child,
    log: Receiver<String>,
    web: u16,
    pub sip: u16,
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

impl Office {
    /// With these lines in its configuration, beside its doors and one meeting.
    pub fn new(name: &str, lines: &str) -> Self {
        Self::with_meeting(&format!("office-{name}"), "moderator_pin = \"0815\"\n", lines)
    }

    /// In a folder of this name; with these words of its one meeting, and these lines beside it.
    pub fn with_meeting(folder: &str, meeting: &str, lines: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("a folder");
        let office = Self { folder, sip: free_port(), web: free_port() };
        let (media, browsers) = (free_port() & !1, free_port());
        let text = format!(
            "[sip]\ngrace = 1\nlisten = [\"127.0.0.1:{}\"]\n[web]\nlisten = [\"127.0.0.1:{}\"]\n[browsers]\nlisten = [\"127.0.0.1:{browsers}\"]\n\
             [media]\nfirst_port = {media}\nlast_port = {}\n[store]\nfolder = {:?}\n\
             [[meetings]]\nroom = \"rat\"\nid = \"123456\"\npin = \"4711\"\n{meeting}{lines}",
            office.sip,
            office.web,
            media.saturating_add(15),
            office.kept(),
        );
        std::fs::write(office.config(), text).expect("a configuration");
        office
    }

    pub fn config(&self) -> PathBuf {
        self.folder.join("einwahl.toml")
    }

    pub fn kept(&self) -> PathBuf {
        self.folder.join("kept")
    }

    /// The lines for a token.
    pub fn token(name: &str, token: &str, rights: &str) -> String {
        format!("[[api.tokens]]\nname = \"{name}\"\nhash = \"{}\"\nrights = [{rights}]\n", TokenHash::of(token))
    }

    /// `einwahl …` with the office's configuration.
    pub fn commands(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_einwahl"));
        let output = command.args(arguments).arg("--config").arg(self.config()).output();
        let output = output.expect("runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// Makes an account; gives its one-time password.
    pub fn adds(&self, name: &str, role: &str) -> String {
        let (code, told, why) = self.commands(&["account", "add", name, "--role", role]);
        assert_eq!(code, Some(0), "{why}");
        told.lines().nth(2).expect("a password").to_owned()
    }

    /// Starts, and waits until it is ready.
    pub fn serves(&self) -> Gateway {
        let mut process = Command::new(env!("CARGO_BIN_EXE_einwahl"))
            .args(["serve", "--config"])
            .arg(self.config())
            .env("EINWAHL_LOG", "einwahl=info")
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(process.stderr.take().expect("its log"));
        let (to, log) = bounded(10_000);
        std::thread::spawn(move || lines.lines().map_while(Result::ok).try_for_each(|line| to.try_send(line)));
        let gateway = Gateway { process, log, web: self.web, sip: self.sip };
        gateway.logs("ready");
        gateway
    }

    /// What the audit says, the oldest first.
    pub fn audit(&self) -> Vec<Value> {
        let (code, told, why) = self.commands(&["audit", "list", "--json"]);
        assert_eq!(code, Some(0), "{why}");
        serde_json::from_str(&told).expect("one JSON document")
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub headers: ureq::http::HeaderMap,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Gateway {
    /// Waits for a line of the log.
    pub fn logs(&self, text: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.log.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => before.push(line),
                Err(_) => panic!("no {text:?} in\n{}", before.join("\n")),
            }
        }
    }

    pub fn stops(mut self) {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status().expect("kill runs");
        assert!(asked.success() && self.process.wait().expect("ends").success());
    }

    pub fn origin(&self) -> String {
        format!("https://127.0.0.1:{}", self.web)
    }

    /// A browser that nobody has used.
    pub fn browser(&self) -> Browser {
        Browser { origin: self.origin(), cookie: None, csrf: String::new() }
    }

    /// A request with these headers alone.
    pub fn asks(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        self.sends(method, path, headers, body.map(Value::to_string))
    }

    /// The same with a body that need not be JSON.
    pub fn sends(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Reply {
        ask(&self.origin(), method, path, headers, body)
    }

    /// Follows what is told, as a program with a token does.
    pub fn follows(&self, path: &str, token: &str) -> News {
        follow(&self.origin(), path, &[("authorization", &format!("Bearer {token}"))])
    }

    /// Somebody signs in for the first time: makes an app known and chooses a password.
    pub fn begins(&self, name: &str, once: &str) -> (Browser, Person) {
        let mut browser = self.browser();
        let first = browser.posts("/api/v1/session", &json!({"name": name, "password": once}));
        assert_eq!((first.status, &first.body["next"]), (200, &json!("enrol")), "{}", first.text);
        let app = browser.posts("/api/v1/session/enrolment", &Value::Null);
        let secret = app.body["secret"].as_str().expect("a secret").to_owned();
        let mut person = Person { name: name.to_owned(), secret, recovery: Vec::new(), used: 0 };
        let shown = browser.posts("/api/v1/session/totp", &json!({"code": person.code()}));
        assert_eq!((shown.status, &shown.body["next"]), (200, &json!("newPassword")), "{}", shown.text);
        person.recovery = shown.body["recoveryCodes"].as_array().expect("codes").clone();
        let done = browser.posts("/api/v1/session/password", &json!({"new": PASSWORD}));
        assert_eq!((done.status, &done.body["next"]), (200, &json!("nothing")), "{}", done.text);
        (browser, person)
    }

    /// Somebody signs in as every day.
    pub fn enters(&self, person: &mut Person) -> Browser {
        let mut browser = self.browser();
        let first = browser.posts("/api/v1/session", &json!({"name": person.name, "password": PASSWORD}));
        assert_eq!((first.status, &first.body["next"]), (200, &json!("code")), "{}", first.text);
        let done = browser.posts("/api/v1/session/totp", &json!({"code": person.code()}));
        assert_eq!((done.status, &done.body["next"]), (200, &json!("nothing")), "{}", done.text);
        browser
    }
}

/// Somebody with an app.
pub struct Person {
    pub name: String,
    secret: String,
    pub recovery: Vec<Value>,
    used: u64,
}

impl Person {
    /// The next code of the app: each counts once, and one may be a step ahead.
    pub fn code(&mut self) -> String {
        let code = self.code_at(self.used);
        self.used += 1;
        code
    }

    /// The code of so many steps later.
    pub fn code_at(&self, steps: u64) -> String {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let secret = Secret::try_from_base32(&self.secret).expect("base32");
        Builder::new().with_secret(secret).build().expect("fit").generate(unix + 30 * steps).to_string()
    }
}

/// A page of ours in a browser: with its cookie, and what it knows of its session.
#[derive(Clone)]
pub struct Browser {
    origin: String,
    pub cookie: Option<String>,
    pub csrf: String,
}

impl Browser {
    pub fn gets(&mut self, path: &str) -> Reply {
        self.asks("GET", path, None)
    }

    pub fn posts(&mut self, path: &str, body: &Value) -> Reply {
        self.asks("POST", path, Some(body))
    }

    pub fn asks(&mut self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let origin = self.origin.clone();
        let own = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        let csrf = self.csrf.clone();
        let with = [&own[..], &[("x-csrf-token", csrf.as_str())]].concat();
        let headers = if method == "GET" {
            &own[1..]
        } else if self.csrf.is_empty() {
            &own[..]
        } else {
            &with[..]
        };
        self.asks_with(method, path, headers, body)
    }

    /// Follows what is told, as `EventSource` does.
    pub fn follows(&self, path: &str) -> News {
        let cookie = format!("__Host-einwahl={}", self.cookie.as_deref().expect("signed in"));
        follow(&self.origin, path, &[("cookie", &cookie), ("sec-fetch-site", "same-origin")])
    }

    /// With the cookie, and these headers.
    pub fn asks_with(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let cookie = self.cookie.as_ref().map(|cookie| format!("__Host-einwahl={cookie}"));
        let mut all: BTreeMap<&str, &str> = headers.iter().copied().collect();
        if let Some(cookie) = &cookie {
            all.insert("cookie", cookie);
        }
        let all: Vec<_> = all.into_iter().collect();
        let body = body.filter(|body| !body.is_null()).map(Value::to_string);
        let reply = ask(&self.origin, method, path, &all, body);
        for line in reply.headers.get_all("set-cookie") {
            let line = line.to_str().expect("text");
            assert!(
                line.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict") || line.contains("Max-Age=0"),
                "{line}"
            );
            let value = line.split(['=', ';']).nth(1).expect("a value").to_owned();
            self.cookie = Some(value).filter(|value| !value.is_empty());
        }
        if let Some(csrf) = reply.body["csrf"].as_str() {
            csrf.clone_into(&mut self.csrf);
        }
        reply
    }
}

/// Server-sent events, as they come.
pub struct News {
    lines: Box<dyn BufRead>,
}

fn follow(origin: &str, path: &str, headers: &[(&str, &str)]) -> News {
    let response = send(origin, "GET", path, headers, None);
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    assert_eq!((response.status().as_u16(), kind), (200, Some("text/event-stream")));
    News { lines: Box::new(BufReader::new(response.into_body().into_reader())) }
}

impl News {
    /// The next event with this name.
    pub fn next(&mut self, name: &str) -> Value {
        self.until(name, |_| true)
    }

    /// The next event with this name that is so.
    pub fn until(&mut self, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut told = Vec::new();
        while let Some((of, data)) = self.event() {
            if of == name && is_so(&data) {
                return data;
            }
            told.push((of, data));
        }
        panic!("the end, after {told:?}")
    }

    /// Nothing more is told.
    pub fn ends(&mut self) {
        while self.event().is_some() {}
    }

    fn event(&mut self) -> Option<(String, Value)> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            // Closed, in whatever way.
            self.lines.read_line(&mut line).ok().filter(|length| *length > 0)?;
            if let Some(of) = line.strip_prefix("event: ") {
                of.trim_end().clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((name, serde_json::from_str(data).expect("JSON")));
            }
        }
    }
}

fn ask(origin: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Reply {
    let mut response = send(origin, method, path, headers, body);
    let is_endless = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let text = if is_endless { String::new() } else { response.body_mut().read_to_string().expect("a text") };
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status: response.status().as_u16(), body, text, headers: response.headers().clone() }
}

fn send(
    origin: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<String>,
) -> ureq::http::Response<ureq::Body> {
    let tls = ureq::tls::TlsConfig::builder().disable_verification(true).build();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .tls_config(tls)
        .allow_non_standard_methods(true)
        .timeout_global(Some(Duration::from_secs(60)))
        .build();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{origin}{path}"));
    if body.is_some() && headers.iter().all(|(name, _)| *name != "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let agent = ureq::Agent::new_with_config(config);
    let response = match body {
        Some(body) => agent.run(request.body(body).expect("a request")),
        None => agent.run(request.body(()).expect("a request")),
    };
    response.expect("an answer")
}
