//! One page's WebSocket (RFC 6455). In: text frames. Out: text frames. A page that says nothing for long, says too much or
//! does not read what it is told is closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Event, Shared};
use crate::page::{Answer, Code, Hello, Request};
use crate::words::{SessionId, without_content};

/// The longest frame, in bytes: an offer is a tenth of it.
const LONGEST_FRAME: usize = 128 * 1_024;

/// The first frame comes at once.
const FIRST: Duration = Duration::from_secs(10);

/// So often a page is asked whether it is there; after three without an answer it is gone.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Answers that may wait for a page. One that falls so far behind is closed, and catches up when it returns.
const QUEUE: usize = 256;

/// The way to one page. The connection ends when it is dropped.
#[derive(Clone, Debug)]
pub struct Link(mpsc::Sender<Answer>);

impl Link {
    /// A way to a page that a test plays.
    #[cfg(test)]
    pub(crate) fn to_test() -> (Self, mpsc::Receiver<Answer>) {
        let (link, answers) = mpsc::channel(QUEUE);
        (Self(link), answers)
    }

    /// Tells the page something; false if it does not keep up or is gone.
    #[must_use]
    pub fn tell(&self, answer: Answer) -> bool {
        self.0.try_send(answer).is_ok()
    }
}

pub(super) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Path(room): Path<String>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !is_our_page(&headers) {
        return (StatusCode::FORBIDDEN, "Only pages of this server may connect.\n").into_response();
    }
    if shared.draining.load(Ordering::Relaxed) || shared.pages.load(Ordering::Relaxed) >= shared.most_pages {
        let wait = [(header::RETRY_AFTER, "10")];
        return (StatusCode::SERVICE_UNAVAILABLE, wait, "No further page can be served now.\n").into_response();
    }
    let upgrade = upgrade.max_message_size(LONGEST_FRAME).max_frame_size(LONGEST_FRAME);
    upgrade.on_upgrade(move |socket| async move {
        shared.pages.fetch_add(1, Ordering::Relaxed);
        serve(&shared, socket, &room, from).await;
        shared.pages.fetch_sub(1, Ordering::Relaxed);
    })
}

/// A page of another site must not act for its reader (RFC 6455 section 10.2). What is no browser sends no Origin.
fn is_our_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin.is_some() && origin == host
}

async fn serve(shared: &Shared, mut socket: WebSocket, room: &str, from: SocketAddr) {
    let hello = match timeout(FIRST, first(&mut socket)).await {
        Ok(Some(text)) => Hello::read(&text, room, from.ip()),
        Ok(None) | Err(_) => return,
    };
    let hello = match hello {
        Ok(hello) => Box::new(hello),
        Err(code) => {
            let _ = say(&mut socket, &Answer::refused(code)).await;
            return;
        }
    };
    let session = SessionId(shared.last_session.fetch_add(1, Ordering::Relaxed) + 1);
    let (link, answers) = mpsc::channel(QUEUE);
    if shared.events.send(Event::Arrived { session, hello, link: Link(link) }).await.is_err() {
        return;
    }
    converse(shared, socket, session, answers).await;
    // The gateway is gone: nobody has to be told.
    let _ = shared.events.send(Event::Gone { session }).await;
}

async fn first(socket: &mut WebSocket) -> Option<String> {
    while let Some(Ok(message)) = socket.recv().await {
        match message {
            Message::Text(text) => return Some(text.to_string()),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Close(_) => return None,
        }
    }
    None
}

async fn converse(shared: &Shared, mut socket: WebSocket, session: SessionId, mut answers: mpsc::Receiver<Answer>) {
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    let mut missed = 0;
    loop {
        tokio::select! {
            answer = answers.recv() => {
                let Some(answer) = answer else { break };
                let is_last = answer.is_last();
                if !say(&mut socket, &answer).await || is_last {
                    break;
                }
            }
            message = socket.recv() => {
                missed = 0;
                match message {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str::<Request>(&text) {
                        Ok(request) => {
                            if shared.events.send(Event::Said { session, request }).await.is_err() {
                                break;
                            }
                        }
                        Err(error) => {
                            let error = without_content(&error);
                            tracing::debug!(%session, error, "a page said what we do not understand");
                            let _ = say(&mut socket, &Answer::refused(Code::Protocol)).await;
                            break;
                        }
                    },
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => break,
                }
            }
            _ = heartbeat.tick() => {
                missed += 1;
                if missed > 3 || socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    break;
                }
            }
        }
    }
    let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(None))).await;
}

/// A page that takes longer than a heartbeat for one frame does not keep up.
async fn say(socket: &mut WebSocket, answer: &Answer) -> bool {
    let Ok(text) = serde_json::to_string(answer) else { return false };
    matches!(timeout(HEARTBEAT, socket.send(Message::Text(text.into()))).await, Ok(Ok(())))
}
