//! Sound and text: packets in, packets out, in the caller's buffers. RTP, jitter buffer, codecs, mixer, speaker selection.

pub mod browser_leg;
pub mod clip;
pub mod codec;
pub mod conceal;
pub mod digits;
pub mod g722;
pub mod inband;
pub mod jitter;
pub mod latch;
pub mod leg;
pub mod level;
pub mod mixer;
pub mod peer_streams;
pub mod quality;
pub mod reception;
pub mod reports;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod seats;
pub mod selection;
pub mod session;
pub mod shard;
pub mod speakers;
pub mod speech;
pub mod srtp;
pub mod stream;
pub mod stretch;
#[cfg(test)]
pub(crate) mod tests_only;
pub mod text;
pub mod tone;

pub use browser_leg::{BrowserLeg, BrowserSession};
pub use clip::Clip;
pub use latch::Latch;
pub use leg::PhoneLeg;
pub use peer_streams::PeerStreams;
pub use quality::Quality;
pub use reports::CanonicalName;
pub use session::Session;
pub use shard::Shard;
pub use text::{TextLeg, TextSession};
