//! Redundant text in RTP (RFC 2198, RFC 4103 section 4): each packet says again what the packets before it said.

/// So many blocks before the new one are looked at; who repeats more often is read from the last ones.
const MOST: usize = 8;

/// Of the offset of a block's time there are 14 bits, of its length 10.
const LONGEST_OFFSET: u32 = 0x3fff;
const LONGEST_BLOCK: usize = 0x3ff;

/// The blocks of a packet, the oldest first; the last is the new one. One of another type than text is empty. `None` if it is not whole.
pub fn read(payload: &[u8], t140: u8) -> Option<Vec<&[u8]>> {
    let mut heads = Vec::new();
    let mut rest = payload;
    loop {
        match rest {
            [kind, o, l0, l1, after @ ..] if kind & 0x80 != 0 => {
                let length = usize::from(u16::from_be_bytes([l0 & 0x03, *l1]));
                let _ = o;
                heads.push((kind & 0x7f, length));
                rest = after;
            }
            [kind, after @ ..] if kind & 0x80 == 0 => {
                rest = after;
                heads.push((*kind, 0));
                break;
            }
            _ => return None,
        }
    }
    let (new, before) = heads.split_last()?;
    let of = |kind: u8, block| if kind == t140 { block } else { &[][..] };
    let mut blocks = Vec::with_capacity(heads.len().min(MOST + 1));
    for (kind, length) in before {
        let (block, after) = rest.split_at_checked(*length)?;
        blocks.push(of(*kind, block));
        rest = after;
    }
    blocks.push(of(new.0, rest));
    blocks.drain(..blocks.len().saturating_sub(MOST + 1));
    Some(blocks)
}

/// Writes a packet's payload: the blocks before, the oldest first, each with how long ago it was sent, and the new one.
pub fn write(t140: u8, before: &[(u32, &str)], new: &str) -> Vec<u8> {
    let mut payload = Vec::with_capacity(16 + new.len());
    // What is too old or too long to be told of is told of as nothing.
    let fits = |(age, text): &(u32, &str)| *age <= LONGEST_OFFSET && text.len() <= LONGEST_BLOCK;
    for block in before {
        let (age, length) = if fits(block) { (block.0, block.1.len()) } else { (0, 0) };
        let length = u32::try_from(length).unwrap_or_default();
        payload.push(0x80 | t140);
        payload.extend(((age << 10) | length).to_be_bytes().get(1..).unwrap_or_default());
    }
    payload.push(t140 & 0x7f);
    before.iter().filter(|block| fits(block)).for_each(|(_, text)| payload.extend(text.as_bytes()));
    payload.extend(new.as_bytes());
    payload
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_reads_as_section_7_of_the_rfc_has_it() {
        // RFC 4103: two generations, the older one empty.
        let payload = write(98, &[(600, ""), (300, "a")], "bc");
        assert_eq!(payload, [0xe2, 0x09, 0x60, 0x00, 0xe2, 0x04, 0xb0, 0x01, 98, b'a', b'b', b'c']);
        assert_eq!(read(&payload, 98), Some(vec![&b""[..], b"a", b"bc"]));
        assert_eq!(read(&payload, 97), Some(vec![&b""[..], b"", b""]), "another type says nothing");
        for end in 0..9 {
            assert_eq!(read(&payload[..end], 98), None, "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(before in prop::collection::vec((0..0x3fff_u32, "\\PC{0,40}"), 0..4), new in "\\PC{0,40}") {
            let parts: Vec<(u32, &str)> = before.iter().map(|(age, text)| (*age, text.as_str())).collect();
            let payload = write(100, &parts, &new);
            let wanted: Vec<&[u8]> = before.iter().map(|(_, text)| text.as_bytes()).chain([new.as_bytes()]).collect();
            prop_assert_eq!(read(&payload, 100), Some(wanted));
        }
    }
}
