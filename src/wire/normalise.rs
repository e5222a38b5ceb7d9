//! One message before the stack: repaired, refused, or dropped. In: its bytes and where they came from. Out: a [`Reading`].
//!
//! What has one meaning is repaired (folded lines, compact names, Latin-1, two hops in one Via, white space, a missing tag);
//! what has none is refused with a phrase that says why (RFC 3261 section 21.4.1). The torture tests (`tests/torture/`) list
//! the verdict for each message of RFC 4475 and RFC 5118.

use std::borrow::Cow;

use super::address::Address;
use super::answer::Refused;
use super::body::{self, Body};
use super::split::{Field, Name, Split, is_token, split_outside};
use super::uri::{self, Scheme};
use super::via::Via;
use super::{EXTENSIONS, Fault, LONGEST, Origin};

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// It goes to the stack.
    Passed(Passed<'a>),
    /// It is answered without the stack.
    Refused(Refused),
    /// It gets no answer: it is none of a request, or the request is an ACK.
    Dropped(Fault),
}

/// A message for the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed<'a> {
    /// As it came, or repaired.
    pub message: Cow<'a, [u8]>,
    /// What kind of message it is.
    pub kind: Kind,
}

/// Kinds of messages, by how much may follow from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that may begin a call, or asks out of the blue.
    Begins,
    /// A request inside a call: with a tag in To, or an ACK, or a CANCEL.
    Belongs,
    /// A response.
    Response,
}

/// The methods that the stack reads.
const KNOWN: [&str; 14] = [
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE",
];

/// Reads a message.
pub fn normalise<'a>(message: &'a [u8], from: &Origin) -> Reading<'a> {
    let trimmed = message.trim_ascii_start();
    if trimmed.is_empty() {
        return Reading::Dropped(Fault::Empty);
    }
    if message.len() > LONGEST {
        return Reading::Dropped(Fault::TooLong);
    }
    let first_line = trimmed.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !first_line.windows(4).any(|window| window.eq_ignore_ascii_case(b"SIP/")) {
        return Reading::Dropped(Fault::NotSip);
    }
    let split = match Split::of(trimmed) {
        Ok(split) => split,
        Err(fault) => return Reading::Dropped(fault),
    };
    let read = match is_response(&split.start) {
        true => response(&split, from),
        false => request(&split, from),
    };
    match read {
        Ok((repaired, kind)) => {
            let message = if repaired == message { Cow::Borrowed(message) } else { Cow::Owned(repaired) };
            Reading::Passed(Passed { message, kind })
        }
        Err(fault) if is_response(&split.start) || split.start.starts_with("ACK ") => Reading::Dropped(fault),
        Err(fault) => Reading::Refused(Refused::new(fault, &split, from)),
    }
}

fn is_response(start: &str) -> bool {
    start.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("SIP/"))
}

fn request(split: &Split<'_>, from: &Origin) -> Result<(Vec<u8>, Kind), Fault> {
    let start = RequestLine::read(&split.start)?;
    let common = Common::read(split)?;
    if !KNOWN.contains(&start.method) {
        return Err(Fault::UnknownMethod);
    }
    if common.method != start.method {
        return Err(Fault::OtherMethod);
    }
    let uri = start.canonical_uri()?;
    if common.hops.first().is_some_and(|top| top.branch() == Some("z9hG4bK")) {
        return Err(Fault::Unreadable("Via"));
    }
    let hops_left = split.only(Name::MaxForwards)?;
    if hops_left.is_some_and(|left| left.parse::<u16>().map_or(true, |left| left > 255)) {
        return Err(Fault::Unreadable("Max-Forwards"));
    }
    let is_ack = start.method == "ACK";
    if !is_ack && start.method != "CANCEL" {
        understood(split)?;
    }
    let content = content(split, from)?;
    let body = match start.method {
        "INVITE" | "UPDATE" => body::judge(split, content)?,
        // It cannot be refused any more, but its SDP is found in it.
        "ACK" => body::judge(split, content).unwrap_or(Body::AsItIs),
        _ => Body::AsItIs,
    };
    let kind =
        if is_ack || start.method == "CANCEL" || common.to.tag().is_some() { Kind::Belongs } else { Kind::Begins };
    let mut writing = Writing::new(&format!("{} {uri} SIP/2.0", start.method), common);
    writing.hops.first_mut().into_iter().for_each(|top| top.stamp(from));
    if writing.from.tag().is_none() {
        // RFC 2543 did not ask for one; the stack cannot do without.
        writing.from = writing.from.with_tag("rfc2543");
    }
    if start.method == "INVITE" && split.all(Name::Contact).next().is_none() {
        // RFC 2543: then requests go to who is in From.
        writing.extra.push(format!("Contact: <{}>", writing.from.uri));
    }
    Ok((writing.finish(split, &body, content)?, kind))
}

fn response(split: &Split<'_>, from: &Origin) -> Result<(Vec<u8>, Kind), Fault> {
    let mut words = split.start.splitn(3, ' ');
    let (version, status, phrase) = (words.next(), words.next(), words.next().unwrap_or_default());
    if !version.is_some_and(|version| version.eq_ignore_ascii_case("SIP/2.0")) {
        return Err(Fault::Version);
    }
    let status = status.filter(|status| status.len() == 3).and_then(|status| status.parse::<u16>().ok());
    let status = status.filter(|status| (100..700).contains(status)).ok_or(Fault::StatusLine)?;
    let common = Common::read(split)?;
    if common.from.tag().is_none() {
        return Err(Fault::Unreadable("From"));
    }
    let content = content(split, from)?;
    let writing = Writing::new(format!("SIP/2.0 {status} {phrase}").trim_end(), common);
    Ok((writing.finish(split, &Body::AsItIs, content)?, Kind::Response))
}

/// `METHOD URI SIP/2.0`
struct RequestLine<'a> {
    method: &'a str,
    uri: &'a str,
}

impl<'a> RequestLine<'a> {
    /// More white space than one may be ignored (RFC 4475 sections 3.1.2.9 and 3.1.2.10), but in the URI it means nothing.
    fn read(line: &'a str) -> Result<Self, Fault> {
        let mut words = line.split_ascii_whitespace();
        let (Some(method), Some(uri), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Fault::RequestLine);
        };
        if !method.bytes().all(is_token) || line.starts_with(char::is_whitespace) {
            return Err(Fault::RequestLine);
        }
        match version.get(..4) {
            _ if version.eq_ignore_ascii_case("SIP/2.0") => Ok(Self { method, uri }),
            Some(sip) if sip.eq_ignore_ascii_case("SIP/") => Err(Fault::Version),
            Some(_) | None => Err(Fault::RequestLine),
        }
    }

    /// The URI that the stack reads right; brackets around it may be ignored (RFC 4475 section 3.1.2.7).
    fn canonical_uri(&self) -> Result<String, Fault> {
        let bare = self.uri.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(self.uri);
        match uri::scheme(bare).ok_or(Fault::RequestUri)?.0 {
            Scheme::Other => Err(Fault::Scheme),
            Scheme::Sip if uri::has_headers(bare) => Err(Fault::RequestUri),
            Scheme::Sip | Scheme::Tel => uri::canonical(bare).ok_or(Fault::RequestUri),
        }
    }
}

/// What every message has (RFC 3261 section 8.1.1; Max-Forwards came later).
struct Common {
    hops: Vec<Via>,
    from: Address,
    to: Address,
    number: u32,
    method: String,
}

impl Common {
    fn read(split: &Split<'_>) -> Result<Self, Fault> {
        let mut hops = Vec::new();
        for value in split.all(Name::Via) {
            hops.extend(Via::read_list(value).ok_or(Fault::Unreadable("Via"))?);
        }
        if hops.is_empty() {
            return Err(Fault::Missing("Via"));
        }
        let the = |name: Name, label| split.only(name)?.filter(|value| !value.is_empty()).ok_or(Fault::Missing(label));
        let from = Address::read(the(Name::From, "From")?).ok_or(Fault::Unreadable("From"))?;
        let to = Address::read(the(Name::To, "To")?).ok_or(Fault::Unreadable("To"))?;
        if the(Name::CallId, "Call-ID")?.contains(char::is_whitespace) {
            return Err(Fault::Unreadable("Call-ID"));
        }
        let mut words = the(Name::CSeq, "CSeq")?.split_ascii_whitespace();
        let (Some(number), Some(method), None) = (words.next(), words.next(), words.next()) else {
            return Err(Fault::Unreadable("CSeq"));
        };
        // Section 8.1.1.5: less than 2^31.
        let number = number.parse().ok().filter(|number| *number < 1 << 31).ok_or(Fault::Unreadable("CSeq"))?;
        Ok(Self { hops, from, to, number, method: method.to_owned() })
    }
}

/// Every extension that is required must be known (section 8.2.2.3).
fn understood(split: &Split<'_>) -> Result<(), Fault> {
    let unknown: Vec<_> = split
        .all(Name::Require)
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty() && !EXTENSIONS.split(", ").any(|known| known.eq_ignore_ascii_case(tag)))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Fault::Extension(unknown.join(", "))) }
}

/// The body: as long as it says; without a word, a datagram to its end and a stream none (section 18.3).
fn content<'a>(split: &Split<'a>, from: &Origin) -> Result<&'a [u8], Fault> {
    match split.only(Name::ContentLength)? {
        Some(length) => {
            let length: usize = length.parse().map_err(|_| Fault::Unreadable("Content-Length"))?;
            split.body.get(..length).ok_or(Fault::CutOff)
        }
        None if from.stream => Ok(&[]),
        None => Ok(split.body),
    }
}

/// The message as it goes to the stack.
struct Writing {
    start: String,
    hops: Vec<Via>,
    from: Address,
    to: Address,
    cseq: String,
    extra: Vec<String>,
}

impl Writing {
    fn new(start: &str, common: Common) -> Self {
        Self {
            start: start.to_owned(),
            hops: common.hops,
            from: common.from,
            to: common.to,
            cseq: format!("{} {}", common.number, common.method),
            extra: Vec::new(),
        }
    }

    fn finish(self, split: &Split<'_>, body: &Body<'_>, content: &[u8]) -> Result<Vec<u8>, Fault> {
        let (content, of_parts) = match body {
            Body::AsItIs => (content, false),
            Body::Sdp(sdp) => (*sdp, true),
            Body::Without => (&[][..], true),
        };
        let mut text = format!("{}\r\n", self.start);
        let mut line = |name: &str, value: &str| {
            [name, ": ", value, "\r\n"].into_iter().for_each(|piece| text.push_str(piece));
        };
        let mut hops = Some(&self.hops);
        let mut length = false;
        for field in &split.fields {
            match field.name {
                // All hops stand where the first stood: their order is what counts.
                Name::Via => hops.take().into_iter().flatten().for_each(|hop| line("Via", &hop.to_string())),
                Name::From => line("From", &self.from.to_string()),
                Name::To => line("To", &self.to.to_string()),
                Name::CSeq => line("CSeq", &self.cseq),
                Name::ContentLength => {
                    line("Content-Length", &content.len().to_string());
                    length = true;
                }
                Name::Contact | Name::Route | Name::RecordRoute | Name::AssertedIdentity | Name::PreferredIdentity => {
                    line(label(field), &addresses(field)?)
                }
                Name::ContentType | Name::ContentEncoding | Name::ContentDisposition | Name::Other(_)
                    if of_parts && body::is_about_parts(field) => {}
                Name::CallId
                | Name::MaxForwards
                | Name::Require
                | Name::Accept
                | Name::ContentType
                | Name::ContentEncoding
                | Name::ContentDisposition
                | Name::Other(_) => line(label(field), &field.value),
            }
        }
        if of_parts && !content.is_empty() {
            line("Content-Type", "application/sdp");
        }
        if !length {
            line("Content-Length", &content.len().to_string());
        }
        for extra in &self.extra {
            text.push_str(&format!("{extra}\r\n"));
        }
        text.push_str("\r\n");
        let mut message = text.into_bytes();
        message.extend_from_slice(content);
        Ok(message)
    }
}

/// The name under which a field goes on: as it came, or the long form of a compact one.
fn label<'a>(field: &'a Field<'_>) -> &'a str {
    field.name.long().filter(|_| field.label.len() == 1).unwrap_or(&field.label)
}

/// A list of addresses, in one form; what the stack goes by must be readable.
fn addresses(field: &Field<'_>) -> Result<String, Fault> {
    if field.value == "*" {
        return Ok(field.value.to_string());
    }
    let matters = matches!(field.name, Name::Contact | Name::Route | Name::RecordRoute);
    match Address::read_list(&field.value) {
        Some(list) => Ok(list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        None if matters => Err(Fault::Unreadable(field.name.long().unwrap_or_default())),
        // An asserted identity is often a bare number; who reads it takes what it can.
        None => Ok(split_outside(&field.value, ',').map_or_else(String::new, |_| field.value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INVITE: &str = "INVITE sip:100@pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:100@pbx.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
        Contact: <sip:a@192.0.2.1>\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";

    fn origin() -> Origin {
        Origin { address: ([192, 0, 2, 1], 5060).into(), stream: false }
    }

    fn passed(message: &str) -> String {
        match normalise(message.as_bytes(), &origin()) {
            Reading::Passed(passed) => String::from_utf8(passed.message.into_owned()).expect("UTF-8"),
            other @ (Reading::Refused(_) | Reading::Dropped(_)) => panic!("{other:?}"),
        }
    }

    fn fault(message: &str) -> Fault {
        match normalise(message.as_bytes(), &origin()) {
            Reading::Refused(refused) => refused.fault,
            Reading::Dropped(fault) => fault,
            Reading::Passed(passed) => panic!("{}", String::from_utf8_lossy(&passed.message)),
        }
    }

    #[test]
    fn a_plain_message_is_not_touched() {
        let reading = normalise(INVITE.as_bytes(), &origin());
        assert_eq!(reading, Reading::Passed(Passed { message: Cow::Borrowed(INVITE.as_bytes()), kind: Kind::Begins }));
    }

    #[test]
    fn a_name_in_latin_1_hides_nothing_behind_it() {
        let message = INVITE.replace("From: ", "Subject: M\u{1}nchen\r\nFrom: ").into_bytes();
        let message: Vec<u8> = message.into_iter().map(|byte| if byte == 1 { 0xfc } else { byte }).collect();
        let Reading::Passed(read) = normalise(&message, &origin()) else { panic!("refused") };
        let text = String::from_utf8(read.message.into_owned()).expect("UTF-8");
        assert!(text.contains("Subject: München\r\nFrom: <sip:a@192.0.2.1>;tag=1\r\n"), "{text}");
    }

    #[test]
    fn two_hops_on_a_line_become_two_lines_in_order() {
        let text = passed(&INVITE.replace("branch=z9hG4bK1", "branch=z9hG4bK1, SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK0"));
        assert!(text.contains("bK1\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK0\r\nFrom"), "{text}");
    }

    #[test]
    fn a_body_without_a_length_reaches_to_the_end_of_its_datagram() {
        assert_eq!(passed(&INVITE.replace("Content-Length: 5\r\n", "")), INVITE);
        assert_eq!(passed(&format!("\r\n\r\n{INVITE}and more")), INVITE);
        assert_eq!(fault(&INVITE.replace("Length: 5", "Length: 50")), Fault::CutOff);
        assert_eq!(fault(&INVITE.replace("Length: 5", "Length: -5")), Fault::Unreadable("Content-Length"));
    }

    #[test]
    fn an_extension_method_gets_501_with_what_is_allowed_and_an_ack_gets_nothing() {
        let new = INVITE.replace("INVITE", "NEWMETHOD");
        let Reading::Refused(refused) = normalise(new.as_bytes(), &origin()) else { panic!("passed") };
        let answer = String::from_utf8(refused.to_bytes()).expect("UTF-8");
        assert!(
            answer.starts_with("SIP/2.0 501 Not Implemented\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"),
            "{answer}"
        );
        assert!(answer.contains("Allow: INVITE, ACK") && answer.contains("CSeq: 1 NEWMETHOD"), "{answer}");
        assert!(answer.contains("To: <sip:100@pbx.example>;tag="), "{answer}");
        let ack = INVITE.replace("INVITE", "ACK").replace("Call-ID: 1\r\n", "");
        assert_eq!(normalise(ack.as_bytes(), &origin()), Reading::Dropped(Fault::Missing("Call-ID")));
    }

    #[test]
    fn what_has_no_meaning_is_named() {
        for (from, to, expected) in [
            ("Call-ID: 1\r\n", "", Fault::Missing("Call-ID")),
            ("Call-ID: 1\r\n", "Call-ID: 1\r\ni: 2\r\n", Fault::Twice("Call-ID")),
            ("CSeq: 1 INVITE", "CSeq: 4294967297 INVITE", Fault::Unreadable("CSeq")),
            ("CSeq: 1 INVITE", "CSeq: 1 BYE", Fault::OtherMethod),
            ("INVITE sip:100@pbx.example SIP/2.0", "INVITE sip:100@pbx.example SIP/7.0", Fault::Version),
            ("INVITE sip:100@pbx.example", "INVITE http://pbx.example", Fault::Scheme),
            ("INVITE sip:100@pbx.example", "INVITE sip:1 00@pbx.example", Fault::RequestLine),
            ("Contact: ", "Require: timer, x, y\r\nContact: ", Fault::Extension("x, y".to_owned())),
            ("INVITE sip:100@pbx.example SIP/2.0", "GET / HTTP/1.1", Fault::NotSip),
        ] {
            assert_eq!(fault(&INVITE.replace(from, to)), expected, "{to}");
        }
    }

    #[test]
    fn a_caller_of_rfc_2543_gets_a_tag_and_a_contact() {
        let old =
            INVITE.replace(";tag=1", "").replace("Contact: <sip:a@192.0.2.1>\r\n", "").replace(";branch=z9hG4bK1", "");
        let text = passed(&old);
        assert!(
            text.contains("From: <sip:a@192.0.2.1>;tag=rfc2543\r\n") && text.contains("Contact: <sip:a@192.0.2.1>\r\n"),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn every_input_is_judged(message in proptest::collection::vec(any::<u8>(), 0..600), stream in any::<bool>()) {
            let _ = normalise(&message, &Origin { stream, ..origin() });
        }

        #[test]
        fn every_mutation_is_judged_and_reading_twice_changes_nothing(
            changes in proptest::collection::vec((0..INVITE.len(), any::<u8>()), 0..8),
            cut in 0..INVITE.len(),
        ) {
            let mut message = INVITE.as_bytes().to_vec();
            for (at, byte) in changes {
                message[at] = byte;
            }
            if cut % 3 == 0 {
                message.truncate(cut);
            }
            match normalise(&message, &origin()) {
                Reading::Passed(first) => {
                    let again = normalise(&first.message, &origin());
                    let expected = Passed { message: Cow::Borrowed(&first.message), kind: first.kind };
                    prop_assert_eq!(again, Reading::Passed(expected));
                }
                Reading::Refused(refused) => {
                    let answer = refused.to_bytes();
                    prop_assert!(answer.starts_with(b"SIP/2.0 ") && answer.ends_with(b"Content-Length: 0\r\n\r\n"));
                    // Nobody makes a response of ours carry header fields of his own.
                    let text = String::from_utf8(answer).expect("UTF-8");
                    prop_assert!(text.lines().all(|line| line.is_empty() || line.starts_with("SIP/2.0 ") || line.contains(": ")));
                }
                Reading::Dropped(_) => {}
            }
        }
    }
}
