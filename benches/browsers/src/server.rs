//! A server in a process of its own, and how it is spoken to: a line of JSON in, a line of JSON out.

use std::io::{BufRead as _, BufReader, Lines, Write as _, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::figures::Figures;

pub struct Server {
    process: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub fn start(role: &str) -> Self {
        let own = std::env::current_exe().expect("our own path");
        let mut process = Command::new(own)
            .arg(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process of ours");
        let to = process.stdin.take();
        let from = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { process, to, from }
    }

    /// The answer to an offer.
    pub fn answer(&mut self, offer: &str) -> String {
        serde_json::from_str(&self.ask(&serde_json::to_string(offer).expect("JSON"))).expect("an answer")
    }

    pub fn figures(&mut self) -> Figures {
        let (cpu_nanos, rss_kib) = serde_json::from_str(&self.ask("null")).expect("two numbers");
        Figures { cpu_nanos, rss_kib }
    }

    fn ask(&mut self, line: &str) -> String {
        let to = self.to.as_mut().expect("a pipe");
        writeln!(to, "{line}").and_then(|()| to.flush()).expect("the server listens");
        self.from.next().expect("the server answers").expect("with text")
    }
}

impl Drop for Server {
    /// The end of its input ends it.
    fn drop(&mut self) {
        self.to = None;
        let _ = self.process.wait();
    }
}

/// The server's side: answers each offer by `answer`, and asks of figures by those of the thread with this name.
pub fn answer_all(thread: &str, mut answer: impl FnMut(String) -> String) {
    for line in stdin().lines().map_while(Result::ok) {
        let said = match serde_json::from_str::<Option<String>>(&line).expect("JSON") {
            Some(offer) => serde_json::to_string(&answer(offer)).expect("JSON"),
            None => {
                let Figures { cpu_nanos, rss_kib } = Figures::of(thread);
                format!("[{cpu_nanos},{rss_kib}]")
            }
        };
        println!("{said}");
    }
}
