//! The figures themselves. Every label's value is a `&'static str`, a status, the name of a trunk in the configuration, or the domain of a member in the signed registry: what a
//! stranger sends cannot become one, so no label holds personal data, and none has more values than this program has words.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::metrics::{MetricType, TypedMetric as _};
use prometheus_client::registry::Registry;

use super::ready::{Part, Readiness};
use crate::call::Refusal;
use crate::member::Domain;
use crate::trunk::standing::Standing;
use crate::wire::Why;
use crate::words::TrunkName;
use crate::workers;

/// How the gateway is at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Calls that are up.
    pub calls: u64,
    /// Pages that are connected.
    pub pages: u64,
    /// Meetings in which somebody is.
    pub rooms: u64,
    /// Telephones and browsers in meetings.
    pub inside: PerKind,
    /// Telephones and browsers in front of meetings.
    pub waiting: PerKind,
}

/// Telephones and browsers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerKind {
    /// Telephones.
    pub phones: u64,
    /// Browsers.
    pub browsers: u64,
}

/// Who seems to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A caller.
    Phone,
    /// A page.
    Browser,
}

type Labels<const N: usize> = [(&'static str, &'static str); N];
type Statuses = Family<[(&'static str, u16); 1], Counter>;
type Words = Family<Labels<1>, Counter>;

#[derive(Debug)]
pub(super) struct Figures {
    registry: Registry,
    invites: Statuses,
    refusals: Words,
    guesses: Words,
    turned_away: Words,
    led_outside: Counter,
    trunks: Family<[(&'static str, String); 2], Gauge<u64, AtomicU64>>,
    links: Family<[(&'static str, String); 1], Gauge<u64, AtomicU64>>,
    link_refusals: Words,
    visit_refusals: Words,
    outbound: Family<Labels<2>, Counter>,
    registry_expires: Gauge,
    typed_too_fast: Counter,
    calls: Gauge<u64, AtomicU64>,
    pages: Gauge<u64, AtomicU64>,
    rooms: Gauge<u64, AtomicU64>,
    participants: Family<Labels<2>, Gauge<u64, AtomicU64>>,
}

const PHONE: &str = "phone";
const BROWSER: &str = "browser";

impl Figures {
    pub(super) fn new(media: workers::Figures, readiness: Readiness, started: i64) -> Self {
        let mut figures = Self {
            registry: Registry::with_prefix("einwahl"),
            invites: Family::default(),
            refusals: Family::default(),
            guesses: Family::default(),
            turned_away: Family::default(),
            led_outside: Counter::default(),
            trunks: Family::default(),
            links: Family::default(),
            link_refusals: Family::default(),
            visit_refusals: Family::default(),
            outbound: Family::default(),
            registry_expires: Gauge::default(),
            typed_too_fast: Counter::default(),
            calls: Gauge::default(),
            pages: Gauge::default(),
            rooms: Gauge::default(),
            participants: Family::default(),
        };
        figures.register(started);
        figures.registry.register_collector(Box::new(Media(media)));
        figures.registry.register_collector(Box::new(Ready(readiness)));
        figures.begin_at_zero();
        figures
    }

    fn register(&mut self, started: i64) {
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        let start: Gauge = Gauge::default();
        start.set(started);
        let to = &mut self.registry;
        to.register("build", "The program that runs", build);
        to.register("start_time_seconds", "When it was started, in seconds since 1970", start);
        to.register("invites", "Calls that came, by the final SIP status that they got", self.invites.clone());
        to.register("refusals", "Calls that were refused, by reason", self.refusals.clone());
        to.register("guesses_suspected", "How often somebody seemed to guess IDs or PINs", self.guesses.clone());
        let turned_away = self.turned_away.clone();
        to.register("sip_turned_away", "Messages and connections turned away at the SIP door, by reason", turned_away);
        let help = "DNS answers that led out of a trunk's networks, and were not followed";
        to.register("trunk_dns_outside", help, self.led_outside.clone());
        to.register("trunk_standing", "1 for how a trunk stands: up, degraded or down", self.trunks.clone());
        to.register("link_up", "1 for a member whose link is up, 0 for one whose is not", self.links.clone());
        let help = "Connections of other gateways that were refused or given up, by reason";
        to.register("link_refusals", help, self.link_refusals.clone());
        let help = "What other institutions' own systems were refused, by reason";
        to.register("member_sip_refusals", help, self.visit_refusals.clone());
        let help = "Connections that were to be opened from here, by purpose, permitted or refused";
        to.register("outbound_connections", help, self.outbound.clone());
        let help = "Until when the registry of members holds, in seconds since 1970; 0 if none is held";
        to.register("registry_expires_seconds", help, self.registry_expires.clone());
        let help = "Letters of real-time text that were typed too fast, and left out";
        to.register("text_letters_left_out", help, self.typed_too_fast.clone());
        to.register("calls", "Telephone calls that are up", self.calls.clone());
        to.register("pages", "Web pages that are connected", self.pages.clone());
        to.register("rooms", "Meetings in which somebody is or waits", self.rooms.clone());
        to.register("participants", "Those in meetings and in front of them", self.participants.clone());
    }

    /// A figure that is there from the start shows its first rise.
    fn begin_at_zero(&self) {
        drop(self.invites.get_or_create(&[("status", 200)]));
        for reason in Refusal::REASONS {
            drop(self.refusals.get_or_create(&[("reason", reason)]));
        }
        for by in [PHONE, BROWSER] {
            drop(self.guesses.get_or_create(&[("by", by)]));
        }
        for why in Why::ALL {
            drop(self.turned_away.get_or_create(&[("why", why.word())]));
        }
        self.is_now(&Now::default());
    }

    pub(super) fn answered(&self, status: u16) {
        self.invites.get_or_create(&[("status", status)]).inc();
    }

    pub(super) fn refused(&self, refusal: &Refusal) {
        self.answered(refusal.on_the_wire().status);
        self.refusals.get_or_create(&[("reason", refusal.reason())]).inc();
    }

    pub(super) fn turned_away(&self, why: Why) {
        self.turned_away.get_or_create(&[("why", why.word())]).inc();
    }

    pub(super) fn led_outside(&self) {
        self.led_outside.inc();
    }

    pub(super) fn trunk(&self, name: &TrunkName, standing: &Standing) {
        for state in ["up", "degraded", "down"] {
            let labels = [("trunk", name.to_string()), ("state", state.to_owned())];
            self.trunks.get_or_create(&labels).set(u64::from(standing.word() == state));
        }
    }

    pub(super) fn link(&self, member: &Domain, is_up: bool) {
        self.links.get_or_create(&[("member", member.to_string())]).set(u64::from(is_up));
    }

    pub(super) fn link_is_gone(&self, member: &Domain) {
        self.links.remove(&[("member", member.to_string())]);
    }

    pub(super) fn link_refusals(&self, words: &[&'static str]) {
        words.iter().for_each(|why| drop(self.link_refusals.get_or_create(&[("why", *why)])));
    }

    pub(super) fn link_refused(&self, why: &'static str) {
        self.link_refusals.get_or_create(&[("why", why)]).inc();
    }

    pub(super) fn visit_refusals(&self, words: &[&'static str]) {
        words.iter().for_each(|why| drop(self.visit_refusals.get_or_create(&[("why", *why)])));
    }

    pub(super) fn visit_refused(&self, why: &'static str) {
        self.visit_refusals.get_or_create(&[("why", why)]).inc();
    }

    pub(super) fn begin_outbound(&self, purpose: &'static str, verdicts: [&'static str; 2]) {
        for verdict in verdicts {
            drop(self.outbound.get_or_create(&[("purpose", purpose), ("verdict", verdict)]));
        }
    }

    pub(super) fn outbound(&self, purpose: &'static str, verdict: &'static str) {
        self.outbound.get_or_create(&[("purpose", purpose), ("verdict", verdict)]).inc();
    }

    pub(super) fn registry_expires(&self, at: i64) {
        self.registry_expires.set(at);
    }

    pub(super) fn typed_too_fast(&self, letters: usize) {
        self.typed_too_fast.inc_by(letters as u64);
    }

    pub(super) fn suspected(&self, who: Who) {
        let by = match who {
            Who::Phone => PHONE,
            Who::Browser => BROWSER,
        };
        self.guesses.get_or_create(&[("by", by)]).inc();
    }

    pub(super) fn is_now(&self, now: &Now) {
        self.calls.set(now.calls);
        self.pages.set(now.pages);
        self.rooms.set(now.rooms);
        for (place, of) in [("inside", now.inside), ("waiting", now.waiting)] {
            for (kind, count) in [(PHONE, of.phones), (BROWSER, of.browsers)] {
                self.participants.get_or_create(&[("kind", kind), ("place", place)]).set(count);
            }
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "the figures could not be written");
        }
        text
    }
}

/// What the media thread counts by itself.
struct Media(workers::Figures);

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the media thread's figures")
    }
}

impl Collector for Media {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let workers::Figures { ticks, missed_ticks, dropped_events, legs, received, sent } = &self.0;
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        for (name, help, figure) in [
            ("media_ticks", "Steps of 20 ms that the media thread has made.", ticks),
            ("media_missed_ticks", "Of these, how many began more than 20 ms late: sound was missing.", missed_ticks),
            ("media_dropped_events", "Keys and ends of prompts that nobody took in time.", dropped_events),
        ] {
            let figure = ConstCounter::new(read(figure));
            figure.encode(to.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let help = "Datagrams of sound, those that were dropped included.";
        let mut datagrams = to.encode_descriptor("media_datagrams", help, None, ConstCounter::<u64>::TYPE)?;
        for (direction, figure) in [("received", received), ("sent", sent)] {
            let labels = [("direction", direction)];
            ConstCounter::new(read(figure)).encode(datagrams.encode_family(&labels)?)?;
        }
        let legs = ConstGauge::new(read(legs));
        legs.encode(to.encode_descriptor(
            "media_legs",
            "Telephones and browsers whose sound is here.",
            None,
            MetricType::Gauge,
        )?)
    }
}

/// Each part's readiness, as `/readyz` tells it.
#[derive(Debug)]
struct Ready(Readiness);

impl Collector for Ready {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let obstacles = self.0.obstacles();
        let mut ready =
            to.encode_descriptor("ready", "Whether this part is ready: 1 or 0.", None, MetricType::Gauge)?;
        for part in Part::ALL {
            let is_ready = !obstacles.iter().any(|(closed, _)| *closed == part);
            ConstGauge::new(u64::from(is_ready)).encode(ready.encode_family(&[("part", part.name())])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn figures() -> Figures {
        Figures::new(workers::Figures::default(), Readiness::default(), 1_700_000_000)
    }

    /// The samples of a text in the format's version 0.0.4, each checked: a HELP and a TYPE before, one value each.
    fn samples(text: &str) -> BTreeMap<String, f64> {
        let (mut helped, mut typed) = (Vec::new(), BTreeMap::new());
        let mut samples = BTreeMap::new();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a name and a text");
                assert!(!help.is_empty() && !helped.contains(&name), "{line}");
                helped.push(name);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and a type");
                assert!(["counter", "gauge"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(typed.insert(name, kind).is_none(), "{line}");
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a series and a value");
                let name = series.split('{').next().expect("a name");
                assert!(helped.contains(&name) && typed.contains_key(name), "{line}");
                assert!(
                    name.starts_with("einwahl_") && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                    "{line}"
                );
                let value = value.parse().expect("a number");
                assert!(samples.insert(series.to_owned(), value).is_none(), "{series} is there twice");
            }
        }
        samples
    }

    #[test]
    fn every_figure_is_there_from_the_start_in_the_form_that_scrapers_read() {
        let samples = samples(&figures().text());
        for series in [
            "einwahl_calls",
            "einwahl_pages",
            "einwahl_rooms",
            "einwahl_invites_total{status=\"200\"}",
            "einwahl_refusals_total{reason=\"no-rule\"}",
            "einwahl_guesses_suspected_total{by=\"browser\"}",
            "einwahl_participants{kind=\"phone\",place=\"waiting\"}",
            "einwahl_media_ticks_total",
            "einwahl_media_missed_ticks_total",
            "einwahl_media_dropped_events_total",
            "einwahl_media_datagrams_total{direction=\"sent\"}",
            "einwahl_media_legs",
            "einwahl_ready{part=\"media\"}",
        ] {
            assert_eq!(samples.get(series), Some(&0.0), "{series}: {samples:?}");
        }
        assert_eq!(samples["einwahl_start_time_seconds"], 1.7e9);
        assert_eq!(samples[&format!("einwahl_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))], 1.0);
    }

    #[test]
    fn what_is_told_is_counted_where_it_belongs() {
        let figures = figures();
        figures.answered(200);
        figures.refused(&Refusal::NoRule);
        figures.refused(&Refusal::Emergency);
        figures.suspected(Who::Phone);
        figures.turned_away(Why::Scan);
        let two = PerKind { phones: 2, browsers: 0 };
        figures.is_now(&Now { calls: 3, rooms: 1, inside: two, ..Now::default() });
        figures.is_now(&Now { calls: 2, rooms: 1, inside: two, ..Now::default() });
        let trunk = "netz".parse().expect("a name");
        figures.trunk(&trunk, &Standing::Up);
        figures.trunk(&trunk, &Standing::Down(String::from("silent")));
        let samples = samples(&figures.text());
        assert_eq!(samples["einwahl_trunk_standing{trunk=\"netz\",state=\"down\"}"], 1.0);
        assert_eq!(samples["einwahl_trunk_standing{trunk=\"netz\",state=\"up\"}"], 0.0);
        assert_eq!(samples["einwahl_invites_total{status=\"200\"}"], 1.0);
        assert_eq!(samples["einwahl_invites_total{status=\"404\"}"], 2.0, "one status may have several reasons");
        assert_eq!(samples["einwahl_refusals_total{reason=\"emergency\"}"], 1.0);
        assert_eq!(samples["einwahl_guesses_suspected_total{by=\"phone\"}"], 1.0);
        assert_eq!(samples["einwahl_sip_turned_away_total{why=\"scan\"}"], 1.0);
        assert_eq!(samples["einwahl_calls"], 2.0);
        assert_eq!(samples["einwahl_participants{kind=\"phone\",place=\"inside\"}"], 2.0);
    }
}
