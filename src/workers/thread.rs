//! The loop of the media thread: commands until the next tick is due, then one tick.

mod afar;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use tokio::sync::mpsc;

use super::crowd::{Crowd, Heard};
use super::line::Line;
use super::ports::PortPair;
use super::reports::Reports;
use super::{Command, Event, Figures, clock, count};
use crate::media::leg::Datagram;
use crate::media::leg::TICK;
use crate::media::peer_streams::Said;
use crate::media::shard::{BrowserSeat, Outlet, Seat, Shard};
use crate::media::srtp::Cover;
use crate::media::tone::{Player, Tone};
use crate::media::{Clip, PhoneLeg, Session};
use crate::words::{Digit, LegId, PeerId, Rate, RoomId};

pub(super) struct Worker {
    queue: Receiver<Command>,
    events: mpsc::Sender<Event>,
    figures: Figures,
    silence: Silence,
    lines: HashMap<LegId, Line>,
    private: BTreeMap<LegId, PhoneLeg>,
    crowd: Crowd,
    distant: HashMap<LegId, afar::Distant>,
    /// By which SSRC other gateways are sent a leg.
    streams: HashMap<LegId, u32>,
    shards: BTreeMap<RoomId, Shard>,
    reports: Reports,
}

/// How long a line may be silent, and what it hears before its call ends.
struct Silence {
    most: Duration,
    warning: Clip,
}

/// So many datagrams are taken from one port in one tick: more than a flood of 10,000 a second brings, so that the peer's own
/// are among them, and few enough that a flood on one line costs the others little (a stranger's costs about a microsecond).
const MOST_PER_TICK: usize = 256;

/// Larger than any RTP packet that we take.
const DATAGRAM: usize = 2_048;

impl Worker {
    pub(super) fn new(
        queue: Receiver<Command>,
        events: mpsc::Sender<Event>,
        figures: Figures,
        silence: Duration,
        crowd: Crowd,
    ) -> Self {
        Self {
            queue,
            events,
            figures,
            silence: Silence { most: silence, warning: warning() },
            lines: HashMap::new(),
            private: BTreeMap::new(),
            crowd,
            distant: HashMap::new(),
            streams: HashMap::new(),
            shards: BTreeMap::new(),
            reports: Reports::default(),
        }
    }

    pub(super) fn run(mut self) {
        let mut due = clock::now() + TICK;
        loop {
            match self.queue.recv_deadline(due) {
                Ok(command) => self.perform(command),
                Err(RecvTimeoutError::Timeout) => {
                    let now = clock::now();
                    self.tick(now);
                    count(&self.figures.ticks);
                    due += TICK;
                    if due + TICK < now {
                        count(&self.figures.missed_ticks);
                        due = now + TICK;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::AddPhone { leg, ports, phone } => {
                self.lines.insert(leg, Line::new(ports, self.figures.clone(), &phone));
                self.private.insert(leg, *phone);
            }
            Command::AddBrowser { leg, ufrag, transport, browser } => {
                self.crowd.add_page(leg, ufrag, *transport, *browser);
            }
            Command::Restart { leg, credentials } => self.crowd.restart_page(leg, credentials),
            Command::GiveText { leg, ports } => {
                if let Some(line) = self.lines.get_mut(&leg) {
                    line.text = Some(ports);
                }
            }
            Command::Write { leg, who, name, text } => {
                if let Some(phone) = self.phone(leg) {
                    phone.write(who, name.for_roster(), &text, clock::now());
                }
            }
            Command::CutShort { leg, who } => {
                if let Some(phone) = self.phone(leg) {
                    phone.cut_short(who);
                }
            }
            Command::Renegotiate { leg, session } => self.renegotiate(leg, session),
            Command::Enter { leg, room } => self.enter(leg, room),
            Command::Exit { leg } => self.exit(leg),
            Command::Mute { leg, on } => self.mute(leg, on),
            Command::Play { leg, clips, repeat, id } => {
                if let Some(phone) = self.phone(leg) {
                    phone.play(clips, repeat);
                }
                if let Some(line) = self.lines.get_mut(&leg) {
                    line.playing = Some(id);
                }
            }
            Command::PlayInSilence { leg, clips } => {
                if let Some(phone) = self.phone(leg) {
                    phone.play_in_silence(clips);
                }
            }
            Command::StopPlaying { leg } => self.stop_playing(leg),
            Command::Press { leg, digit } => {
                if let Some(phone) = self.phone(leg) {
                    phone.press(digit, STROKE);
                }
            }
            Command::PlayInRoom { room, clips } => {
                if let Some(shard) = self.shards.get_mut(&room) {
                    shard.chime(clips);
                }
            }
            Command::Remove { leg } => self.remove(leg),
            Command::AddPeer { peer, ufrag, transport, speakers } => self.add_peer(peer, ufrag, *transport, speakers),
            Command::RemovePeer { peer } => self.remove_peer(peer),
            Command::Relate { peer, room, relay } => self.shards.entry(room).or_default().relate(peer, relay),
            Command::Unrelate { peer, room } => self.unrelate(peer, &room),
            Command::AddDistant { leg, peer, ssrc, room } => self.add_distant(leg, peer, ssrc, room),
            Command::Stream { leg, ssrc } => self.name_stream(leg, ssrc),
            Command::Choose { room, chosen } => self.choose(room, chosen),
        }
        self.figures.legs.store((self.lines.len() + self.crowd.pages.len()) as u64, Ordering::Relaxed);
    }

    fn phone(&mut self, leg: LegId) -> Option<&mut PhoneLeg> {
        let room = self.lines.get(&leg)?.room.as_ref();
        match room {
            Some(room) => self.shards.get_mut(room)?.seat(leg).map(|seat| &mut seat.leg),
            None => self.private.get_mut(&leg),
        }
    }

    fn renegotiate(&mut self, leg: LegId, session: Session) {
        let Some(phone) = self.phone(leg) else { return };
        if let Err(error) = phone.renegotiate(session) {
            tracing::error!(%leg, %error, "a codec did not start; the call goes on as before");
        }
        let (sound, text) = phone.keying();
        if let Some(line) = self.lines.get_mut(&leg) {
            line.agree(sound, text);
        }
    }

    fn enter(&mut self, leg: LegId, room: RoomId) {
        self.exit(leg);
        if let Some(page) = self.crowd.pages.get_mut(leg) {
            let Some(browser) = page.private.take() else { return };
            page.room = Some(room.clone());
            let seat = BrowserSeat::new(browser, page.muted);
            let shard = self.shards.entry(room).or_default();
            shard.enter_browser(leg, seat);
            self.streams.get(&leg).iter().for_each(|ssrc| shard.name_stream(leg, **ssrc));
            return;
        }
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let Some(phone) = self.private.remove(&leg) else { return };
        line.room = Some(room.clone());
        let shard = self.shards.entry(room).or_default();
        shard.enter(leg, Seat::new(phone, line.muted));
        self.streams.get(&leg).iter().for_each(|ssrc| shard.name_stream(leg, **ssrc));
    }

    fn exit(&mut self, leg: LegId) {
        let mut page = self.crowd.pages.get_mut(leg);
        let line = self.lines.get_mut(&leg);
        let of_page = page.as_mut().and_then(|page| page.room.take());
        let Some(room) = of_page.or_else(|| line.and_then(|line| line.room.take())) else { return };
        let Some(shard) = self.shards.get_mut(&room) else { return };
        if let Some(seat) = shard.exit(leg) {
            self.private.insert(leg, seat.leg);
        }
        if let Some(page) = page {
            page.private = shard.exit_browser(leg).map(|seat| seat.leg);
        }
        self.close(&room);
    }

    /// Forgets a room of which nobody needs anything.
    fn close(&mut self, room: &RoomId) {
        if self.shards.get(room).is_some_and(Shard::is_empty) {
            self.shards.remove(room);
        }
    }

    fn remove(&mut self, leg: LegId) {
        let now = clock::now();
        self.exit(leg);
        self.streams.remove(&leg);
        self.remove_distant(leg);
        if let (Some(mut line), Some(mut phone)) = (self.lines.remove(&leg), self.private.remove(&leg)) {
            let over = self.reports.end_phone(leg, &mut line, &mut phone, now);
            self.tell(over);
        }
        if let Some(mut browser) = self.crowd.pages.get_mut(leg).and_then(|page| page.private.take()) {
            let over = self.reports.end_page(leg, &mut self.crowd, &mut browser, now);
            self.tell(over);
        }
        self.crowd.remove_page(leg);
    }

    fn mute(&mut self, leg: LegId, on: bool) {
        self.mute_distant(leg, on);
        if let Some(page) = self.crowd.pages.get_mut(leg) {
            page.muted = on;
            let shard = page.room.as_ref().and_then(|room| self.shards.get_mut(room));
            if let Some(seat) = shard.and_then(|shard| shard.browser(leg)) {
                seat.muted = on;
            }
            return;
        }
        let Some(line) = self.lines.get_mut(&leg) else { return };
        line.muted = on;
        if let Some(seat) =
            line.room.as_ref().and_then(|room| self.shards.get_mut(room)).and_then(|shard| shard.seat(leg))
        {
            seat.muted = on;
        }
    }

    fn stop_playing(&mut self, leg: LegId) {
        if let Some(phone) = self.phone(leg) {
            phone.stop_playing();
        }
        if let Some(line) = self.lines.get_mut(&leg) {
            line.playing = None;
        }
    }

    fn tick(&mut self, now: Instant) {
        let (mut news, mut datagram) = (Vec::new(), [0; DATAGRAM]);
        for (leg, phone) in &mut self.private {
            if let Some(line) = self.lines.get_mut(leg) {
                listen(*leg, line, phone, &mut datagram, now, &mut news);
                speak_privately(line, phone);
                watch(*leg, line, phone, now, &self.silence, &mut news);
            }
        }
        let shards = &mut self.shards;
        self.crowd.receive(now, &mut news, |heard, packet, at| hear(shards, heard, packet, at));
        for (room, shard) in &mut self.shards {
            for (leg, seat) in shard.seats() {
                if let Some(line) = self.lines.get_mut(&leg) {
                    listen(leg, line, &mut seat.leg, &mut datagram, now, &mut news);
                    watch(leg, line, &mut seat.leg, now, &self.silence, &mut news);
                }
            }
            if shard.tick(now, &mut Wires { lines: &mut self.lines, crowd: &mut self.crowd, now }) {
                news.push(Event::Speaking { room: room.clone(), legs: shard.speaking() });
            }
        }
        self.report(now, &mut news);
        self.crowd.flush();
        news.into_iter().for_each(|event| self.tell(event));
    }

    /// Takes and sends RTCP. Those browsers that are in no room have had theirs.
    fn report(&mut self, now: Instant, news: &mut Vec<Event>) {
        let Self { reports, lines, private, crowd, shards, .. } = self;
        reports.begin_tick();
        for (leg, phone) in private {
            if let Some(line) = lines.get_mut(leg) {
                reports.of_phone(*leg, line, phone, now, news);
            }
        }
        for shard in shards.values_mut() {
            for (leg, seat) in shard.seats() {
                if let Some(line) = lines.get_mut(&leg) {
                    reports.of_phone(leg, line, &mut seat.leg, now, news);
                }
            }
            for (leg, seat) in shard.browsers() {
                reports.of_page(leg, crowd, &mut seat.leg, now, news);
            }
        }
        crowd.report_to_peers(now, news, |peer| afar::troubles(shards, peer));
    }

    fn tell(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            count(&self.figures.dropped_events);
        }
    }
}

/// Carries what the shards send.
struct Wires<'a> {
    lines: &'a mut HashMap<LegId, Line>,
    crowd: &'a mut Crowd,
    now: Instant,
}

impl Outlet for Wires<'_> {
    fn to_phone(&mut self, leg: LegId, datagram: &Datagram, target: SocketAddr) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.send(datagram.as_bytes(), target);
        }
    }

    fn to_browser(&mut self, leg: LegId, rtp: &[u8]) {
        self.crowd.send_to_page(leg, rtp);
    }

    fn to_peer(&mut self, peer: PeerId, ssrc: u32, said: Said<'_>) {
        self.crowd.send_to_peer(peer, ssrc, said, self.now);
    }
}

/// Takes a packet that came over the one port to the leg that it is of.
fn hear(shards: &mut BTreeMap<RoomId, Shard>, heard: Heard<'_>, packet: &[u8], at: Instant) {
    match heard {
        Heard::Page(leg, page) => match &mut page.private {
            Some(private) => private.receive(packet, at),
            None => {
                let shard = page.room.as_ref().and_then(|room| shards.get_mut(room));
                if let Some(seat) = shard.and_then(|shard| shard.browser(leg)) {
                    seat.leg.receive(packet, at);
                }
            }
        },
        Heard::Distant(leg, room) => {
            if let Some(seat) = shards.get_mut(room).and_then(|shard| shard.distant(leg)) {
                seat.receive(packet, at);
            }
        }
    }
}

/// Takes what came for one leg, and makes its next frame.
fn listen(
    leg: LegId,
    line: &mut Line,
    phone: &mut PhoneLeg,
    datagram: &mut [u8; DATAGRAM],
    now: Instant,
    news: &mut Vec<Event>,
) {
    let mut key = |digit: Option<Digit>| news.extend(digit.map(|digit| Event::Digit { leg, digit }));
    let Line { ports, cover, text, text_cover, figures, .. } = line;
    drain(ports, cover, figures, datagram, |datagram, from| key(phone.receive(datagram, from, now)));
    key(phone.listen(now));
    let Some(ports) = text else { return };
    drain(ports, text_cover, figures, datagram, |datagram, from| phone.receive_text(datagram, from, now));
    news.extend(phone.typed(now).map(|(text, beyond)| Event::Typed { leg, text, beyond }));
    if let Some((packet, target)) = phone.text_packet(now) {
        count(&figures.sent);
        let packet = text_cover.seal(&packet);
        packet.into_iter().for_each(|packet| drop(ports.rtp.send_to(&packet, target)));
    }
}

/// Takes what came at the RTP port of a pair.
fn drain(
    ports: &PortPair,
    cover: &mut Cover,
    figures: &Figures,
    datagram: &mut [u8; DATAGRAM],
    mut take: impl FnMut(&[u8], SocketAddr),
) {
    for _ in 0..MOST_PER_TICK {
        match ports.rtp.recv_from(datagram) {
            Ok((length, from)) => {
                count(&figures.received);
                let packet = cover.open(datagram.get(..length).unwrap_or_default());
                packet.into_iter().for_each(|packet| take(&packet, from));
            }
            // Nothing more, or an ICMP answer to what we sent: neither ends a call.
            Err(_) => break,
        }
    }
}

/// To a leg that is in no room: what is played to it, or silence.
fn speak_privately(line: &mut Line, phone: &mut PhoneLeg) {
    let mut sound = [0; Rate::Full.frame()];
    let sound = sound.get_mut(..phone.rate().frame()).unwrap_or_default();
    phone.played(sound);
    phone.say(sound, |datagram, target| line.send(datagram.as_bytes(), target));
}

/// Notices the end of what was played, and a line gone silent.
fn watch(leg: LegId, line: &mut Line, phone: &mut PhoneLeg, now: Instant, silence: &Silence, news: &mut Vec<Event>) {
    if let Some(id) = line.playing
        && !phone.is_playing()
    {
        line.playing = None;
        news.push(Event::Played { leg, id });
    }
    let silent = phone.silent_for(now);
    if silent < silence.most / 2 {
        line.warned = false;
    } else if silent >= silence.most {
        news.push(Event::Lost { leg });
    } else if !line.warned && line.playing.is_none() {
        line.warned = true;
        phone.play(vec![silence.warning.clone()], false);
    }
}

/// A key that is passed on is pressed for so many ticks.
const STROKE: u64 = 5;

/// What a silent line hears before its call ends.
fn warning() -> Clip {
    let mut sound = vec![0; Clip::RATE.frame() * 25];
    Player::new(Tone::Silent, Clip::RATE).fill(&mut sound);
    Clip::new(sound.into())
}
