//! One phone leg. In: datagrams, a tick every 20 ms, the sound that it is to hear. Out: what it says, its keys, datagrams.
//! It holds no socket: `workers` carries the datagrams.

mod reporting;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::clip::{Clip, Player};
use super::codec::{CodecError, Encoder, LONGEST_PAYLOAD, OpusStyle};
use super::digits::{DigitReader, Press};
use super::inband::Listener;
use super::jitter::{Counts, JitterBuffer, Pulled};
use super::latch::Latch;
use super::level::level_of;
use super::reports::{CanonicalName, Reports, Sending};
use super::rtp::{HEADER, Header, Packet, is_rtcp};
use super::session::Session;
use super::srtp::Keying;
use super::text::TextLeg;
use crate::words::{Codec, Digit, Level, Network, ParticipantId, Rate, RtpTime, Typed};

/// A frame at the highest rate.
pub type Frame = [i16; Rate::Full.frame()];

/// See the module.
pub struct PhoneLeg {
    session: Session,
    latch: Latch,
    /// Where it may come from and go to; anywhere, if nothing is said.
    networks: Option<Vec<Network>>,
    incoming: JitterBuffer,
    ssrc_heard: Option<u32>,
    heard_at: Instant,
    digits: DigitReader,
    /// Only where no telephone events were negotiated.
    listener: Option<Listener>,
    frame: Box<Frame>,
    level: Level,
    outgoing: Outgoing,
    player: Player,
    plays_in_silence: bool,
    reports: Reports,
    /// Where the peer's reports come from.
    reported_from: Option<SocketAddr>,
    /// What the jitter buffers of former codecs met.
    past: Counts,
    /// Frames that were a guess.
    concealed: u64,
    /// What is typed beside.
    text: Option<TextLeg>,
}

struct Outgoing {
    encoder: Encoder,
    sending: Sending,
    sequence: u16,
    timestamp: RtpTime,
    /// The next packet begins after a silence.
    marker: bool,
    /// Sound that waits for its packet to be full, where that is not 20 ms long.
    pending: Vec<i16>,
    /// A key that is being pressed.
    press: Option<Press>,
}

/// One datagram to be sent.
pub struct Datagram {
    bytes: [u8; HEADER + LONGEST_PAYLOAD],
    length: usize,
}

impl Datagram {
    fn new(header: Header, payload: &[u8]) -> Self {
        let mut datagram = Self { bytes: [0; HEADER + LONGEST_PAYLOAD], length: HEADER + payload.len() };
        for (place, byte) in datagram.bytes.iter_mut().zip(header.to_bytes().iter().chain(payload)) {
            *place = *byte;
        }
        datagram
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl PhoneLeg {
    /// A leg as negotiated. `chance` gives SSRC, first sequence number and timestamp (RFC 3550 section 5.1), and our name and
    /// clock in reports.
    ///
    /// # Errors
    /// The codec does not start.
    pub fn new(session: Session, chance: [u8; 32], now: Instant) -> Result<Self, CodecError> {
        let [i0, i1, i2, i3, s0, s1, t0, t1, t2, t3, rest @ ..] = chance;
        let [name @ .., r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = rest;
        let (incoming, encoder) = codecs_for(&session)?;
        let ssrc = u32::from_be_bytes([i0, i1, i2, i3]);
        let (sequence, timestamp) = (u16::from_be_bytes([s0, s1]), RtpTime(u32::from_be_bytes([t0, t1, t2, t3])));
        Ok(Self {
            // Another session of RTP: it may begin as the sound does.
            text: session.text.clone().map(|text| TextLeg::new(text, ssrc, sequence, timestamp)),
            latch: Latch::new(session.remote_rtp),
            networks: None,
            incoming,
            ssrc_heard: None,
            heard_at: now,
            digits: DigitReader::default(),
            listener: session.telephone_event.is_none().then(Listener::default),
            frame: Box::new([0; Rate::Full.frame()]),
            level: Level::SILENCE,
            outgoing: Outgoing {
                encoder,
                sending: Sending::new(ssrc),
                sequence,
                timestamp,
                marker: true,
                pending: Vec::with_capacity(4 * session.codec.rate().frame()),
                press: None,
            },
            player: Player::default(),
            plays_in_silence: false,
            reports: Reports::new(CanonicalName::new(name), [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9], now),
            reported_from: None,
            past: Counts::default(),
            concealed: 0,
            session,
        })
    }

    /// It is nobody's outside of these networks, wherever its packets say that they come from.
    pub fn take_from(&mut self, networks: Vec<Network>) {
        self.networks = Some(networks);
    }

    fn may_be_at(&self, address: SocketAddr) -> bool {
        let address = address.ip().to_canonical();
        self.networks.as_ref().is_none_or(|all| all.iter().any(|network| network.0.contains(&address)))
    }

    /// The same leg after a new offer and answer; sequence and SSRC go on.
    ///
    /// # Errors
    /// The new codec does not start; the leg is then as before.
    pub fn renegotiate(&mut self, session: Session) -> Result<(), CodecError> {
        if session.codec != self.session.codec {
            let past = self.counts();
            (self.incoming, self.outgoing.encoder) = codecs_for(&session)?;
            self.outgoing.pending.clear();
            self.past = past;
        }
        if session.remote_rtcp != self.session.remote_rtcp {
            self.reported_from = None;
        }
        if session.remote_rtp != self.session.remote_rtp {
            self.latch = Latch::new(session.remote_rtp);
        }
        self.listener = session.telephone_event.is_none().then(Listener::default);
        self.text = match (self.text.take(), session.text.clone()) {
            (Some(mut leg), Some(text)) => {
                leg.renegotiate(text);
                Some(leg)
            }
            (None, Some(text)) => {
                let out = &self.outgoing;
                Some(TextLeg::new(text, out.sending.ssrc(), out.sequence, out.timestamp))
            }
            (Some(_) | None, None) => None,
        };
        self.session = session;
        Ok(())
    }

    /// How packets of sound and those of text are protected.
    pub fn keying(&self) -> (Option<Keying>, Option<Keying>) {
        let text = self.session.text.as_ref().and_then(|text| text.keying.as_deref());
        (self.session.keying.as_deref().cloned(), text.cloned())
    }

    /// The codec's rate: that of [`Self::sound`] and of what it is given to hear.
    pub const fn rate(&self) -> Rate {
        self.session.codec.rate()
    }

    /// The codec.
    pub const fn codec(&self) -> Codec {
        self.session.codec
    }

    /// Whether one encoded 20 ms frame may serve several such legs.
    pub fn shares_frames(&self) -> bool {
        self.session.ptime == TICK
    }

    /// Where its packets go.
    pub fn target(&self) -> SocketAddr {
        self.latch.target()
    }

    /// How long nothing has been heard.
    pub fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.heard_at)
    }

    /// What was lost of the sound that came in.
    pub fn counts(&self) -> Counts {
        self.past + self.incoming.counts()
    }

    /// Takes one datagram from the RTP port. Gives the key, if it is the first packet of one.
    pub fn receive(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) -> Option<Digit> {
        if self.session.rtcp_mux && is_rtcp(datagram) {
            self.receive_report(datagram, from, now);
            return None;
        }
        let packet = Packet::read(datagram).filter(|_| self.may_be_at(from))?;
        let is_event = self.session.telephone_event == Some(packet.payload_type);
        let fits = is_event || packet.payload_type == self.session.payload_type;
        if !fits || !self.latch.admits(from, packet.ssrc, packet.sequence, now) {
            return None;
        }
        self.heard_at = now;
        let clock = self.session.codec.clock();
        self.reports.note(packet.ssrc, clock, packet.sequence, (!is_event).then_some(packet.timestamp), now);
        if self.ssrc_heard != Some(packet.ssrc) {
            self.ssrc_heard = Some(packet.ssrc);
            self.incoming.begin_anew();
        }
        if is_event {
            self.incoming.insert_event(packet.sequence, packet.timestamp, now);
            return self.digits.read(packet.timestamp, packet.marker, packet.payload, now);
        }
        if self.session.direction.receives() {
            self.incoming.insert(packet.sequence, packet.timestamp, packet.payload, now);
        }
        None
    }

    /// Takes one datagram from the text port.
    pub fn receive_text(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) {
        if self.may_be_at(from) && self.text.as_mut().is_some_and(|text| text.receive(datagram, from, now)) {
            self.heard_at = now;
        }
    }

    /// What was typed since, and how many letters of it were too many at once.
    pub fn typed(&mut self, now: Instant) -> Option<(Typed, usize)> {
        self.text.as_mut()?.typed(now)
    }

    /// Somebody else types, who is shown by this name.
    pub fn write(&mut self, who: ParticipantId, name: &str, text: &Typed, now: Instant) {
        if let Some(leg) = &mut self.text {
            leg.write(who, name, text, now);
        }
    }

    /// What somebody else has typed and was not sent yet is no longer meant.
    pub fn cut_short(&mut self, who: ParticipantId) {
        if let Some(leg) = &mut self.text {
            leg.cut_short(who);
        }
    }

    /// The datagram of text that is due, if one is, and where to.
    pub fn text_packet(&mut self, now: Instant) -> Option<(Vec<u8>, SocketAddr)> {
        self.text.as_mut()?.packet(now)
    }

    /// Makes the next frame of what the leg says. Gives the key, if one is heard in the sound; that is then silence.
    pub fn listen(&mut self, now: Instant) -> Option<Digit> {
        if !self.session.direction.receives() {
            // On hold: nothing is expected, so nothing is missing.
            self.heard_at = now;
        }
        let length = self.rate().frame();
        let frame = self.frame.get_mut(..length)?;
        match self.incoming.pull(now, frame) {
            Pulled::Sound => {}
            Pulled::Concealed => self.concealed += 1,
            Pulled::Nothing => {
                self.level = Level::SILENCE;
                return None;
            }
        }
        let mut digit = None;
        if let Some(listener) = &mut self.listener
            && length == Rate::Narrow.frame()
        {
            let heard = listener.hear(frame);
            digit = heard.digit;
            if heard.masks {
                frame.fill(0);
            }
        }
        self.level = level_of(frame);
        digit
    }

    /// The frame made by [`Self::listen`], at [`Self::rate`].
    pub fn sound(&self) -> &[i16] {
        self.frame.get(..self.rate().frame()).unwrap_or_default()
    }

    /// How loud it is.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Begins to play `clips` to this leg alone, in place of whatever it hears else.
    pub fn play(&mut self, clips: Vec<Clip>, repeat: bool) {
        self.plays_in_silence = false;
        self.player.play(clips, repeat);
    }

    /// Plays `clips` again and again to this leg alone, but only while nobody else is heard.
    pub fn play_in_silence(&mut self, clips: Vec<Clip>) {
        self.plays_in_silence = true;
        self.player.play(clips, true);
    }

    /// Whether what is being played gives way to whoever else is heard.
    pub const fn plays_in_silence(&self) -> bool {
        self.plays_in_silence
    }

    /// Stops what is being played.
    pub fn stop_playing(&mut self) {
        self.player.stop();
    }

    /// Whether something is being played; not any more once [`Self::played`] found nothing left.
    pub const fn is_playing(&self) -> bool {
        self.player.is_playing()
    }

    /// Writes the next frame of what is being played into `out` (at [`Self::rate`]); false if nothing is (any more).
    pub fn played(&mut self, out: &mut [i16]) -> bool {
        self.player.fill(self.session.codec.rate(), out)
    }

    /// Presses a key for so many ticks, in place of sound (RFC 4733). False if no telephone events were negotiated.
    pub const fn press(&mut self, digit: Digit, ticks: u64) -> bool {
        if self.session.telephone_event.is_none() {
            return false;
        }
        self.outgoing.press = Some(Press::new(digit, self.outgoing.timestamp, ticks));
        true
    }

    /// One tick of the key that is pressed: one packet, and three when it is released.
    fn say_press(&mut self, send: &mut impl FnMut(&Datagram, SocketAddr)) -> bool {
        let Some(kind) = self.session.telephone_event else { return false };
        let target = self.latch.target();
        let out = &mut self.outgoing;
        let Some(press) = &mut out.press else { return false };
        let first = press.is_new();
        let (payload, times) = press.tick();
        for _ in 0..times {
            let (sequence, timestamp, ssrc) = (out.sequence, press.began(), out.sending.ssrc());
            let header = Header { payload_type: kind, marker: first, sequence, timestamp, ssrc };
            out.sequence = out.sequence.wrapping_add(1);
            let payload = payload.to_bytes();
            out.sending.count(payload.len());
            send(&Datagram::new(header, &payload), target);
        }
        if payload.end {
            out.press = None;
        }
        self.pass_silence();
        true
    }

    /// Encodes 20 ms of sound (at [`Self::rate`]) and calls `send` with each datagram that is full.
    pub fn say(&mut self, sound: &[i16], mut send: impl FnMut(&Datagram, SocketAddr)) {
        if !self.session.direction.sends() {
            self.pass_silence();
            return;
        }
        if self.say_press(&mut send) {
            return;
        }
        let mut payload = [0; LONGEST_PAYLOAD];
        if self.shares_frames() {
            if let Ok(length) = self.outgoing.encoder.encode(sound, &mut payload) {
                self.say_encoded(payload.get(..length).unwrap_or_default(), send);
            }
            return;
        }
        let rate = self.rate();
        let whole = usize::try_from(rate.samples_in(self.session.ptime)).unwrap_or_default().max(rate.frame() / 2);
        self.outgoing.pending.extend_from_slice(sound);
        while let Some(packet) = self.outgoing.pending.get(..whole) {
            let length = self.outgoing.encoder.encode(packet, &mut payload).unwrap_or_default();
            self.outgoing.pending.drain(..whole);
            let datagram = self.packet(payload.get(..length).unwrap_or_default(), whole);
            send(&datagram, self.latch.target());
        }
    }

    /// Sends 20 ms that somebody encoded for this codec: only where [`Self::shares_frames`].
    pub fn say_encoded(&mut self, payload: &[u8], mut send: impl FnMut(&Datagram, SocketAddr)) {
        // Opus with DTX leaves out what is 2 bytes or less (RFC 6716 section 2.1.9).
        let left_out = self.session.codec == Codec::Opus && payload.len() <= 2;
        if left_out || !self.session.direction.sends() {
            self.pass_silence();
            return;
        }
        let datagram = self.packet(payload, self.rate().frame());
        send(&datagram, self.latch.target());
    }

    fn pass_silence(&mut self) {
        self.outgoing.timestamp = self.outgoing.timestamp.plus(self.session.codec.clock() / 50);
        self.outgoing.marker = true;
    }

    fn packet(&mut self, payload: &[u8], samples: usize) -> Datagram {
        let (clock, rate) = (u64::from(self.session.codec.clock()), u64::from(self.rate().hz()));
        let out = &mut self.outgoing;
        let header = Header {
            payload_type: self.session.payload_type,
            marker: std::mem::take(&mut out.marker),
            sequence: out.sequence,
            timestamp: out.timestamp,
            ssrc: out.sending.ssrc(),
        };
        let ticks = u32::try_from(samples as u64 * clock / rate).unwrap_or_default();
        out.sequence = out.sequence.wrapping_add(1);
        out.timestamp = out.timestamp.plus(ticks);
        out.sending.count(payload.len());
        Datagram::new(header, payload)
    }
}

/// What decodes and what encodes for a session.
fn codecs_for(session: &Session) -> Result<(JitterBuffer, Encoder), CodecError> {
    let rate = session.codec.rate();
    let style = OpusStyle { fec: session.fec, dtx: session.dtx, ..OpusStyle::default() };
    Ok((JitterBuffer::new(session.codec, rate)?, Encoder::new(session.codec, rate, style)?))
}

/// The rhythm of everything: one frame.
pub const TICK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tone::{self, Tone};
    use crate::words::Direction;

    fn session(codec: Codec, millis: u64) -> Session {
        Session {
            codec,
            payload_type: 96,
            ptime: Duration::from_millis(millis),
            telephone_event: Some(101),
            remote_rtp: ([192, 0, 2, 1], 4000).into(),
            remote_rtcp: ([192, 0, 2, 1], 4001).into(),
            direction: Direction::SendRecv,
            rtcp_mux: false,
            fec: true,
            dtx: false,
            keying: None,
            text: None,
        }
    }

    #[test]
    fn two_phones_hear_each_other_at_every_packet_length() {
        for (codec, millis) in [Codec::Pcma, Codec::Pcmu, Codec::G722]
            .into_iter()
            .flat_map(|codec| [10, 20, 30, 40, 60].map(|millis| (codec, millis)))
            .chain([(Codec::Opus, 20)])
        {
            let start = Instant::now();
            let mut one = PhoneLeg::new(session(codec, millis), [1; 32], start).expect("a leg");
            let mut other = PhoneLeg::new(session(codec, millis), [2; 32], start).expect("a leg");
            let mut tone = tone::Player::new(Tone::Steady(440), codec.rate());
            let mut sound = vec![0; codec.rate().frame()];
            let from = ([192, 0, 2, 1], 4000).into();
            for tick in 0..50 {
                let now = start + TICK * tick;
                tone.fill(&mut sound);
                one.say(&sound, |datagram, _| {
                    other.receive(datagram.as_bytes(), from, now);
                });
                other.listen(now + TICK / 2);
            }
            assert!(level_of(&sound).0.abs_diff(other.level().0) <= 2, "{codec} {millis} ms: {:?}", other.level());
            assert_eq!(other.counts(), Counts::default());
        }
    }

    #[test]
    fn a_phone_on_hold_is_neither_sent_to_nor_heard() {
        let start = Instant::now();
        let held = Session { direction: Direction::Inactive, ..session(Codec::Pcma, 20) };
        let mut leg = PhoneLeg::new(held, [1; 32], start).expect("a leg");
        leg.say(&[1000; 160], |_, _| panic!("sent"));
        let mut talker = PhoneLeg::new(session(Codec::Pcma, 20), [2; 32], start).expect("a leg");
        for _ in 0..5 {
            talker.say(&[8000; 160], |datagram, from| {
                leg.receive(datagram.as_bytes(), from, start);
            });
        }
        leg.listen(start + TICK);
        assert_eq!(leg.level(), Level::SILENCE);
    }
}
