//! A letter as it is written (RFC 5322, RFC 2046).

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use super::Sender;
use crate::words::{Language, MailAddress};

/// What is said, and to nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Names it: a server that gets the same twice can see that.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// In which language.
    pub language: Language,
    /// What stands above it.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// A calendar file that is published with it.
    pub calendar: Option<String>,
}

/// How the calendar file is called.
const FILE: &str = "einwahl.ics";

impl Letter {
    /// As it goes to somebody; nothing, if the crate knows no such mailbox.
    pub(super) fn written(&self, from: &Sender, to: &MailAddress) -> Option<(Envelope, Vec<u8>)> {
        let to = Mailbox::new(None, to.as_str().parse().ok()?);
        let plain = SinglePart::plain(self.text.clone());
        let message = Message::builder()
            .from(from.mailbox.clone())
            .to(to)
            .subject(self.subject.clone())
            .date(SystemTime::try_from(self.at).ok()?)
            .message_id(Some(format!("<{}@{}>", self.id, from.address.domain())))
            // RFC 3834 section 5: nobody's note of absence is waited for. RFC 3282: the language.
            .raw_header(header("Auto-Submitted", "auto-generated")?)
            .raw_header(header("Content-Language", self.language.code())?);
        let message = match &self.calendar {
            None => message.singlepart(plain),
            Some(calendar) => {
                let kind = ContentType::parse("text/calendar; charset=utf-8; method=PUBLISH").ok()?;
                let file = Attachment::new(String::from(FILE)).body(calendar.clone(), kind);
                message.multipart(MultiPart::mixed().singlepart(plain).singlepart(file))
            }
        };
        let message = message.ok()?;
        Some((message.envelope().clone(), message.formatted()))
    }
}

fn header(name: &str, value: &str) -> Option<HeaderValue> {
    Some(HeaderValue::new(HeaderName::new_from_ascii(name.to_owned()).ok()?, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_ascii_names_its_reader_alone_and_keeps_every_line() {
        let letter = Letter {
            id: String::from("k7m2"),
            at: "2026-11-20T08:00:00Z".parse().expect("a time"),
            language: Language::De,
            subject: String::from("Einladung zur Konferenz: Bauausschuss; Straßen\r\nBcc: x@y.example"),
            text: format!("Grüße\n.\n{}", "ü".repeat(1_200)),
            calendar: Some(String::from("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")),
        };
        let from: Sender = "Stadt A <einwahl@stadt-a.example>".parse().expect("a sender");
        let to = "erika@stadt-b.example".parse().expect("an address");
        let (envelope, bytes) = letter.written(&from, &to).expect("written");
        assert_eq!(envelope.to().len(), 1);
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.is_ascii() && text.split("\r\n").all(|line| line.len() <= 998), "{text}");
        let head = text.split("\r\n\r\n").next().expect("a head");
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc:")), "{head}");
        for expected in [
            "From: \"Stadt A\" <einwahl@stadt-a.example>",
            "To: erika@stadt-b.example",
            "Message-ID: <k7m2@stadt-a.example>",
            "Date: Fri, 20 Nov 2026 08:00:00 +0000",
            "Auto-Submitted: auto-generated",
            "Content-Language: de",
        ] {
            assert!(head.contains(expected), "{expected} in\n{head}");
        }
        assert!(
            text.contains("text/calendar; charset=utf-8; method=PUBLISH") && text.contains("einwahl.ics"),
            "{text}"
        );
    }
}
