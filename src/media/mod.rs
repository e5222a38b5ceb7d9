//! Sound: packets in, packets out, in the caller's buffers. RTP, jitter buffer, codecs, mixer, speaker selection.

pub mod tone;
