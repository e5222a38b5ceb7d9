//! One connection: text messages of a WebSocket (RFC 6455) on mutual TLS. In: frames to send. Out: frames that came, or why there
//! are no more. Who does not read what it is sent is left after a time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::cascade::{Closing, Frame, LONGEST};
use crate::member::Spki;

/// Where a link is asked for, and by which name of a protocol.
pub(super) const PATH: &str = "/federation/v1";
pub(super) const PROTOCOL: &str = "einwahl-link-1";

/// What is agreed on by ALPN (RFC 7301): a WebSocket begins as HTTP/1.1.
pub(super) const ALPN: &[u8] = b"http/1.1";

/// A peer that does not read for so long is left.
const UNREAD: Duration = Duration::from_secs(5);

/// To say why, and that it is over.
const PARTING: Duration = Duration::from_secs(1);

/// Frames between the keeper of a link and its connection.
const QUEUE: usize = 64;

pub(super) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// The limits of what is read.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST))
        .read_buffer_size(16 * 1_024)
        .write_buffer_size(16 * 1_024)
        .max_write_buffer_size(4 * LONGEST)
}

/// A connection on which both have shown their keys.
pub(super) struct Connection {
    pub socket: Socket,
    /// Whether we have opened it.
    pub by_us: bool,
    /// The key that the peer has shown.
    pub key: Spki,
    pub address: SocketAddr,
}

impl Connection {
    /// It is not needed: says why, and closes it.
    pub fn dismiss(mut self, why: Closing) {
        tokio::spawn(async move {
            let parting = async {
                self.socket.send(text(&Frame::Bye { why })).await?;
                self.socket.close(None).await
            };
            // Who is gone already need not be told.
            drop(timeout(PARTING, parting).await);
        });
    }

    /// Both halves.
    pub fn split(self) -> (Reader, Writer) {
        let (sink, stream) = self.socket.split();
        let (frames, queue) = mpsc::channel(QUEUE);
        let work = tokio::spawn(write(sink, queue));
        (Reader(stream), Writer { frames, pending: VecDeque::new(), work })
    }
}

fn text(frame: &Frame) -> Message {
    Message::text(frame.to_json())
}

/// What came.
pub(super) enum Came {
    /// A frame, and how long it was.
    Frame(Frame, usize),
    /// Something of the WebSocket itself.
    Nothing(usize),
    /// What may not come.
    Broken(String),
    /// The connection is over.
    Over(String),
}

pub(super) struct Reader(SplitStream<Socket>);

impl Reader {
    /// Waits for what comes next.
    pub async fn next(&mut self) -> Came {
        match self.0.next().await {
            None => Came::Over(String::from("it was closed")),
            Some(Ok(Message::Text(text))) => match Frame::read(text.as_bytes()) {
                Ok(frame) => Came::Frame(frame, text.len()),
                Err(error) => Came::Broken(error.to_string()),
            },
            Some(Ok(Message::Binary(_))) => Came::Broken(String::from("a binary message")),
            Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => Came::Nothing(bytes.len()),
            Some(Ok(Message::Close(_) | Message::Frame(_))) => Came::Over(String::from("it was closed")),
            Some(Err(error @ (Error::Capacity(_) | Error::Protocol(_) | Error::Utf8(_)))) if !is_cut(&error) => {
                Came::Broken(error.to_string())
            }
            Some(Err(error)) => Came::Over(error.to_string()),
        }
    }
}

/// A connection that ends without a farewell breaks no rule: it is only broken.
fn is_cut(error: &Error) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))
}

pub(super) struct Writer {
    frames: mpsc::Sender<String>,
    pending: VecDeque<String>,
    work: JoinHandle<()>,
}

impl Writer {
    pub fn push(&mut self, frame: &Frame) {
        self.pending.push_back(frame.to_json());
    }

    /// Frames that still wait here.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Hands a frame on as soon as there is room; false, if the peer reads no more. Waits for ever if there is none.
    pub async fn flow(&mut self) -> bool {
        if self.pending.is_empty() {
            self.frames.closed().await;
            return false;
        }
        match self.frames.reserve().await {
            Ok(place) => {
                if let Some(frame) = self.pending.pop_front() {
                    place.send(frame);
                }
                true
            }
            Err(_) => false,
        }
    }

    /// Sends what waits, says why, and closes, by itself.
    pub fn finish(mut self, why: Option<Closing>) -> JoinHandle<()> {
        if let Some(why) = why {
            self.push(&Frame::Bye { why });
        }
        let parting = async move {
            while !self.pending.is_empty() && self.flow().await {}
            drop(self.frames);
            drop(self.work.await);
        };
        tokio::spawn(async move { drop(timeout(PARTING, parting).await) })
    }
}

/// Writes until there is nobody who sends, or nobody who reads.
async fn write(mut sink: SplitSink<Socket, Message>, mut frames: mpsc::Receiver<String>) {
    while let Some(frame) = frames.recv().await {
        if !matches!(timeout(UNREAD, sink.send(Message::text(frame))).await, Ok(Ok(()))) {
            return;
        }
    }
    drop(timeout(PARTING, sink.close()).await);
}
