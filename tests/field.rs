//! What users of other systems complain about, played here: each test is named after its complaint and would fail if we had the
//! same fault. `door` plays at the real binary by SIP and RTP, `rooms` and `sound` on a virtual clock.
//!
//! | complaint | test |
//! |---|---|
//! | livekit/sip #724, #727: choppy audio when frames come in bursts | `sound::livekit_sip_724_727_…` (telephones and browsers) |
//! | livekit/sip #812: a call ends after 5 s since nobody else sends | `door::livekit_sip_812_…`, `sound::livekit_sip_812_…` |
//! | livekit/sip #95, #122: answers a codec that is not used; codecs cannot be chosen | `door::livekit_sip_95_and_122_…`, `sound::livekit_sip_95_…` |
//! | livekit/sip #520, #583: nobody sees why a call was refused | `door::livekit_2937_and_livekit_sip_520_583_…` |
//! | livekit/sip #663: hangs after 100 calls | `door::livekit_sip_663_…`; `interop-tests/short_calls.sh` does thousands |
//! | livekit/livekit #2937: every failure is a 400 | `door::livekit_2937_and_livekit_sip_520_583_…` |
//! | livekit/sip #231: a trunk with Asterisk rings for ever | `door::livekit_sip_231_…` |
//! | jitsi/jigasi #439: nobody can say how many calls one instance carries | `door::jigasi_439_…`; `make bench` measures it |
//! | jigasi #37: every leg decodes and mixes every stream | `sound::jigasi_37_…` (decodes speakers only, encodes once) |
//! | jigasi #183: many calls are counted as one participant | `door::jigasi_183_…`, `rooms::jigasi_183_…` |
//! | jitsi-meet #7271, #6686: the lobby breaks dial-in; callers have no hand | `rooms::jitsi_meet_7271_6686_…` |
//! | bigbluebutton #25244: a muted caller can be unmuted by nobody | `rooms::bigbluebutton_25244_…` |
//! | bigbluebutton #23536, #9531, #15163: callers hear the room before approval | `door::bigbluebutton_23536_9531_15163_…` |
//! | bigbluebutton #9583: phone numbers are shown to everyone | `rooms::bigbluebutton_9583_…`, `door::livekit_sip_460_…` (log) |
//! | bigbluebutton #9161: no dial-in until somebody joins with a microphone | `door::bigbluebutton_9161_…` |
//! | bigbluebutton #24094: the PIN's length differs from what is documented | `rooms::bigbluebutton_24094_…` |
//! | livekit/sip #779: hold hangs up the call | `door::livekit_sip_779_…` |
//! | livekit/sip #438: no session timers; JsSIP's 422 | `door::livekit_sip_438_…` |
//! | livekit/sip #764: a draining node answers OPTIONS with 200 | `door::livekit_sip_764_…` |
//! | livekit/sip #460: an unknown INVITE makes a room; the PIN is in the log | `door::livekit_sip_460_…` |
//! | livekit #4316: one node's timeout deletes a live room | `rooms::livekit_4316_…` |
//! | freeswitch #2676: many listeners lock up a conference | `sound::freeswitch_2676_…` |
//!
//! These do not concern a call into a room, and are played where they belong:
//! livekit #2897 (keys into other people's menus: we do not dial out); livekit/sip #524 and jigasi #539 (REGISTER) and
//! livekit/sip #810 (SRV): they concern how a trunk is reached, before any call; rtpengine #662 and kamailio #2713 (fail-over
//! loses encrypted or transcoded calls): one node has nobody to fail over to.
#![cfg(feature = "gateway")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a test that goes wrong may stop; its numbers and its clocks are its own"
)]

mod served;
mod town;

#[path = "field/door.rs"]
mod door;
#[path = "field/rooms.rs"]
mod rooms;
#[path = "field/sound.rs"]
mod sound;
