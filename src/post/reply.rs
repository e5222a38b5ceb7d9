//! What a mail server says before TLS (RFC 5321 section 4.2): only the code counts, and that nothing follows.

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its code.
    pub code: u16,
    /// So many bytes it took.
    pub length: usize,
}

/// No answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not speak SMTP")]
pub struct Unreadable;

/// The longest answer, in bytes.
const LONGEST: usize = 8 * 1_024;

/// Reads one answer of one or more lines; nothing, if it is not all there yet.
///
/// # Errors
/// It is none, or too long.
pub fn read(bytes: &[u8]) -> Result<Option<Reply>, Unreadable> {
    let mut begin = 0;
    let mut first = None;
    while let Some(line) = bytes.get(begin..).filter(|rest| !rest.is_empty()) {
        let Some(end) = line.iter().position(|byte| *byte == b'\n') else { break };
        let line = line.get(..end).unwrap_or_default();
        let (code, is_last) = of_line(line)?;
        if *first.get_or_insert(code) != code {
            return Err(Unreadable);
        }
        begin += end + 1;
        if begin > LONGEST {
            return Err(Unreadable);
        }
        if is_last {
            return Ok(Some(Reply { code, length: begin }));
        }
    }
    if bytes.len() > LONGEST { Err(Unreadable) } else { Ok(None) }
}

/// Whether an answer to EHLO offers this (RFC 5321 section 4.1.1.1).
pub fn offers(answer: &[u8], what: &str) -> bool {
    let words = |line: &[u8]| line.get(4..).map(|rest| rest.trim_ascii().to_ascii_uppercase());
    answer.split(|byte| *byte == b'\n').skip(1).filter_map(words).any(|rest| rest == what.as_bytes())
}

/// `250-…` goes on, `250 …` does not.
fn of_line(line: &[u8]) -> Result<(u16, bool), Unreadable> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let digits = line.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit)).ok_or(Unreadable)?;
    let code = digits.iter().fold(0_u16, |code, digit| code * 10 + u16::from(digit - b'0'));
    if !(200..600).contains(&code) {
        return Err(Unreadable);
    }
    match line.get(3) {
        None | Some(b' ') => Ok((code, true)),
        Some(b'-') => Ok((code, false)),
        Some(_) => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_stands_on_a_line_of_its_own() {
        let answer = b"250-mail.stadt.example\r\n250-SIZE 1000\r\n250 starttls\r\n";
        assert!(offers(answer, "STARTTLS") && !offers(answer, "AUTH"));
        assert!(!offers(b"250 STARTTLS\r\n", "STARTTLS"), "the first line is its name");
    }

    #[test]
    fn an_answer_ends_with_its_last_line_and_what_follows_is_seen() {
        let read = |text: &str| super::read(text.as_bytes());
        assert_eq!(read("220 mail.stadt.example\r\n"), Ok(Some(Reply { code: 220, length: 24 })));
        assert_eq!(read("250-a\r\n250-b\r\n"), Ok(None));
        assert_eq!(read("250-a\r\n250 b\r\n"), Ok(Some(Reply { code: 250, length: 14 })));
        let injected = "220 go\r\n250 injected\r\n";
        assert_eq!(read(injected), Ok(Some(Reply { code: 220, length: 8 })));
        assert_eq!(read(""), Ok(None));
        for bad in ["HTTP/1.1 400\r\n", "250-a\r\n220 b\r\n", "99 \r\n", "250_a\r\n", "\u{16}\u{3}\u{1}\n"] {
            assert_eq!(read(bad), Err(Unreadable), "{bad:?}");
        }
        assert_eq!(read(&"2".repeat(9_000)), Err(Unreadable));
    }
}
