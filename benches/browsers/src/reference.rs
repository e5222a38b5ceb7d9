//! str0m as the server of the same room: one loop, one socket, RTP mode, ICE-lite, and nothing negotiated beyond what the
//! gateway negotiates. It wakes every 20 ms as the gateway does, finds a connection by its address, and hands each packet of
//! those who speak to everybody else.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use str0m::change::SdpOffer;
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::load::{builder, mids_of};
use crate::server::answer_all;

const TICK: Duration = Duration::from_millis(20);
const LOUD_ENOUGH: i8 = -55;

pub fn serve() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_nonblocking(true).expect("a socket that does not wait");
    let here = socket.local_addr().expect("bound");
    let (to, connections) = sync_channel(1_000);
    let room = Room { socket, here, connections, members: Vec::new(), by_address: HashMap::new(), speakers: Vec::new() };
    std::thread::Builder::new().name(String::from("reference")).spawn(move || room.run()).expect("a thread");
    answer_all("reference", |offer| {
        let mut rtc = builder().set_ice_lite(true).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(here, "udp").expect("a candidate"));
        let mids = mids_of(&offer);
        let offer = SdpOffer::from_sdp_string(&offer).expect("an offer that can be used");
        let answer = rtc.sdp_api().accept_offer(offer).expect("an answer");
        to.send(Member { rtc, mids, due: Instant::now() }).expect("the loop lives");
        answer.to_sdp_string()
    });
}

struct Member {
    rtc: Rtc,
    /// The microphone's, then one for each speaker that it hears.
    mids: Vec<String>,
    due: Instant,
}

struct Room {
    socket: UdpSocket,
    here: SocketAddr,
    connections: Receiver<Member>,
    members: Vec<Member>,
    by_address: HashMap<SocketAddr, usize>,
    speakers: Vec<usize>,
}

impl Room {
    fn run(mut self) {
        let mut tick = Instant::now();
        let mut said = Vec::new();
        loop {
            self.members.extend(self.connections.try_iter());
            self.receive(&mut said);
            for (from, packet) in said.drain(..) {
                self.forward(from, &packet);
            }
            let now = Instant::now();
            for number in 0..self.members.len() {
                if self.members[number].due <= now {
                    let _ = self.members[number].rtc.handle_input(Input::Timeout(now));
                }
                self.poll(number, &mut said);
            }
            tick += TICK;
            std::thread::sleep(tick.saturating_duration_since(Instant::now()));
        }
    }

    fn receive(&mut self, said: &mut Vec<(usize, RtpPacket)>) {
        let mut datagram = [0; 2_048];
        let now = Instant::now();
        while let Ok((length, source)) = self.socket.recv_from(&mut datagram) {
            let Ok(received) = Receive::new(Protocol::Udp, source, self.here, &datagram[..length]) else { continue };
            let input = Input::Receive(now, received);
            let number = match self.by_address.get(&source) {
                Some(number) => *number,
                None => {
                    let Some(number) = self.members.iter().position(|member| member.rtc.accepts(&input)) else { continue };
                    self.by_address.insert(source, number);
                    number
                }
            };
            if self.members[number].rtc.handle_input(input).is_ok() {
                self.poll(number, said);
            }
        }
    }

    /// Sends what this connection wants sent, and takes what it heard.
    fn poll(&mut self, number: usize, said: &mut Vec<(usize, RtpPacket)>) {
        let member = &mut self.members[number];
        loop {
            match member.rtc.poll_output() {
                Ok(Output::Transmit(out)) => drop(self.socket.send_to(&out.contents, out.destination)),
                Ok(Output::Event(Event::RtpPacket(packet))) => {
                    if packet.header.ext_vals.audio_level.is_some_and(|level| level > LOUD_ENOUGH) {
                        said.push((number, packet));
                    }
                }
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(due)) => {
                    member.due = due;
                    return;
                }
                Err(_) => return,
            }
        }
    }

    fn forward(&mut self, from: usize, packet: &RtpPacket) {
        let slot = self.speakers.iter().position(|speaker| *speaker == from).unwrap_or_else(|| {
            self.speakers.push(from);
            self.speakers.len() - 1
        });
        for (number, member) in self.members.iter_mut().enumerate().filter(|(number, _)| *number != from) {
            let _ = number;
            let Some(mid) = member.mids.get(slot + 1) else { continue };
            let mut api = member.rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(mid.as_str().into(), None) else { continue };
            let time = packet.header.timestamp;
            let payload = packet.payload.clone();
            stream.write_rtp(RtpWrite::new(packet.header.payload_type, packet.seq_no, time, packet.timestamp, payload));
        }
    }
}
