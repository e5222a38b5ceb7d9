//! The real binary on loopback, and telephones that speak SIP and RTP by hand, so that a test can send what a PBX of another
//! maker sends. Nothing waits for time: every wait is for an answer, with a bound.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "each test uses a part; one that goes wrong may stop; the far ends are sockets of the test"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Long enough for a machine on which seven others build.
const PATIENCE: Duration = Duration::from_secs(20);

/// T1: so long a request is waited for before it is sent again (RFC 3261 section 17.1.2.1).
const AGAIN: Duration = Duration::from_millis(500);

/// A running gateway. Ends with the test.
pub struct Served {
    process: Child,
    log: Arc<(Mutex<Vec<String>>, Condvar)>,
    pub sip: SocketAddr,
    watch: SocketAddr,
    pub folder: PathBuf,
}

/// What the configuration of most tests has beside its doors.
pub const MEETING: &str = "[[meetings]]\nroom = \"rat\"\nid = \"123456\"\npin = \"4711\"\nmoderator_pin = \"0815\"\n";

impl Served {
    /// Serves `config` (without doors) and the dialplan `plan`, if that is not the shipped one. The log is at `level`.
    pub fn with(name: &str, sip: &str, config: &str, plan: &str, level: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(folder.join("plan")).expect("a folder");
        let (door, watch) = (free(), free());
        let dialplan = if plan.is_empty() {
            String::new()
        } else {
            std::fs::write(folder.join("plan/10-stadt.toml"), plan).expect("a plan");
            format!("[dialplan]\nfolder = {:?}\n", folder.join("plan"))
        };
        let text = format!(
            "[sip]\nlisten = [\"{door}\"]\n{sip}\n[web]\nlisten = []\n[browsers]\nlisten = []\n[observe]\nlisten = [\"{watch}\"]\n{dialplan}{}",
            config.replace("FOLDER", &folder.display().to_string())
        );
        std::fs::write(folder.join("einwahl.toml"), text).expect("a configuration");
        let mut process = Command::new(env!("CARGO_BIN_EXE_einwahl"))
            .args(["serve", "--config"])
            .arg(folder.join("einwahl.toml"))
            .env("EINWAHL_LOG", level)
            .env("STATE_DIRECTORY", folder.join("kept"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let log = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (lines, written) = (BufReader::new(process.stderr.take().expect("its log")), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                written.0.lock().unwrap().push(line);
                written.1.notify_all();
            }
        });
        let served = Self { process, log, sip: door, watch, folder };
        served.logs("ready");
        served
    }

    /// A meeting at the shipped dialplan's menu.
    pub fn meeting(name: &str) -> Self {
        Self::with(name, "", MEETING, "", "einwahl=info")
    }

    /// Waits for a line of the log with all these words.
    pub fn logs(&self, words: &str) -> String {
        let has = |line: &String| words.split(" … ").all(|word| line.contains(word));
        let lines = self.log.0.lock().unwrap();
        let (lines, _) =
            self.log.1.wait_timeout_while(lines, PATIENCE, |lines| !lines.iter().any(has)).expect("no panic");
        lines
            .iter()
            .find(|line| has(line))
            .cloned()
            .unwrap_or_else(|| panic!("no line {words:?} in\n{}", lines.join("\n")))
    }

    pub fn log(&self) -> String {
        self.log.0.lock().unwrap().join("\n")
    }

    /// What those who watch read.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(self.watch).expect("the door for those who watch");
        write!(connection, "GET {path} HTTP/1.1\r\nHost: einwahl\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
    }

    pub fn figure(&self, series: &str) -> f64 {
        let (_, text) = self.get("/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {series} in\n{text}"))
    }

    /// Reads until the answer is so: figures are a second old at most.
    pub fn comes_to(&self, path: &str, is_so: impl Fn(u16, &str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let (status, text) = self.get(path);
            if is_so(status, &text) {
                return text;
            }
            assert!(Instant::now() < end, "{path} stays at {status}\n{text}");
        }
    }

    pub fn figure_comes_to(&self, series: &str, value: f64) {
        let wanted = format!("{series} {value}");
        self.comes_to("/metrics", |_, text| text.lines().any(|line| line == wanted));
    }

    /// Asks it to take nobody new.
    pub fn drains(&self) {
        let done = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().expect("kill");
        assert!(done.success());
        self.logs("draining");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody has, for UDP and TCP.
fn free() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = tcp.local_addr().expect("bound");
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

/// A telephone that speaks SIP by hand, over UDP.
pub struct Handset {
    sip: UdpSocket,
    pub media: UdpSocket,
    gateway: SocketAddr,
    number: String,
    call: String,
    sequence: u32,
    called: String,
    /// The gateway's tag and contact, once there is a call.
    dialog: Option<(String, String)>,
}

/// What came.
#[derive(Clone, Debug)]
pub struct Message {
    pub first: String,
    head: String,
    pub body: String,
}

impl Message {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
        Self { first: first.to_owned(), head: head.to_owned(), body: body.to_owned() }
    }

    /// Of an answer; 0 of a request.
    pub fn status(&self) -> u16 {
        let mut words = self.first.split(' ');
        if words.next() == Some("SIP/2.0") { words.next().and_then(|code| code.parse().ok()).unwrap_or(0) } else { 0 }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn headers(&self, name: &str) -> String {
        let is_it = |line: &&str| line.split(':').next().is_some_and(|key| key.trim().eq_ignore_ascii_case(name));
        self.head.lines().filter(is_it).map(|line| format!("{line}\r\n")).collect()
    }

    /// The formats of the audio line.
    pub fn formats(&self) -> Vec<&str> {
        let line = self.body.lines().find_map(|line| line.strip_prefix("m=audio "));
        line.map(|line| line.split_whitespace().skip(2).collect()).unwrap_or_default()
    }

    /// Where the gateway wants sound.
    pub fn media(&self) -> SocketAddr {
        let port = self.body.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok());
        (Ipv4Addr::LOCALHOST, port.expect("an audio line")).into()
    }
}

static CALLS: AtomicU32 = AtomicU32::new(1);

impl Handset {
    pub fn of(served: &Served, number: &str) -> Self {
        let socket = |wait| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
            socket.set_read_timeout(Some(wait)).expect("a bound");
            socket
        };
        let call = format!("{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
        let (gateway, number, called) = (served.sip, number.to_owned(), String::from("einwahl"));
        Self { sip: socket(AGAIN), media: socket(PATIENCE), gateway, number, call, sequence: 0, called, dialog: None }
    }

    /// An SDP with these lines in its audio section (`RTP/AVP` formats first).
    pub fn sdp(&self, formats: &str, lines: &str) -> String {
        let port = self.media.local_addr().expect("bound").port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n{lines}"
        )
    }

    pub fn offer(&self) -> String {
        self.sdp("8 101", "a=rtpmap:101 telephone-event/8000\r\n")
    }

    fn send(&self, method: &str, branch: &str, sequence: u32, headers: &str, body: &str) {
        let here = self.sip.local_addr().expect("bound");
        let (tag, target) = match &self.dialog {
            Some((tag, contact)) => (format!(";tag={tag}"), contact.clone()),
            None => (String::new(), format!("sip:{}@{}", self.called, self.gateway)),
        };
        let kind =
            if body.is_empty() || headers.contains("Content-Type") { "" } else { "Content-Type: application/sdp\r\n" };
        let (number, call, called, length) = (&self.number, &self.call, &self.called, body.len());
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{number}@{here}>;tag={call}\r\nTo: <sip:{called}@{}>{tag}\r\nCall-ID: {call}\r\nCSeq: {sequence} {method}\r\n\
             Contact: <sip:{number}@{here}>\r\n{headers}{kind}Content-Length: {length}\r\n\r\n{body}",
            self.gateway
        );
        self.sip.send_to(text.as_bytes(), self.gateway).expect("sent");
    }

    /// The next message, if one comes soon.
    fn receive(&self) -> Option<Message> {
        let mut datagram = [0; 8_192];
        let (length, _) = self.sip.recv_from(&mut datagram).ok()?;
        Some(Message::read(&String::from_utf8_lossy(&datagram[..length])))
    }

    /// Asks, and gives the final answer; requests of the gateway that come meanwhile are answered 200.
    pub fn asks(&mut self, method: &str, headers: &str, body: &str) -> Message {
        self.sequence += 1;
        let branch = format!("{}-{}", self.call, self.sequence);
        self.send(method, &branch, self.sequence, headers, body);
        let mine = format!("{} {method}", self.sequence);
        let end = Instant::now() + PATIENCE;
        loop {
            let Some(message) = self.receive() else {
                assert!(Instant::now() < end, "no answer to {method}");
                self.send(method, &branch, self.sequence, headers, body);
                continue;
            };
            if message.status() == 0 {
                self.grants(&message);
            } else if message.status() >= 200 && message.header("CSeq") == Some(&mine) {
                if method == "INVITE" {
                    self.acknowledges(&message, &branch);
                }
                return message;
            }
        }
    }

    fn acknowledges(&mut self, answer: &Message, branch: &str) {
        let tag = answer.header("To").and_then(|to| to.split_once("tag=")).map(|(_, tag)| tag.to_owned());
        if answer.status() < 300 {
            let contact =
                answer.header("Contact").and_then(|contact| contact.split(['<', '>']).nth(1)).map(ToOwned::to_owned);
            self.dialog = Some((tag.expect("a tag"), contact.expect("a contact")));
            self.send("ACK", &format!("{branch}-ack"), self.sequence, "", "");
        } else {
            let before = self.dialog.clone();
            let to = format!("sip:{}@{}", self.called, self.gateway);
            self.dialog = before.clone().or_else(|| tag.map(|tag| (tag, to)));
            self.send("ACK", branch, self.sequence, "", "");
            self.dialog = before;
        }
    }

    /// Calls; the answer may be a refusal.
    pub fn calls(&mut self, called: &str) -> Message {
        self.calls_with(called, "", &self.offer())
    }

    pub fn calls_with(&mut self, called: &str, headers: &str, body: &str) -> Message {
        called.clone_into(&mut self.called);
        self.asks("INVITE", headers, body)
    }

    pub fn hangs_up(&mut self) -> u16 {
        self.asks("BYE", "", "").status()
    }

    /// Presses keys, each as SIP INFO.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            let body = format!("Signal={key}\r\nDuration=160\r\n");
            assert_eq!(self.asks("INFO", "Content-Type: application/dtmf-relay\r\n", &body).status(), 200);
        }
    }

    /// Listens for as long as the menu takes to say no: two seconds.
    pub fn listens(&self) {
        self.forgets();
        for _ in 0..100 {
            self.hears();
        }
    }

    /// Waits for a request of the gateway, and answers it with 200.
    pub fn is_asked(&self) -> String {
        let end = Instant::now() + 2 * PATIENCE;
        loop {
            assert!(Instant::now() < end, "nothing is asked");
            if let Some(message) = self.receive().filter(|message| message.status() == 0) {
                self.grants(&message);
                return message.first.split(' ').next().unwrap_or_default().to_owned();
            }
        }
    }

    fn grants(&self, request: &Message) {
        let copied: String = ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| request.headers(name)).concat();
        let text = format!("SIP/2.0 200 OK\r\n{copied}Content-Length: 0\r\n\r\n");
        self.sip.send_to(text.as_bytes(), self.gateway).expect("sent");
    }

    /// Drops what has come and was not heard yet.
    pub fn forgets(&self) {
        self.media.set_nonblocking(true).expect("a socket");
        let mut datagram = [0; 2_048];
        while self.media.recv(&mut datagram).is_ok() {}
        self.media.set_nonblocking(false).expect("a socket");
    }

    /// The next packet of sound: its payload type and its payload.
    pub fn hears(&self) -> (u8, Vec<u8>) {
        let mut datagram = [0; 2_048];
        let (length, _) = self.media.recv_from(&mut datagram).expect("sound in time");
        (datagram[1] & 0x7f, datagram[12..length].to_vec())
    }
}
