//! A page whose connection broke comes back, to a gateway on loopback.

use tokio::sync::mpsc;

use super::*;
use crate::workers::Pool;
use crate::{config, gateway};

const MEETING: &str = "[sip]\nlisten = []\n[web]\nlisten = []\n[browsers]\nlisten = []\n[[meetings]]\nroom = \"rat\"\nid = \"123456\"\n[[meetings]]\nroom = \"bau\"\nid = \"654321\"\n";

async fn gateway() -> Gateway {
    let config = config::Config::from_toml(MEETING).expect("a configuration");
    let mut config: gateway::Config = config.try_into().expect("fit to be served");
    config.place = gateway::Place::Memory;
    Gateway::start(config).await.expect("started")
}

fn offer(fingerprint: u8) -> String {
    let fingerprint = Fingerprint([fingerprint; 32]);
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
         c=IN IP4 0.0.0.0\r\na=ice-ufrag:AbCd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
    )
}

/// One connection of a page.
struct Page {
    session: SessionId,
    answers: mpsc::Receiver<Answer>,
}

impl Page {
    fn says_first(gateway: &mut Gateway, session: u64, hello: Hello) -> Self {
        let (link, answers) = Link::to_test();
        let session = SessionId(session);
        gateway.on_page(web::Event::Arrived { session, hello: Box::new(hello), link });
        Self { session, answers }
    }

    fn joins(gateway: &mut Gateway, session: u64) -> (Self, String) {
        let room = "rat".parse().expect("a room");
        let from = Personal::new(std::net::Ipv4Addr::LOCALHOST.into());
        let hello = Hello::Join { room, name: Name::chosen("Erika"), offer: offer(1), pin: None, from };
        let mut page = Self::says_first(gateway, session, hello);
        let Some(Answer::Welcome { token, .. }) = page.hears() else { panic!("no welcome") };
        (page, token)
    }

    fn returns(gateway: &mut Gateway, session: u64, room: &str, token: &str, offer: Option<String>) -> Self {
        let room = room.parse().expect("a room");
        Self::says_first(gateway, session, Hello::Resume { room, token: token.to_owned(), offer })
    }

    fn breaks(self, gateway: &mut Gateway) {
        gateway.on_page(web::Event::Gone { session: self.session });
    }

    fn hears(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

#[tokio::test]
async fn a_page_that_comes_back_to_another_room_is_refused_and_keeps_its_place() {
    let mut gateway = gateway().await;
    let (page, token) = Page::joins(&mut gateway, 1);
    page.breaks(&mut gateway);
    let mut lost = Page::returns(&mut gateway, 2, "bau", &token, None);
    assert_eq!(lost.hears(), Some(Answer::refused(Code::Gone)));
    let mut deaf = Page::returns(&mut gateway, 3, "rat", &token, Some(String::from("v=0")));
    assert_eq!(deaf.hears(), Some(Answer::refused(Code::Sound)));
    let mut back = Page::returns(&mut gateway, 4, "rat", &token, None);
    assert!(matches!(back.hears(), Some(Answer::Welcome { waiting: false, .. })), "the place was kept through both");
    assert_eq!(gateway.visitors.by_leg.len(), 1);
    gateway.pool.stop();
}

#[tokio::test]
async fn a_page_for_which_no_new_leg_can_be_made_keeps_its_old_one() {
    let mut gateway = gateway().await;
    let (page, token) = Page::joins(&mut gateway, 1);
    page.breaks(&mut gateway);
    let old = *gateway.visitors.by_leg.keys().next().expect("a leg");
    std::mem::replace(&mut gateway.pool, Pool::gone()).stop();
    let mut refused = Page::returns(&mut gateway, 2, "rat", &token, Some(offer(2)));
    assert_eq!(refused.hears(), Some(Answer::refused(Code::Full)));
    assert_eq!(gateway.visitors.by_leg.keys().copied().collect::<Vec<_>>(), [old]);
    assert_eq!(gateway.visitors.by_token.get(&token), Some(&old));
}

#[tokio::test]
async fn a_page_that_comes_back_with_other_keys_gets_a_new_leg_and_the_old_one_is_taken_away() {
    let mut gateway = gateway().await;
    let (page, token) = Page::joins(&mut gateway, 1);
    let old = *gateway.visitors.by_leg.keys().next().expect("a leg");
    page.breaks(&mut gateway);
    let mut back = Page::returns(&mut gateway, 2, "rat", &token, Some(offer(2)));
    assert!(matches!(back.hears(), Some(Answer::Welcome { answer: Some(_), .. })));
    assert!(!gateway.visitors.is_here(old) && gateway.visitors.by_leg.len() == 1);
    gateway.pool.stop();
}
