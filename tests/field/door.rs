//! Complaints that show at the telephone door: played at the real binary, by SIP and RTP.

use std::path::PathBuf;
use std::time::Duration;

use einwahl::ivr::Library;
use einwahl::media::codec::{Decoder, Encoder, OpusStyle};
use einwahl::media::level::level_of;
use einwahl::media::rtp::Header;
use einwahl::media::tone::{Player, Tone};
use einwahl::words::{Codec, Level, Rate, RtpTime};

use crate::served::{Handset, MEETING, Served};

/// A number for the door of a room without a PIN, and one for each way to refuse.
const PLAN: &str = r#"
[[rule]]
name = "Notruf"
called = ["110", "112"]
emergency = true
[[rule]]
name = "Saal"
called = "100"
room = "saal"
[[rule]]
name = "Rat"
called = "101"
room = "rat"
[[rule]]
name = "Gesperrt"
called = "200"
reject = "forbidden"
[[rule]]
name = "Umgezogen"
called = "201"
redirect = "sip:100@pbx.example"
[[rule]]
name = "Ruhetag"
called = "202"
reject = "unavailable"
[[rule]]
name = "Besetzt"
called = "203"
reject = "busy"
"#;

const ROOMS: &str = "[[meetings]]\nroom = \"saal\"\nid = \"222222\"\n[[meetings]]\nroom = \"rat\"\nid = \"123456\"\npin = \"4711\"\nmoderator_pin = \"0815\"\nlobby = true\n";

fn hall(name: &str, sip: &str) -> Served {
    Served::with(name, sip, ROOMS, PLAN, "einwahl=info")
}

#[test]
fn livekit_sip_231_the_call_is_answered_as_an_asterisk_makes_it() {
    let served = Served::meeting("field-231");
    let mut asterisk = Handset::of(&served, "+493012345642");
    let headers = "Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, MESSAGE, REFER\r\n\
                   Supported: 100rel, timer, replaces, norefersub, histinfo\r\nSession-Expires: 1800\r\nMin-SE: 90\r\n\
                   P-Asserted-Identity: \"B\u{fc}rger\" <sip:+493012345642@127.0.0.1>\r\nUser-Agent: Asterisk PBX 20.5\r\n";
    let offer = asterisk.sdp(
        "8 0 9 101",
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n",
    );
    let answer = asterisk.calls_with("einwahl", headers, &offer);
    assert_eq!((answer.status(), answer.formats()), (200, vec!["9", "101"]), "{answer:?}");
    for _ in 0..50 {
        assert_eq!(asterisk.hears().0, 9, "the greeting, in the codec that was answered");
    }
    assert_eq!(asterisk.hangs_up(), 200);
    served.logs("the call is over");
}

#[test]
fn livekit_sip_95_and_122_the_answer_names_only_what_is_then_used_and_an_admin_chooses_the_order() {
    let config = format!("[media]\ncodecs = [\"PCMU\", \"PCMA\"]\n{ROOMS}");
    let served = Served::with("field-95", "", &config, PLAN, "einwahl=info");
    for (offered, answered) in [("8 9 0 101", "0"), ("9 8 101", "8")] {
        let mut phone = Handset::of(&served, "4242");
        let offer = phone.sdp(offered, "a=rtpmap:101 telephone-event/8000\r\n");
        let answer = phone.calls_with("100", "", &offer);
        assert_eq!(answer.formats(), [answered, "101"], "of {offered}: one codec, not a list of hopes");
        for _ in 0..20 {
            assert_eq!(phone.hears().0.to_string(), answered, "what is sent is what was answered");
        }
        phone.hangs_up();
    }
    let mut phone = Handset::of(&served, "4242");
    let offer = phone.sdp("9", "");
    let refused = phone.calls_with("100", "", &offer);
    let warning = refused.header("Warning").unwrap_or_default();
    assert!(refused.status() == 488 && warning.contains("PCMU, PCMA"), "{refused:?}");
}

#[test]
fn livekit_2937_and_livekit_sip_520_583_each_refusal_has_its_own_status_and_one_line_that_says_why() {
    let served = hall("field-2937", "");
    let mut statuses = Vec::new();
    for (called, headers, formats, status, cause, why) in [
        ("200", "", "8", 403, 21, "a rule of the dialplan refuses this caller"),
        ("201", "", "8", 302, 23, "a rule of the dialplan sends this call to sip:100@pbx.example"),
        ("202", "", "8", 480, 18, "closed at this hour"),
        ("203", "", "8", 486, 17, "as many calls are up"),
        ("999", "", "8", 404, 1, "no rule takes the called number"),
        ("112", "", "8", 404, 3, "let the telephone system send 110 and 112 to the emergency service itself"),
        ("100", "", "18", 488, 65, "the peer offers none of opus, G722, PCMA, PCMU: allow one of them on the PBX"),
        ("100", "Supported: timer\r\nSession-Expires: 30\r\n", "8", 422, 127, "more often than every 90 s"),
    ] {
        let mut phone = Handset::of(&served, "4242");
        let offer = phone.sdp(formats, "");
        let answer = phone.calls_with(called, headers, &offer);
        assert_eq!(answer.status(), status, "{called}: {answer:?}");
        assert_eq!(answer.header("Reason"), Some(format!("Q.850;cause={cause}").as_str()), "{answer:?}");
        served.logs(&format!("refused … status={status} … {why}"));
        statuses.push(status);
    }
    // By which rule is told, too.
    served.logs("rule=\"Gesperrt\"");
    served.logs("rule=\"none\"");
    statuses.dedup();
    assert_eq!(statuses.len(), 7, "only the emergency call and the unknown number share one");
    assert_eq!(served.figure("einwahl_refusals_total{reason=\"no-common-codec\"}"), 1.0);
    assert_eq!(served.figure("einwahl_invites_total{status=\"404\"}"), 2.0);
}

#[test]
fn the_sound_of_a_trunk_goes_to_nobody_who_is_not_declared_and_of_no_trunk_to_where_the_caller_is() {
    let trunk = format!("[[trunks]]\nname = \"pbx\"\nnetworks = [\"127.0.0.0/8\"]\n{ROOMS}");
    let (by_trunk, by_none) =
        (Served::with("sound-within", "", &trunk, PLAN, "einwahl=info"), hall("sound-anywhere", ""));
    // Networks of examples (RFC 5737): nobody is there.
    for (served, address, status) in [
        (&by_trunk, "203.0.113.9", 488),
        (&by_trunk, "192.168.7.9", 200),
        (&by_trunk, "0.0.0.0", 200),
        (&by_none, "203.0.113.9", 200),
    ] {
        let mut phone = Handset::of(served, "4242");
        let offer = phone.offer().replace("IN IP4 127.0.0.1", &format!("IN IP4 {address}"));
        assert!(offer.contains(address), "{offer}");
        let answer = phone.calls_with("100", "", &offer);
        assert_eq!(answer.status(), status, "{address}: {answer:?}");
        if status == 200 {
            phone.hangs_up();
        }
    }
    by_trunk.logs("an outbound connection is refused purpose=trunk why=no processor is declared for trunk");
}

#[test]
fn livekit_sip_663_the_hundred_and_fiftieth_call_is_answered_like_the_first() {
    let served = hall("field-663", "");
    for call in 1..=150 {
        let mut phone = Handset::of(&served, "4242");
        assert_eq!((phone.calls("100").status(), phone.hangs_up()), (200, 200), "call {call}");
    }
    served.figure_comes_to("einwahl_calls", 0.0);
    served.figure_comes_to("einwahl_media_legs", 0.0);
    assert_eq!(served.figure("einwahl_invites_total{status=\"200\"}"), 150.0);
}

#[test]
fn livekit_sip_812_a_call_stays_up_while_nobody_else_is_there_and_nobody_sends() {
    let served = hall("field-812", "");
    let mut phone = Handset::of(&served, "4242");
    assert_eq!(phone.calls("100").status(), 200);
    for _ in 0..400 {
        phone.hears(); // one every 20 ms: eight seconds, in which this telephone sends nothing itself
    }
    assert_eq!(served.figure("einwahl_calls"), 1.0);
    assert_eq!(phone.hangs_up(), 200, "the call was still ours to end");
}

#[test]
fn livekit_sip_779_hold_keeps_the_call() {
    let served = hall("field-779", "");
    let mut phone = Handset::of(&served, "4242");
    assert_eq!(phone.calls("100").status(), 200);
    phone.hears();
    for (line, answered) in
        [("a=sendonly", "a=recvonly"), ("a=inactive", "a=inactive"), ("c=IN IP4 0.0.0.0", "a=inactive")]
    {
        let held = phone.sdp("8 101", &format!("{line}\r\na=rtpmap:101 telephone-event/8000\r\n"));
        let answer = phone.asks("INVITE", "", &held);
        assert_eq!(answer.status(), 200, "{line}");
        assert!(answer.body.contains(answered), "{line}: {}", answer.body);
    }
    phone.media.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut datagram = [0; 2_048];
    while phone.media.recv(&mut datagram).is_ok() {} // on hold it falls silent
    phone.media.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let resumed = phone.asks("INVITE", "", &phone.offer());
    assert!(resumed.status() == 200 && resumed.body.contains("a=sendrecv"), "{resumed:?}");
    phone.hears();
    assert_eq!(phone.hangs_up(), 200);
}

#[test]
fn livekit_sip_438_and_jssips_422_sessions_are_refreshed_and_a_sensible_interval_is_agreed_on() {
    let served = hall("field-438", "");
    let mut jssip = Handset::of(&served, "4242");
    let offer = jssip.offer();
    let refused = jssip.calls_with("100", "Supported: timer\r\nSession-Expires: 30\r\n", &offer);
    assert_eq!((refused.status(), refused.header("Min-SE")), (422, Some("90")));
    let again = jssip.calls_with("100", "Supported: timer\r\nSession-Expires: 90\r\nMin-SE: 90\r\n", &offer);
    assert_eq!(again.status(), 200);
    assert_eq!(again.header("Session-Expires"), Some("90;refresher=uac"));
    for (method, body) in [("UPDATE", String::new()), ("INVITE", jssip.offer())] {
        let refreshed = jssip.asks(method, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", &body);
        assert_eq!(
            (refreshed.status(), refreshed.header("Session-Expires")),
            (200, Some("90;refresher=uac")),
            "{method}"
        );
    }
    assert_eq!(jssip.hangs_up(), 200);
}

#[test]
fn livekit_sip_438_a_call_whose_peer_is_gone_ends_when_it_is_not_refreshed() {
    let served = hall("field-438-gone", "least_interval = 1");
    let mut phone = Handset::of(&served, "4242");
    let offer = phone.offer();
    assert_eq!(phone.calls_with("100", "Supported: timer\r\nSession-Expires: 1\r\n", &offer).status(), 200);
    assert_eq!(phone.is_asked(), "BYE");
    served.logs("the peer no longer refreshes its session");
    served.figure_comes_to("einwahl_calls", 0.0);
}

/// On a busy machine the media thread may be late, which is told, too.
fn takes_calls(_: u16, told: &str) -> bool {
    !told.contains("telephones") && !told.contains("gateway")
}

#[test]
fn livekit_sip_764_a_draining_node_says_so_and_keeps_its_calls() {
    let served = hall("field-764", "");
    let (mut probe, mut phone) = (Handset::of(&served, "probe"), Handset::of(&served, "4242"));
    assert_eq!(probe.asks("OPTIONS", "", "").status(), 200);
    served.comes_to("/readyz", takes_calls);
    assert_eq!(phone.calls("100").status(), 200);
    served.drains();
    let answer = probe.asks("OPTIONS", "", "");
    assert!(answer.status() == 503 && answer.header("Retry-After").is_some(), "{answer:?}");
    let mut late = Handset::of(&served, "4343");
    assert_eq!(late.calls("100").status(), 503);
    let (status, told) = served.get("/readyz");
    assert!(status == 503 && told.contains("telephones: draining") && told.contains("browsers: draining"), "{told}");
    assert_eq!(served.get("/healthz"), (200, String::from("ok\n")), "it lives");
    for _ in 0..50 {
        phone.hears();
    }
    assert_eq!(phone.hangs_up(), 200, "who is here stays until they hang up themselves");
}

#[test]
fn livekit_sip_460_an_unknown_invite_makes_no_room_and_no_log_shows_what_was_keyed_or_who_called() {
    let served = Served::with("field-460", "", MEETING, "", "trace");
    let mut guesser = Handset::of(&served, "+493012377721");
    assert_eq!(guesser.calls("ratssitzung-die-es-nicht-gibt").status(), 200, "everybody gets the menu");
    for _ in 0..3 {
        guesser.keys("77001122#");
        guesser.listens();
        guesser.keys("90817263#");
        guesser.listens();
    }
    assert_eq!(guesser.is_asked(), "BYE", "three tries are all");
    served.logs("hung up … TriesUsedUp");
    assert_eq!(served.figure("einwahl_rooms"), 0.0);
    let log = served.log();
    for secret in ["77001122", "90817263", "12377721", "4711"] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
    assert!(log.contains("+49 30 ···21"), "the masked form tells callers apart:\n{log}");
}

#[test]
fn jigasi_439_an_admin_reads_how_many_calls_there_are_and_the_limit_is_kept() {
    let served = hall("field-439", "most_calls = 2");
    served.comes_to("/readyz", takes_calls);
    let mut phones = [1, 2].map(|_| Handset::of(&served, "4242"));
    for phone in &mut phones {
        assert_eq!(phone.calls("100").status(), 200);
    }
    served.figure_comes_to("einwahl_calls", 2.0);
    served.comes_to("/readyz", |status, told| status == 503 && told.contains("telephones: full"));
    let mut third = Handset::of(&served, "4343");
    let refused = third.calls("100");
    assert!(refused.status() == 503 && refused.header("Retry-After").is_some(), "{refused:?}");
    served.logs("refused … status=503 … raise the limit or add a node");
    assert_eq!(served.figure("einwahl_refusals_total{reason=\"full\"}"), 1.0);
    phones[0].hangs_up();
    served.comes_to("/readyz", takes_calls);
    assert_eq!(Handset::of(&served, "4343").calls("100").status(), 200);
}

#[test]
fn jigasi_183_three_telephones_of_one_number_are_three_participants() {
    let served = hall("field-183", "");
    let mut phones = [1, 2, 3].map(|_| Handset::of(&served, "+493012345642"));
    for phone in &mut phones {
        assert_eq!(phone.calls("100").status(), 200);
    }
    let inside = "einwahl_participants{kind=\"phone\",place=\"inside\"}";
    served.figure_comes_to(inside, 3.0);
    assert_eq!(served.figure("einwahl_rooms"), 1.0);
    phones[1].hangs_up();
    served.figure_comes_to(inside, 2.0);
}

/// A folder of prompts in which every prompt and the music are a tenth of a second of silence: what is heard then is the room.
fn silent_prompts(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    for path in Library::paths() {
        let file = folder.join(format!("{path}.wav"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut wav = hound::WavWriter::create(file, format).unwrap();
        (0..1_600).for_each(|_| wav.write_sample(0_i16).unwrap());
        wav.finalize().unwrap();
    }
    folder
}

/// Somebody who says a tone, in A-law.
struct Talker {
    tone: Player,
    encoder: Encoder,
    sequence: u16,
}

impl Talker {
    fn new() -> Self {
        let encoder = Encoder::new(Codec::Pcma, Rate::Narrow, OpusStyle::default()).unwrap();
        Self { tone: Player::new(Tone::Steady(1_000), Rate::Narrow), encoder, sequence: 0 }
    }

    fn says_on(&mut self, phone: &Handset, to: std::net::SocketAddr) {
        let (mut sound, mut payload) = ([0; 160], [0; 160]);
        self.tone.fill(&mut sound);
        self.encoder.encode(&sound, &mut payload).unwrap();
        let (sequence, timestamp) = (self.sequence, RtpTime(u32::from(self.sequence) * 160));
        self.sequence += 1;
        let header = Header { payload_type: 8, marker: false, sequence, timestamp, ssrc: 7 };
        phone.media.send_to(&[&header.to_bytes()[..], &payload].concat(), to).unwrap();
    }
}

fn level(payload: &[u8]) -> Level {
    let mut sound = [0; 960];
    let samples = Decoder::new(Codec::Pcma, Rate::Narrow).unwrap().decode(payload, &mut sound).unwrap();
    level_of(&sound[..samples])
}

#[test]
fn bigbluebutton_23536_9531_15163_not_one_sample_is_heard_before_a_host_lets_one_in() {
    let prompts = silent_prompts("field-lobby-prompts");
    let config = format!("[menu]\nprompts = {prompts:?}\n{ROOMS}");
    let served = Served::with("field-23536", "", &config, PLAN, "einwahl=info");
    let figure = |place: &str, count: f64| {
        served.figure_comes_to(&format!("einwahl_participants{{kind=\"phone\",place=\"{place}\"}}"), count);
    };
    let (mut mayor, mut citizen) = (Handset::of(&served, "4242"), Handset::of(&served, "4343"));
    let to = mayor.calls("101").media();
    mayor.keys("0815#");
    figure("inside", 1.0);
    assert_eq!(citizen.calls("101").status(), 200);
    citizen.keys("4711#");
    figure("waiting", 1.0);
    let mut talker = Talker::new();
    mayor.forgets();
    citizen.forgets();
    for packet in 0..150 {
        talker.says_on(&mayor, to);
        mayor.hears();
        let heard = level(&citizen.hears().1);
        assert!(heard >= Level(70), "{heard:?} in packet {packet}: who waits hears the room");
    }
    mayor.keys("*1");
    mayor.forgets();
    citizen.forgets();
    let heard = (0..500).any(|_| {
        talker.says_on(&mayor, to);
        mayor.hears();
        level(&citizen.hears().1) < Level(30)
    });
    assert!(heard, "and hears it once a host pressed star, one");
    figure("inside", 2.0);
}

#[test]
fn bigbluebutton_9161_two_telephones_meet_although_there_is_no_browser_and_no_microphone() {
    let prompts = silent_prompts("field-9161-prompts");
    let config = format!("[menu]\nprompts = {prompts:?}\n{ROOMS}");
    let served = Served::with("field-9161", "", &config, PLAN, "einwahl=info");
    let (mut one, mut other) = (Handset::of(&served, "4242"), Handset::of(&served, "4343"));
    let to = one.calls("100").media();
    assert_eq!(other.calls("100").status(), 200);
    let mut talker = Talker::new();
    one.forgets();
    other.forgets();
    let heard = (0..500).any(|_| {
        talker.says_on(&one, to);
        one.hears();
        level(&other.hears().1) < Level(30)
    });
    assert!(heard, "nobody had to come by browser first");
}
