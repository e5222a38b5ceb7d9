//! The gateway's own media thread, as `einwahl serve` runs it, with one room.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use einwahl::connection::{Candidate, Credentials, Identity, Offer, Transport, answer};
use einwahl::media::{BrowserLeg, CanonicalName};
use einwahl::words::{LegId, RoomId};
use einwahl::workers::{Command, Config, Pool};

use crate::server::answer_all;

pub fn serve() {
    let here = free_port();
    let (events, mut news) = tokio::sync::mpsc::channel(65_536);
    let config = Config {
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        ports: 30_000..30_002,
        silence: Duration::from_secs(600),
        browsers: vec![here],
    };
    let pool = Pool::start(&config, events).expect("a media thread");
    let identity = Identity::generate().expect("a certificate");
    let room: RoomId = "rat".parse().expect("a room");
    let mut last = 0_u64;
    answer_all("media", |offer| {
        while news.try_recv().is_ok() {}
        last += 1;
        let leg = LegId(last);
        let mut chance = [0x5a; 26];
        chance[..8].copy_from_slice(&last.to_be_bytes());
        // Our name of a check is made of the first six bytes: they must differ.
        chance[..6].copy_from_slice(&last.to_be_bytes()[2..]);
        let offer = Offer::read(&offer).expect("an offer that can be used");
        let credentials = Credentials::new(&chance, &offer.ufrag);
        let ssrc = 1_000 * last as u32;
        let name = CanonicalName::new([7; 12]);
        let (session, text) = answer(&offer, identity.fingerprint(), &credentials, &[Candidate::Udp(here)], ssrc, &name);
        let ufrag = credentials.ufrag.clone();
        let transport = Transport::new(&identity, credentials, offer.fingerprint, Instant::now());
        let browser = BrowserLeg::new(session, [7; 32], Instant::now()).expect("a leg");
        let (transport, browser) = (Box::new(transport), Box::new(browser));
        pool.send(Command::AddBrowser { leg, ufrag, transport, browser }).expect("room in the queue");
        pool.send(Command::Enter { leg, room: room.clone() }).expect("room in the queue");
        text
    });
}

fn free_port() -> std::net::SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.local_addr().expect("bound")
}
