//! What goes into an invitation. In: a meeting, where its page is, and the numbers that people dial. Out: a subject, a text, and a
//! calendar file (RFC 5545, RFC 5546). The console writes the same text for those who send it by themselves
//! (`web/src/admin/pages/invitation.ts`).

use jiff::civil::Weekday;
use jiff::{Timestamp, ZonedDateTime};

use super::Meeting;
use crate::words::{Language, MailAddress, Pin};

/// What an invitation is made of.
#[derive(Clone, Copy, Debug)]
pub struct Invitation<'a> {
    /// To which meeting.
    pub meeting: &'a Meeting,
    /// How often it was written: a calendar takes a later file of the same meeting in place of an earlier one.
    pub revision: u64,
    /// In which language.
    pub language: Language,
    /// Where the pages are: `https://einwahl.stadt.example`.
    pub origin: &'a str,
    /// The numbers that people dial, as people write them.
    pub numbers: &'a [String],
    /// Who invites.
    pub organizer: &'a MailAddress,
}

/// Numbers in one invitation, and the longest of them in characters.
pub const MOST_NUMBERS: usize = 10;
const LONGEST_NUMBER: usize = 60;

/// Whether this can stand in an invitation as a number that people dial.
pub fn is_number(number: &str) -> bool {
    (1..=LONGEST_NUMBER).contains(&number.chars().count()) && !number.contains(char::is_control)
}

impl Invitation<'_> {
    /// What stands above it.
    pub fn subject(&self) -> String {
        let invite = self.say("Einladung zur Konferenz", "Invitation to the meeting");
        format!("{invite}: {}", self.title())
    }

    /// What it says.
    pub fn text(&self) -> String {
        let Self { meeting, numbers, .. } = self;
        let pin = meeting.pin.as_ref().map(Pin::expose);
        let mut lines = vec![self.subject()];
        lines.extend(self.when());
        lines.extend([String::new(), self.say("Mit dem Browser:", "By browser:").to_owned(), self.page()]);
        lines.extend(pin.map(|pin| format!("PIN: {pin}")));
        if !numbers.is_empty() {
            lines.extend([String::new(), self.say("Mit dem Telefon:", "By telephone:").to_owned()]);
            lines.extend(numbers.iter().cloned());
            let key = self.say("Dann Konferenznummer", "Then conference ID");
            let then = self.say("danach die PIN", "then the PIN");
            let pin = pin.map(|pin| format!(", {then} {pin} {} #", self.say("und", "and"))).unwrap_or_default();
            lines.push(format!("{key} {} {} #{pin}", meeting.id.as_str(), self.say("und", "and")));
        }
        lines.join("\n")
    }

    /// The event, for a calendar; none, if the meeting has no time. Nobody's answer is waited for, so it is published.
    pub fn calendar(&self, now: Timestamp) -> Option<String> {
        let opens = self.meeting.opens_at.as_ref()?;
        let utc = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let ends = self.meeting.ends_at.as_ref().map(|ends| format!("DTEND:{}", utc(ends.timestamp())));
        let host = self.origin.rsplit('/').next().unwrap_or_default();
        let host = host.split_once(':').map_or(host, |(name, _)| name);
        let head =
            ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Einwahl//Einwahl//DE", "METHOD:PUBLISH", "BEGIN:VEVENT"];
        let lines = head.into_iter().map(str::to_owned).chain([
            format!("UID:{}@{host}", self.meeting.room),
            format!("DTSTAMP:{}", utc(now)),
            format!("SEQUENCE:{}", self.revision),
            format!("ORGANIZER:mailto:{}", self.organizer.as_str()),
            format!("DTSTART:{}", utc(opens.timestamp())),
        ]);
        let lines = lines.chain(ends).chain([
            format!("SUMMARY:{}", escaped(&self.title())),
            format!("LOCATION:{}", escaped(&self.page())),
            format!("DESCRIPTION:{}", escaped(&self.text())),
            String::from("END:VEVENT"),
            String::from("END:VCALENDAR"),
        ]);
        Some(lines.map(|line| folded(&line)).collect())
    }

    fn title(&self) -> String {
        let title = self.meeting.title.trim();
        let named = if title.is_empty() { self.meeting.room.to_string() } else { title.to_owned() };
        named.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
    }

    fn page(&self) -> String {
        format!("{}/r/{}", self.origin, self.meeting.room)
    }

    /// When it begins and ends, by the clock on the wall there.
    fn when(&self) -> Option<String> {
        let times = [&self.meeting.opens_at, &self.meeting.ends_at].into_iter().flatten();
        let told: Vec<_> = times.map(|time| self.time(time)).collect();
        (!told.is_empty()).then(|| told.join(" – "))
    }

    fn time(&self, time: &ZonedDateTime) -> String {
        let (day, month) = (name_of_day(time.weekday(), self.language), name_of_month(time.month(), self.language));
        let pattern = match self.language {
            Language::De => format!("{day}, %-d. {month} %Y um %H:%M (%Z)"),
            Language::En => format!("{day}, %-d {month} %Y at %H:%M (%Z)"),
        };
        time.strftime(&pattern).to_string()
    }

    const fn say(&self, de: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::De => de,
            Language::En => en,
        }
    }
}

const fn name_of_day(day: Weekday, language: Language) -> &'static str {
    let (de, en) = match day {
        Weekday::Monday => ("Montag", "Monday"),
        Weekday::Tuesday => ("Dienstag", "Tuesday"),
        Weekday::Wednesday => ("Mittwoch", "Wednesday"),
        Weekday::Thursday => ("Donnerstag", "Thursday"),
        Weekday::Friday => ("Freitag", "Friday"),
        Weekday::Saturday => ("Samstag", "Saturday"),
        Weekday::Sunday => ("Sonntag", "Sunday"),
    };
    match language {
        Language::De => de,
        Language::En => en,
    }
}

fn name_of_month(month: i8, language: Language) -> &'static str {
    const DE: [&str; 12] = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    const EN: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let names = match language {
        Language::De => DE,
        Language::En => EN,
    };
    usize::try_from(month - 1).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
}

/// A text as a calendar writes it (RFC 5545 section 3.3.11).
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\\' | ';' | ',' => written.extend(['\\', sign]),
            '\n' => written.push_str("\\n"),
            sign if sign.is_control() => {}
            sign => written.push(sign),
        }
    }
    written
}

/// The longest line, in bytes, without its end (RFC 5545 section 3.1).
const LONGEST: usize = 75;

fn folded(line: &str) -> String {
    let mut written = String::with_capacity(line.len() + 8);
    let mut length = 0;
    for sign in line.chars() {
        if length + sign.len_utf8() > LONGEST {
            written.push_str("\r\n ");
            length = 1;
        }
        written.push(sign);
        length += sign.len_utf8();
    }
    written.push_str("\r\n");
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn committee() -> Meeting {
        let mut meeting = Meeting::new("bau".parse().expect("a room"), "12345678".parse().expect("an ID"));
        meeting.title = String::from("Bauausschuss; Straßen, Wege");
        meeting.pin = "471147".parse().ok();
        meeting.opens_at = "2026-11-25T18:00[Europe/Berlin]".parse().ok();
        meeting.ends_at = "2026-11-25T20:00[Europe/Berlin]".parse().ok();
        meeting
    }

    fn organizer() -> MailAddress {
        "einwahl@stadt.example".parse().expect("an address")
    }

    fn invite<'a>(meeting: &'a Meeting, numbers: &'a [String], organizer: &'a MailAddress) -> Invitation<'a> {
        let origin = "https://k.stadt.example:8443";
        Invitation { meeting, revision: 3, language: Language::De, origin, numbers, organizer }
    }

    #[test]
    fn an_invitation_says_how_one_comes_in_by_browser_and_by_telephone() {
        let (meeting, organizer) = (committee(), organizer());
        let numbers = [String::from("030 9018 4000"), String::from("+49 30 9018 4000")];
        let invitation = invite(&meeting, &numbers, &organizer);
        assert_eq!(
            invitation.text(),
            "Einladung zur Konferenz: Bauausschuss; Straßen, Wege\n\
             Mittwoch, 25. November 2026 um 18:00 (CET) – Mittwoch, 25. November 2026 um 20:00 (CET)\n\n\
             Mit dem Browser:\nhttps://k.stadt.example:8443/r/bau\nPIN: 471147\n\n\
             Mit dem Telefon:\n030 9018 4000\n+49 30 9018 4000\n\
             Dann Konferenznummer 12345678 und #, danach die PIN 471147 und #"
        );
        let english = Invitation { language: Language::En, numbers: &[], ..invitation }.text();
        assert!(english.contains("Wednesday, 25 November 2026 at 18:00 (CET)") && english.contains("By browser:"));
        assert!(!english.contains("By telephone"), "{english}");
    }

    #[test]
    fn who_needs_no_pin_is_told_none_and_who_leads_is_told_nobody_elses() {
        let (mut meeting, organizer) = (committee(), organizer());
        meeting.moderator_pin = "08150815".parse().ok();
        let numbers = [String::from("115")];
        assert!(!invite(&meeting, &numbers, &organizer).text().contains("08150815"));
        meeting.pin = None;
        let text = invite(&meeting, &numbers, &organizer).text();
        assert!(!text.contains("PIN") && text.ends_with("12345678 und #"), "{text}");
    }

    #[test]
    fn a_calendar_file_has_utc_escaped_texts_and_short_lines() {
        let (mut meeting, organizer) = (committee(), organizer());
        let now = "2026-11-20T08:00:00Z".parse().expect("a time");
        let file = invite(&meeting, &[], &organizer).calendar(now).expect("it has a time");
        assert!(file.contains("DTSTART:20261125T170000Z\r\nDTEND:20261125T190000Z\r\n"), "{file}");
        assert!(file.contains("SUMMARY:Bauausschuss\\; Straßen\\, Wege\r\n"), "{file}");
        assert!(file.contains("UID:bau@k.stadt.example\r\nDTSTAMP:20261120T080000Z\r\nSEQUENCE:3\r\n"), "{file}");
        assert!(file.split("\r\n").all(|line| line.len() <= 75));
        meeting.opens_at = None;
        assert_eq!(invite(&meeting, &[], &organizer).calendar(now), None, "no calendar has a place for it");
    }

    proptest! {
        #[test]
        fn no_title_breaks_out_of_its_line(title in any::<String>()) {
            let (mut meeting, organizer) = (committee(), organizer());
            meeting.title = title;
            let invitation = invite(&meeting, &[], &organizer);
            let now = "2026-11-20T08:00:00Z".parse().expect("a time");
            let file = invitation.calendar(now).expect("it has a time");
            prop_assert!(file.split("\r\n").all(|line| line.len() <= 75));
            let unfolded = file.replace("\r\n ", "");
            prop_assert!(!unfolded.replace("\r\n", "").contains(['\r', '\n']));
            prop_assert_eq!(unfolded.split("\r\n").count(), 17);
            prop_assert!(!invitation.subject().contains(['\r', '\n']));
        }
    }
}
