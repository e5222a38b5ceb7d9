//! The browsers: str0m as the client, a socket for each. Each sends a packet every 20 ms, all at different moments of it,
//! and takes what has come.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use einwahl::ivr::read_sound;
use einwahl::media::codec::{Encoder, LONGEST_PAYLOAD, OpusStyle};
use einwahl::words::{Codec, Rate};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{Extension, ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::server::Server;

const TICK: Duration = Duration::from_millis(20);
pub const WARM_UP: Duration = Duration::from_secs(2);
pub const MEASURED: Duration = Duration::from_secs(8);
/// For all to connect.
const PATIENCE: Duration = Duration::from_secs(60);

/// What goes to every browser in [`MEASURED`]: what each speaker says, but not to itself.
pub const fn expected(connections: usize, speakers: usize) -> u64 {
    (MEASURED.as_millis() / TICK.as_millis()) as u64 * (speakers * (connections - 1)) as u64
}

/// Opus and the audio level, on both sides the same.
pub fn builder() -> RtcConfig {
    Rtc::builder()
        .clear_codecs()
        .enable_opus(true, false)
        .clear_extension_map()
        .set_extension(1, Extension::AudioLevel)
        .set_rtp_mode(true)
}

/// The media lines' names, in order.
pub fn mids_of(sdp: &str) -> Vec<String> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(|mid| mid.trim().to_owned()).collect()
}

pub struct Load {
    browsers: Vec<Browser>,
    speech: Vec<Vec<u8>>,
    silence: Vec<u8>,
    /// How many packets each has sent.
    sent: u32,
}

struct Browser {
    rtc: Rtc,
    socket: UdpSocket,
    here: SocketAddr,
    microphone: Mid,
    speaks: bool,
    connected: bool,
    heard: u64,
}

impl Load {
    pub fn connect(server: &mut Server, connections: usize, speakers: usize) -> Self {
        let browsers = (0..connections).map(|number| Browser::join(server, number < speakers, speakers)).collect();
        let (speech, silence) = sounds();
        let mut load = Self { browsers, speech, silence, sent: 0 };
        let late = Instant::now() + PATIENCE;
        while !load.browsers.iter().all(|browser| browser.connected) {
            load.browsers.iter_mut().for_each(|browser| browser.keeps_up(Instant::now()));
            std::thread::sleep(Duration::from_millis(5));
            assert!(Instant::now() < late, "not every browser connected");
        }
        load
    }

    /// Packets of others that all have heard.
    pub fn heard(&self) -> u64 {
        self.browsers.iter().map(|browser| browser.heard).sum()
    }

    pub fn talks(&mut self, time: Duration) {
        let start = Instant::now();
        let slots = 20;
        for moment in 0_u32.. {
            let due = start + TICK * moment / slots;
            if due >= start + time {
                return;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            for number in ((moment % slots) as usize..self.browsers.len()).step_by(slots as usize) {
                let browser = &mut self.browsers[number];
                let at = self.sent + moment / slots;
                let payload = if browser.speaks {
                    &self.speech[(at as usize + 40 * number) % self.speech.len()]
                } else {
                    &self.silence
                };
                browser.says(at, payload);
                browser.keeps_up(Instant::now());
            }
            if due + TICK / slots >= start + time {
                self.sent += moment / slots + 1;
            }
        }
    }
}

impl Browser {
    fn join(server: &mut Server, speaks: bool, speakers: usize) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket that does not wait");
        let here = socket.local_addr().expect("bound");
        let mut rtc = builder().build(Instant::now());
        rtc.add_local_candidate(Candidate::host(here, "udp").expect("a candidate"));
        let mut change = rtc.sdp_api();
        let microphone = change.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        for _ in 0..speakers {
            change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) = change.apply().expect("an offer");
        let answer = server.answer(&offer.to_sdp_string());
        let answer = SdpAnswer::from_sdp_string(&answer).expect("an answer that can be read");
        rtc.sdp_api().accept_answer(pending, answer).expect("an answer that fits");
        Self { rtc, socket, here, microphone, speaks, connected: false, heard: 0 }
    }

    fn says(&mut self, at: u32, payload: &[u8]) {
        let kind = self.rtc.media(self.microphone).and_then(|media| media.remote_pts().first().copied());
        let mut api = self.rtc.direct_api();
        let Some((kind, stream)) = kind.zip(api.stream_tx_by_mid(self.microphone, None)) else { return };
        let level = if self.speaks { -20 } else { -127 };
        let level = ExtensionValues { audio_level: Some(level), voice_activity: Some(self.speaks), ..Default::default() };
        let packet = RtpWrite::new(kind, u64::from(at).into(), at.wrapping_mul(960), Instant::now(), payload);
        stream.write_rtp(packet.ext_vals(level));
    }

    /// Takes what has come, and sends what is to be sent.
    fn keeps_up(&mut self, now: Instant) {
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.polls();
        let mut datagram = [0; 2_048];
        loop {
            match self.socket.recv_from(&mut datagram) {
                Ok((length, source)) => {
                    let received = Receive::new(Protocol::Udp, source, self.here, &datagram[..length]);
                    if let Ok(received) = received {
                        let _ = self.rtc.handle_input(Input::Receive(now, received));
                        self.polls();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {}
            }
        }
    }

    fn polls(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(out)) => drop(self.socket.send_to(&out.contents, out.destination)),
                Ok(Output::Event(Event::RtpPacket(_))) => self.heard += 1,
                Ok(Output::Event(Event::Connected)) => self.connected = true,
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(_)) => return,
                Err(error) => panic!("a browser's connection: {error}"),
            }
        }
    }
}

/// Speech, a prompt of ours, as Opus packets of 20 ms; and one of silence.
fn sounds() -> (Vec<Vec<u8>>, Vec<u8>) {
    let clip = read_sound(include_bytes!("../../../prompts/en/help.opus")).expect("a prompt");
    let mut encoder = Encoder::new(Codec::Opus, Rate::Wide, OpusStyle::default()).expect("an encoder");
    let mut encode = |sound: &[i16]| {
        let mut payload = [0; LONGEST_PAYLOAD];
        let length = encoder.encode(sound, &mut payload).expect("encodes");
        payload[..length].to_vec()
    };
    let speech = clip.samples().chunks_exact(Rate::Wide.frame()).map(&mut encode).collect();
    (speech, encode(&vec![0; Rate::Wide.frame()]))
}
