//! The sound of one call, in steps of 20 ms: says, keys, hears, records.

use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::io::BufWriter;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::report::{Report, Tally, millis, tenths};
use super::{Failed, Sockets, Stroke, Wish, now};
use crate::media::clip::Player;
use crate::media::leg::TICK;
use crate::media::{PhoneLeg, Session, rtcp};
use crate::words::{Codec, Rate};

/// Between the answer and the first key.
const BEFORE_KEYS: Duration = Duration::from_millis(600);

/// A key is pressed for so many ticks, and then none for as many.
const STROKE: u64 = 5;

/// Ticks of a pause that was asked for.
const PAUSE: u64 = 50;

pub(super) struct Talk {
    sockets: Sockets,
    leg: PhoneLeg,
    codec: Codec,
    strokes: VecDeque<Stroke>,
    player: Player,
    recorder: Option<hound::WavWriter<BufWriter<File>>>,
    tally: Tally,
    asked: Instant,
    answered: Instant,
    stays: Duration,
    /// The tick at which the next stroke is due.
    next_stroke: u64,
}

impl Talk {
    pub(super) fn new(
        sockets: Sockets,
        session: Session,
        strokes: Vec<Stroke>,
        wish: &Wish,
        asked: Instant,
        answered: Instant,
    ) -> Result<Self, Failed> {
        let codec = session.codec;
        let format = hound::WavSpec {
            channels: 1,
            sample_rate: codec.rate().hz(),
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let recorder = wish.record.as_ref().map(|file| hound::WavWriter::create(file, format)).transpose()?;
        let mut chance = [0; 32];
        getrandom::fill(&mut chance).map_err(|error| Failed::Io(std::io::Error::other(error.to_string())))?;
        let leg = PhoneLeg::new(session, chance, answered).map_err(|error| Failed::Answer(error.to_string()))?;
        let mut player = Player::default();
        if let Some(clip) = &wish.play {
            player.play(vec![clip.clone()], wish.repeat);
        }
        let first_stroke = u64::try_from(BEFORE_KEYS.as_millis() / TICK.as_millis()).unwrap_or_default();
        Ok(Self {
            sockets,
            leg,
            codec,
            strokes: strokes.into(),
            player,
            recorder,
            tally: Tally::default(),
            asked,
            answered,
            stays: Duration::from_secs(wish.seconds),
            next_stroke: first_stroke,
        })
    }

    /// Talks until the time is over, or `until`.
    pub(super) async fn go_on(mut self, until: impl Future<Output = ()>) -> Result<Report, Failed> {
        tokio::pin!(until);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut tick = 0;
        while now().saturating_duration_since(self.answered) < self.stays {
            tokio::select! {
                () = &mut until => break,
                _ = ticks.tick() => self.tick(tick).await?,
            }
            tick += 1;
        }
        let mut farewell = [0; rtcp::LONGEST];
        if let Some((length, target)) = self.leg.farewell(now(), &mut farewell) {
            self.sockets.report(self.leg.is_muxed(), farewell.get(..length).unwrap_or_default(), target).await;
        }
        self.finish()
    }

    async fn tick(&mut self, tick: u64) -> Result<(), Failed> {
        let mut datagram = [0; 2_048];
        while let Ok((length, from)) = self.sockets.rtp.try_recv_from(&mut datagram) {
            let datagram = datagram.get(..length).unwrap_or_default();
            let at = now();
            self.tally.take(datagram, at);
            // What we are keyed is of no use to a telephone.
            let _ = self.leg.receive(datagram, from, at);
        }
        while let Ok((length, from)) = self.sockets.rtcp.try_recv_from(&mut datagram) {
            self.leg.receive_report(datagram.get(..length).unwrap_or_default(), from, now());
        }
        let _ = self.leg.listen(now());
        if let Some(recorder) = &mut self.recorder {
            for sample in self.leg.sound() {
                recorder.write_sample(*sample)?;
            }
        }
        self.key(tick);
        let mut sound = [0; Rate::Full.frame()];
        let sound = sound.get_mut(..self.leg.rate().frame()).unwrap_or_default();
        // What is to be said is said once all keys are pressed.
        if self.strokes.is_empty() && tick >= self.next_stroke {
            self.player.fill(self.leg.rate(), sound);
        }
        let mut out = Vec::new();
        self.leg.say(sound, |datagram, target| out.push((datagram.as_bytes().to_vec(), target)));
        for (datagram, target) in out {
            self.sockets.rtp.send_to(&datagram, target).await?;
        }
        let mut report = [0; rtcp::LONGEST];
        if let Some((length, target)) = self.leg.poll_report(now(), &mut report) {
            self.sockets.report(self.leg.is_muxed(), report.get(..length).unwrap_or_default(), target).await;
        }
        Ok(())
    }

    fn key(&mut self, tick: u64) {
        if tick < self.next_stroke {
            return;
        }
        match self.strokes.pop_front() {
            Some(Stroke::Key(digit)) => {
                self.leg.press(digit, STROKE);
                self.next_stroke = tick + 2 * STROKE;
            }
            Some(Stroke::Pause) => self.next_stroke = tick + PAUSE,
            None => {}
        }
    }

    fn finish(self) -> Result<Report, Failed> {
        if let Some(recorder) = self.recorder {
            recorder.finalize()?;
        }
        let quality = self.leg.quality(now());
        let since = |at: Instant| millis(at.saturating_duration_since(self.asked));
        Ok(Report {
            codec: self.codec,
            setup_ms: since(self.answered),
            first_sound_ms: self.tally.first.map(since),
            talked_ms: millis(quality.lasted),
            sent: quality.sent,
            received: self.tally.received,
            lost: quality.loss_in.lost,
            late: quality.late,
            concealed: quality.concealed,
            jitter_ms: tenths(quality.jitter_in),
            lost_there: quality.out.map(|told| told.loss.lost),
            jitter_there_ms: quality.out.map(|told| tenths(told.jitter)),
            round_trip_ms: quality.round_trip.map(tenths),
        })
    }
}
