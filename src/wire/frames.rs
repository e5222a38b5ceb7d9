//! A stream cut into messages (RFC 3261 section 18.3). In: bytes as they arrive. Out: whole messages, keep-alives
//! (RFC 5626 section 4.4.1), or that nothing more can be read from this stream.

use super::split::{Name, Split, head_and_body};
use super::{Fault, LONGEST};

/// What is at the front of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole message.
    Message(Vec<u8>),
    /// Two line ends: the peer wants to see one.
    Ping,
    /// The header of a message whose end cannot be found: it can be answered, but nothing that follows can be read.
    Broken(Vec<u8>, Fault),
    /// The beginning of something that is no message at all, or longer than any.
    Hopeless(Fault),
}

/// RFC 5626 section 4.4.1.
const PING: &[u8] = b"\r\n\r\n";

/// The bytes that wait until they are a message. Never more than the longest message and one read.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
    /// So many bytes have been searched for the end of a header, without finding it.
    searched: usize,
}

impl Frames {
    /// Takes what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// Whether a message has begun and not ended.
    pub const fn is_amid(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next of what is whole.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let mut blank = 0;
        loop {
            let rest = self.waiting.get(blank..).unwrap_or_default();
            let is_ping = rest.starts_with(PING);
            // The end of a ping may still be on its way.
            if is_ping || PING.starts_with(rest) {
                self.take(blank + if is_ping { PING.len() } else { 0 });
                return is_ping.then_some(Frame::Ping);
            }
            if !matches!(rest.first(), Some(b'\r' | b'\n')) {
                break;
            }
            blank += 1;
        }
        if blank > 0 {
            self.take(blank);
        }
        // An end may begin in what was searched.
        let from = self.searched.saturating_sub(3);
        let ends = self.waiting.get(from..).is_some_and(|fresh| head_and_body(fresh).is_some());
        if !ends {
            self.searched = self.waiting.len();
            return (self.waiting.len() > LONGEST).then(|| self.hopeless(Fault::TooLong));
        }
        let head = head_and_body(&self.waiting).map(|(_, body)| self.waiting.len() - body.len())?;
        let message = self.waiting.get(..head)?.to_vec();
        let length = match Split::of(&message).and_then(|split| length(&split)) {
            Ok(length) => length,
            Err(fault) => {
                self.waiting.clear();
                return Some(Frame::Broken(message, fault));
            }
        };
        if head.saturating_add(length) > LONGEST {
            return Some(self.hopeless(Fault::TooLong));
        }
        let whole = self.waiting.get(..head + length)?.to_vec();
        self.take(head + length);
        Some(Frame::Message(whole))
    }

    fn take(&mut self, count: usize) {
        self.waiting.drain(..count.min(self.waiting.len()));
        self.searched = 0;
    }

    fn hopeless(&mut self, fault: Fault) -> Frame {
        self.waiting = Vec::new();
        self.searched = 0;
        Frame::Hopeless(fault)
    }
}

/// How long the body is; without a word, there is none.
fn length(split: &Split<'_>) -> Result<usize, Fault> {
    let length = split.only(Name::ContentLength)?;
    length.map_or(Ok(0), |length| length.parse().map_err(|_| Fault::Unreadable("Content-Length")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nl: 4\r\n\r\nabcd";

    fn frames(chunks: &[&[u8]]) -> Vec<Frame> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for chunk in chunks {
            frames.push(chunk);
            found.extend(std::iter::from_fn(|| frames.next_frame()));
        }
        found
    }

    #[test]
    fn messages_and_pings_are_told_apart() {
        let both = [ONE, b"\r\n\r\n", ONE, b"\r\n"].concat();
        let whole = Frame::Message(ONE.to_vec());
        assert_eq!(frames(&[&both]), [whole.clone(), Frame::Ping, whole]);
    }

    #[test]
    fn an_end_that_cannot_be_found_is_told_with_what_can_be_answered() {
        let twice = b"OPTIONS sip:a@b SIP/2.0\r\nl: 4\r\nl: 5\r\n\r\nabcd";
        let [Frame::Broken(head, fault)] = &frames(&[twice])[..] else { panic!() };
        assert_eq!((head.len(), fault), (twice.len() - 4, &Fault::Twice("Content-Length")));
        assert_eq!(frames(&[b"A b SIP/2.0\r\nl: 99999\r\n\r\n"]), [Frame::Hopeless(Fault::TooLong)]);
        assert_eq!(frames(&[&vec![b'x'; LONGEST + 1]]), [Frame::Hopeless(Fault::TooLong)]);
    }

    #[test]
    fn line_ends_without_an_end_are_not_kept() {
        let mut stream = Frames::default();
        for _ in 0..1_000 {
            stream.push(b"\n\r\r");
            assert_eq!(stream.next_frame(), None);
            assert!(stream.waiting.len() < PING.len());
        }
        assert_eq!(frames(&[b"\n\n\n\x0e\n\n"]), [Frame::Message(b"\x0e\n\n".to_vec())]);
        assert_eq!(frames(&[b"\n\r\n\r\n"]), [Frame::Ping]);
    }

    proptest! {
        #[test]
        fn how_the_bytes_arrive_does_not_matter(cuts in proptest::collection::vec(1..60_usize, 1..20)) {
            let stream = [ONE, b"\r\n\r\n", ONE, ONE, b"\r\n\r\n"].concat();
            let mut rest = &stream[..];
            let mut chunks = Vec::new();
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            prop_assert_eq!(frames(&chunks), frames(&[&stream]));
        }

        #[test]
        fn any_stream_is_cut_and_little_waits(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            while frames.next_frame().is_some() {}
            prop_assert!(frames.waiting.len() <= bytes.len());
        }
    }
}
