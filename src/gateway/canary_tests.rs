//! A whole story under a log layer that panics when a line holds a number, a name, an address or a PIN: a caller and a page come
//! in, both guess, both are moderated, the page breaks off and comes back, both leave.

use tokio::sync::{mpsc, oneshot};
use tracing_subscriber::layer::SubscriberExt as _;

use super::canaries::Canaries;
use super::*;
use crate::call::Refusal;
use crate::config;
use crate::room::{Action, Name};
use crate::web::{Answer, Hello, Link, Request};
use crate::words::{CallId, Digit, ParticipantId, SessionId};

const NUMBER: &str = "+493012377721";
const NAME: &str = "Kanaria Zwitscherling";
const ADDRESS: &str = "192.0.2.77";
const PIN: &str = "90817263";
const WRONG: &str = "55443322";
const ID: &str = "77001122";

/// What may be in no line: of the number any part that tells more than its masked form.
const SECRETS: [&str; 8] = [NUMBER, "12377721", "Kanaria", "Zwitscherling", ADDRESS, PIN, WRONG, ID];

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

struct Story {
    gateway: Gateway,
    call: CallId,
}

impl Story {
    async fn begins() -> Self {
        let text = format!(
            "[sip]\nlisten = []\n[web]\nlisten = []\n[browsers]\nlisten = []\n[[meetings]]\nroom = \"rat\"\nid = \"{ID}\"\npin = \"{PIN}\"\n"
        );
        let config = config::Config::from_toml(&text).expect("a configuration");
        let mut config: Config = config.try_into().expect("fit to be served");
        config.place = Place::Memory;
        let gateway = Gateway::start(config).await.expect("started");
        Self { gateway, call: CallId(1) }
    }

    fn somebody_calls(&mut self, offer: &str) -> Result<String, Refusal> {
        let (verdict, mut answer) = oneshot::channel();
        let number = NUMBER.parse().ok().map(Personal::new);
        let facts = Box::new(sip::Facts::of_test("einwahl", number));
        self.gateway.on_signalling(sip::Event::Invited {
            call: self.call,
            facts,
            offer: Some(offer.to_owned()),
            verdict,
        });
        answer.try_recv().expect("an answer").map(|reply| match reply {
            sip::Reply::Answer(sdp) => sdp,
            sip::Reply::Ring(_) => panic!("the menu answers at once"),
        })
    }

    fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            let digit = Digit::from_char(key).expect("a key");
            self.gateway.on_signalling(sip::Event::Digit { call: self.call, digit });
        }
    }

    /// The caller's menu hears of every time that it waits for, as if it had come.
    fn time_passes(&mut self) {
        let leg = leg_of(self.call);
        let next = self.gateway.callers.get(&leg).and_then(|caller| caller.menu.as_ref()?.next_timeout());
        let menu = self.gateway.callers.get_mut(&leg).and_then(|caller| caller.menu.take());
        if let (Some((at, timer)), Some(menu)) = (next, menu) {
            let (menu, effects) = menu.on(ivr::Input::Timeout(timer), at);
            self.gateway.callers.get_mut(&leg).expect("a caller").menu = (!menu.is_over()).then_some(menu);
            self.gateway.perform_menu(leg, effects);
        }
    }

    fn page(&mut self, session: u64, hello: Hello) -> mpsc::Receiver<Answer> {
        let (link, answers) = Link::to_test();
        let session = SessionId(session);
        self.gateway.on_page(web::Event::Arrived { session, hello: Box::new(hello), link });
        answers
    }

    fn joins(&mut self, session: u64, pin: &str) -> mpsc::Receiver<Answer> {
        let (room, name) = ("rat".parse().expect("a room"), Name::chosen(NAME));
        let from = Personal::new(ADDRESS.parse().expect("an address"));
        self.page(session, Hello::Join { room, name, offer: page_offer(), pin: pin.parse().ok(), from })
    }
}

fn page_offer() -> String {
    let fingerprint = crate::connection::Fingerprint([1; 32]);
    format!(
        "v=0\r\no=- 1 2 IN IP4 {ADDRESS}\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
         c=IN IP4 0.0.0.0\r\na=ice-ufrag:AbCd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
    )
}

#[tokio::test]
async fn no_number_no_name_no_address_and_no_pin_is_in_any_line_of_the_log() {
    let canaries = Canaries::new(&SECRETS);
    let _watched = tracing::subscriber::set_default(tracing_subscriber::registry().with(canaries.clone()));
    let mut story = Story::begins().await;
    assert!(story.somebody_calls("v=0\r\nm=audio 4000 RTP/AVP 18\r\nc=IN IP4 192.0.2.77\r\n").is_err());
    story.call = CallId(2);
    story.somebody_calls(OFFER).expect("taken");
    story.gateway.on_signalling(sip::Event::Acknowledged { call: story.call, answer: None });
    for keyed in [ID, WRONG, ID, WRONG, ID, PIN] {
        story.keys(&format!("{keyed}#"));
        story.time_passes();
    }
    assert!(story.gateway.callers.values().any(|caller| caller.room.is_some()), "the caller is in the meeting");
    story.keys("*6*9*0");
    for session in 1..=8 {
        drop(story.joins(session, WRONG)); // somebody guesses by browser
    }
    story.gateway.page_guard = Guard::new(GuardConfig::default());
    let mut page = story.joins(9, PIN);
    let Ok(Answer::Welcome { token, you, .. }) = page.try_recv() else { panic!("no welcome") };
    let request = Request::Act { action: Action::Mute { participant: ParticipantId(1), on: true } };
    story.gateway.on_page(web::Event::Said { session: SessionId(9), request });
    story.gateway.on_page(web::Event::Gone { session: SessionId(9) });
    let back = Hello::Resume { room: "rat".parse().expect("a room"), token: token.clone(), offer: Some(page_offer()) };
    let mut page = story.page(10, back);
    assert!(matches!(page.try_recv(), Ok(Answer::Welcome { you: again, .. }) if again == you));
    story.gateway.on_page(web::Event::Said { session: SessionId(10), request: Request::Leave });
    story.gateway.on_signalling(sip::Event::Ended { call: story.call });
    for told in ["+49 30 ···21", "a page joins", "a page is back", "the call is over"] {
        assert!(canaries.saw(told), "no line says {told:?}");
    }
    story.gateway.pool.stop();
}

#[test]
#[should_panic(expected = "is in a line")]
fn the_layer_sees_a_canary_that_flies_by() {
    let layer = Canaries::new(&SECRETS);
    let _watched = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    tracing::info!(target: "einwahl::test", caller = ?NUMBER, "a call");
}
