//! The same messages at the real door, on sockets. Behind each goes a plain question: when that is answered, so is the message,
//! if it ever will be.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use einwahl::call::Refusal;
use einwahl::observe::Observed;
use einwahl::residency::Residency;
use einwahl::sip::{Config, Door, Event, Tls, Trunks};
use einwahl::tls::Certificate;
use einwahl::wire::Limits;
use einwahl::words::Purpose;
use einwahl::workers::Figures;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;

use super::message;
use super::verdicts::{Told, VERDICTS};

const PATIENCE: Duration = Duration::from_secs(20);

/// Who called whom, as the gateway was told.
type Calls = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A door at which everybody is busy.
async fn open(address: &str) -> (Door, Calls) {
    let address: SocketAddr = address.parse().expect("an address");
    let config = Config {
        listen: vec![address],
        tls: Some(Tls {
            listen: vec![address],
            certificate: Certificate::Made { names: vec![String::from("localhost")] },
        }),
        limits: Limits { patience: 10_000, ..Limits::default() },
        most_calls: 10,
        least_interval: Duration::from_secs(90),
        trunks: Trunks::default(),
        dns: Vec::new(),
    };
    let (events, mut asked) = mpsc::channel(16);
    let door =
        Door::open(config, Residency::default(), Observed::new(&Figures::default(), 0), events).await.expect("a door");
    let calls = Calls::default();
    let noted = calls.clone();
    tokio::spawn(async move {
        while let Some(event) = asked.recv().await {
            if let Event::Invited { facts, verdict, .. } = event {
                let caller = facts.caller.map(|number| number.reveal(Purpose::Routing).as_str().to_owned());
                noted.lock().expect("notes").push((facts.called, caller));
                let _ = verdict.send(Err(Refusal::Busy));
            }
        }
    });
    (door, calls)
}

fn question(number: usize, transport: &str) -> String {
    format!(
        "OPTIONS sip:einwahl@einwahl.example SIP/2.0\r\nVia: SIP/2.0/{transport} test.example;branch=z9hG4bKq{number};rport\r\n\
         From: <sip:q@test.example>;tag=q\r\nTo: <sip:einwahl@einwahl.example>\r\nCall-ID: question-{number}\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}

fn status(answer: &str) -> u16 {
    answer.get(8..11).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer}"))
}

fn expected(verdict: Told) -> Option<u16> {
    match verdict {
        Told::Call { .. } => Some(486),
        Told::Stack(status) | Told::Gate(status) => Some(status),
        Told::Response | Told::Nothing => None,
    }
}

/// Compares what was told with the table, and gives what the gateway should have been asked.
fn judge(name: &str, verdict: Told, told: Option<u16>, wrong: &mut Vec<String>) -> Option<(String, Option<String>)> {
    if told != expected(verdict) {
        wrong.push(format!("{name}: {verdict:?}, but told {told:?}"));
    }
    match verdict {
        Told::Call { called, caller } => Some((called.to_owned(), caller.map(ToOwned::to_owned))),
        Told::Stack(_) | Told::Gate(_) | Told::Response | Told::Nothing => None,
    }
}

async fn received(socket: &UdpSocket) -> String {
    let mut buffer = vec![0; 65_535];
    let length = tokio::time::timeout(PATIENCE, socket.recv(&mut buffer)).await.expect("in time").expect("a datagram");
    String::from_utf8(buffer[..length].to_vec()).expect("UTF-8")
}

async fn by_datagrams(local: &str) {
    let (door, calls) = open(local).await;
    let (mut wrong, mut asked) = (Vec::new(), Vec::new());
    for (number, (name, verdict)) in VERDICTS.iter().enumerate() {
        // A socket of its own, so that a repeated answer to one message is not taken for that to the next.
        let socket = socket(local).await;
        socket.connect(door.listening().plain[0]).await.expect("connected");
        socket.send(&message(name)).await.expect("sent");
        socket.send(question(number, "UDP").as_bytes()).await.expect("sent");
        let (mut told, mut answered) = (None, false);
        while !answered || (told.is_none() && expected(*verdict).is_some()) {
            let answer = received(&socket).await;
            if answer.contains(&format!("question-{number}")) {
                answered = true;
            } else if status(&answer) >= 200 {
                told = Some(status(&answer));
            }
        }
        asked.extend(judge(name, *verdict, told, &mut wrong));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(*calls.lock().expect("notes"), asked);
    door.close();
}

#[allow(clippy::disallowed_methods, reason = "the far end is a socket of the test")]
async fn socket(local: &str) -> UdpSocket {
    UdpSocket::bind(local).await.expect("a socket")
}

#[allow(clippy::disallowed_methods, reason = "the far end is a socket of the test")]
async fn stream(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.expect("connected")
}

#[tokio::test]
async fn at_the_door_over_udp() {
    by_datagrams("127.0.0.1:0").await;
}

#[tokio::test]
async fn at_the_door_over_udp_and_ipv6() {
    by_datagrams("[::1]:0").await;
}

/// Over a stream the end of these two cannot be found: the door waits for the rest of one, and what follows the other, which
/// does not say how long it is, is noise.
const ENDLESS: [&str; 2] = ["rfc4475/clerr", "rfc4475/inv2543"];

#[tokio::test]
async fn at_the_door_over_tcp() {
    let (door, _) = open("127.0.0.1:0").await;
    let mut wrong = Vec::new();
    for (number, (name, verdict)) in VERDICTS.iter().enumerate().filter(|(_, (name, _))| !ENDLESS.contains(name)) {
        let mut stream = stream(door.listening().plain[0]).await;
        stream.write_all(&message(name)).await.expect("sent");
        // Where the message ends cannot be told either: it is answered, and the connection ends.
        let is_last = ["rfc4475/ncl", "rfc4475/mcl01"].contains(name);
        if !is_last {
            stream.write_all(question(number, "TCP").as_bytes()).await.expect("sent");
        }
        let told = told_on(&mut stream, is_last, &format!("question-{number}"), expected(*verdict).is_some()).await;
        judge(name, *verdict, told, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    door.close();
}

/// The first final answer that is not to the question.
async fn told_on(stream: &mut TcpStream, to_the_end: bool, question: &str, is_expected: bool) -> Option<u16> {
    let (mut heard, mut buffer) = (String::new(), vec![0; 65_535]);
    loop {
        let told = heard
            .split("SIP/2.0 ")
            .filter(|answer| answer.contains("\r\n\r\n") && !answer.contains(question))
            .filter_map(|answer| answer.get(..3)?.parse::<u16>().ok())
            .find(|status| *status >= 200);
        if !to_the_end && heard.contains(question) && (told.is_some() || !is_expected) {
            return told;
        }
        let length = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("in time").unwrap_or(0);
        if length == 0 {
            return told;
        }
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

#[tokio::test]
async fn two_line_ends_are_answered_by_one_on_a_stream_and_in_a_datagram() {
    let (door, _) = open("127.0.0.1:0").await;
    let address = door.listening().plain[0];
    let mut stream = stream(address).await;
    stream.write_all(b"\r\n\r\n").await.expect("sent");
    let mut pong = [0; 2];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut pong)).await.expect("in time").expect("a pong");
    assert_eq!(&pong, b"\r\n");
    let socket = socket("127.0.0.1:0").await;
    socket.connect(address).await.expect("connected");
    socket.send(b"\r\n\r\n").await.expect("sent");
    assert_eq!(received(&socket).await, "\r\n");
    door.close();
}
