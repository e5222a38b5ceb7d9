//! Sound: packets in, packets out, in the caller's buffers. RTP, jitter buffer, codecs, mixer, speaker selection.

pub mod mixer;
pub mod speakers;
pub mod tone;
