//! Events of an iCalendar file. In: the file. Out: when something is on, as far as public holidays are known, too.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};

use super::super::file::File;
use super::super::foreign::of_recurrence;
use super::super::table::Mistake;
use super::lines::{Line, lines};
use super::{Calendar, joined};
use crate::words::{Both, both};

/// What comes later is not looked at.
const LAST: DateTime = date(2040, 12, 31).at(23, 59, 59, 0);
/// So often an event may come again.
const MOST_TIMES: u16 = 20_000;
/// So many events a file may have, and so many of them that come again.
const MOST_EVENTS: usize = 20_000;
const MOST_RULES: usize = 500;

const DATES: (&str, &str) = (
    "Schreiben Sie einen Tag wie 20261224 oder eine Zeit wie 20261224T080000, mit einem Z dahinter für UTC",
    "write a day like 20261224, or a time like 20261224T080000, with a Z behind it for UTC",
);

impl Calendar {
    /// Reads the events of a file.
    pub(in super::super) fn read(file: &File) -> (Self, Vec<Mistake>) {
        let (events, mut mistakes) = events(file);
        let mut found = Self::default();
        let moved = moved(&events);
        let mut rules = 0;
        for event in events.iter().filter(|event| !event.is_cancelled()) {
            rules += usize::from(event.get("RRULE").is_some());
            if rules > MOST_RULES {
                let help = Both::new(
                    "Schreiben Sie weniger davon, oder nennen Sie ihre Tage einzeln",
                    "write fewer, or name their days one by one",
                );
                let message =
                    both!("Mehr als {} Termine wiederholen sich", "more than {} events come again", MOST_RULES);
                mistakes.push((event.span.clone(), message, help));
                break;
            }
            if let Err(mistake) = event.add_to(&mut found, &moved) {
                mistakes.push(mistake);
            }
        }
        let Self { days, wall, moments } = found;
        (Self { days: joined(days), wall: joined(wall), moments: joined(moments) }, mistakes)
    }
}

/// Each `VEVENT`; what else a calendar holds is left aside.
fn events(file: &File) -> (Vec<Event>, Vec<Mistake>) {
    let (mut events, mut mistakes): (Vec<Event>, Vec<Mistake>) = (Vec::new(), Vec::new());
    let mut inside: Vec<String> = Vec::new();
    let mut told_of_odd = false;
    for line in lines(&file.text) {
        let line = match line {
            Ok(line) => line,
            Err(_) if told_of_odd => continue,
            Err(span) => {
                told_of_odd = true;
                let help = Both::new(
                    "Eine Zeile eines Kalenders hat die Form NAME:Wert; exportieren Sie die Datei neu",
                    "a line of a calendar is written NAME:value; export the file anew",
                );
                let message = Both::new("Diese Zeile kann nicht gelesen werden", "this line cannot be read");
                mistakes.push((span, message, help));
                continue;
            }
        };
        if inside.is_empty() && !(line.name == "BEGIN" && line.value.eq_ignore_ascii_case("VCALENDAR")) {
            let help = Both::new(
                "Exportieren Sie ihn als iCalendar (.ics): er beginnt mit BEGIN:VCALENDAR",
                "export it as iCalendar (.ics): it begins with BEGIN:VCALENDAR",
            );
            mistakes.push((line.span, Both::new("Das ist kein Kalender", "this is no calendar"), help));
            return (events, mistakes);
        }
        let is_event = inside.len() == 2 && inside.last().is_some_and(|name| name == "VEVENT");
        match line.name.as_str() {
            "BEGIN" => {
                inside.push(line.value.to_ascii_uppercase());
                if inside.len() == 2 && line.value.eq_ignore_ascii_case("VEVENT") {
                    events.push(Event { lines: Vec::new(), span: line.span });
                }
            }
            "END" if inside.last().is_some_and(|name| line.value.eq_ignore_ascii_case(name)) => drop(inside.pop()),
            "END" => {
                let open = inside.last().map_or("", String::as_str);
                let message = both!("{} endet hier als {}", "{} ends here as {}", open, line.value);
                let help = both!("Vor dieser Zeile fehlt END:{}", "END:{} is missing before this line", open);
                mistakes.push((line.span, message, help));
                return (events, mistakes);
            }
            _ if is_event => {
                if let Some(event) = events.last_mut() {
                    event.lines.push(line);
                }
            }
            _ => {}
        }
        if events.len() > MOST_EVENTS {
            let help = Both::new("Teilen Sie ihn auf mehrere Dateien auf", "split it into several files");
            let message =
                both!("Dieser Kalender hat mehr als {} Termine", "this calendar has more than {} events", MOST_EVENTS);
            mistakes.push((0..1, message, help));
            return (events, mistakes);
        }
    }
    if let Some(open) = inside.last() {
        let help =
            Both::new("Die Datei ist abgeschnitten: Exportieren Sie sie neu", "the file was cut off: export it anew");
        let message = both!("END:{} fehlt", "END:{} is missing", open);
        mistakes.push((file.text.len()..file.text.len(), message, help));
    }
    (events, mistakes)
}

struct Event {
    lines: Vec<Line>,
    span: Range<usize>,
}

/// When something begins.
#[derive(Clone, Debug)]
enum Moment {
    Day(Date),
    Wall(DateTime, Option<TimeZone>),
}

impl Moment {
    /// By the clock on the wall of a zone; that of a day is midnight.
    fn on_the_wall(&self, zone: Option<&TimeZone>) -> DateTime {
        match (self, zone) {
            (Self::Day(day), _) => day.at(0, 0, 0, 0),
            (Self::Wall(time, Some(own)), Some(zone)) => own
                .to_ambiguous_zoned_datetime(*time)
                .compatible()
                .map_or(*time, |there| there.with_time_zone(zone.clone()).datetime()),
            (Self::Wall(time, _), _) => *time,
        }
    }

    fn zone(&self) -> Option<&TimeZone> {
        match self {
            Self::Day(_) | Self::Wall(_, None) => None,
            Self::Wall(_, Some(zone)) => Some(zone),
        }
    }
}

/// The times of a series that another event of the same name replaces.
type Moved<'a> = BTreeMap<&'a str, Vec<Moment>>;

fn moved(events: &[Event]) -> Moved<'_> {
    let mut found = Moved::new();
    for event in events {
        if let (Some(uid), Some(Ok(moment))) = (event.get("UID"), event.get("RECURRENCE-ID").map(moment)) {
            found.entry(uid.value.as_str()).or_default().push(moment);
        }
    }
    found
}

impl Event {
    fn get(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.name == name)
    }

    fn is_cancelled(&self) -> bool {
        self.get("STATUS").is_some_and(|status| status.value.eq_ignore_ascii_case("CANCELLED"))
    }

    fn add_to(&self, calendar: &mut Calendar, moved: &Moved<'_>) -> Result<(), Mistake> {
        let Some(line) = self.get("DTSTART") else {
            let help = Both::new("Ergänzen Sie DTSTART;VALUE=DATE:20261224", "add DTSTART;VALUE=DATE:20261224");
            let message =
                Both::new("Dieser Termin sagt nicht, wann er beginnt", "this event does not say when it begins");
            return Err((self.span.clone(), message, help));
        };
        let start = moment(line)?;
        let zone = start.zone();
        let begin = start.on_the_wall(zone);
        let length = self.length(&start, begin)?;
        for time in self.times(&start, begin, moved)? {
            let Some(end) = length.after(time) else { continue };
            match &start {
                Moment::Day(_) => calendar.days.push(time.date()..end.date()),
                Moment::Wall(_, None) => calendar.wall.push(time..end),
                Moment::Wall(_, Some(zone)) => {
                    let there = |time: DateTime| {
                        zone.to_ambiguous_zoned_datetime(time).compatible().map(|time| time.timestamp())
                    };
                    if let (Ok(time), Ok(end)) = (there(time), there(end)) {
                        calendar.moments.push(time..end);
                    }
                }
            }
        }
        Ok(())
    }

    fn length(&self, start: &Moment, begin: DateTime) -> Result<Length, Mistake> {
        let length = if let Some(line) = self.get("DTEND") {
            let end = moment(line)?.on_the_wall(start.zone());
            let same_day = matches!(start, Moment::Day(_)) && end == begin;
            if end < begin {
                let help = Both::new("DTEND liegt nach DTSTART", "DTEND is behind DTSTART");
                let message = Both::new("Dieser Termin endet, bevor er beginnt", "this event ends before it begins");
                return Err((line.span.clone(), message, help));
            }
            if same_day { Length::Days(1) } else { Length::Time(begin.duration_until(end)) }
        } else if let Some(line) = self.get("DURATION") {
            let span: Option<Span> = line.value.parse().ok();
            let end = span.and_then(|span| begin.checked_add(span).ok()).filter(|end| *end >= begin);
            let Some(end) = end else {
                let help = Both::new("Schreiben Sie PT1H30M oder P1D", "write PT1H30M or P1D");
                let message = both!("{:?} ist keine Dauer", "{:?} is no duration", line.value);
                return Err((line.span.clone(), message, help));
            };
            Length::Time(begin.duration_until(end))
        } else if matches!(start, Moment::Day(_)) {
            Length::Days(1)
        } else {
            Length::Time(SignedDuration::ZERO)
        };
        Ok(length)
    }

    /// When it begins, each time that it does.
    fn times(&self, start: &Moment, begin: DateTime, moved: &Moved<'_>) -> Result<BTreeSet<DateTime>, Mistake> {
        let zone = start.zone();
        let mut times = BTreeSet::from([begin]);
        for line in self.all("RRULE") {
            times.extend(again(line, begin, zone)?);
        }
        for line in self.all("RDATE") {
            times.extend(moments(line)?.iter().map(|moment| moment.on_the_wall(zone)));
        }
        for line in self.all("EXDATE") {
            for moment in moments(line)? {
                leave_out(&mut times, &moment, zone);
            }
        }
        if self.get("RECURRENCE-ID").is_none() {
            let replaced = self.get("UID").and_then(|uid| moved.get(uid.value.as_str()));
            replaced.into_iter().flatten().for_each(|moment| leave_out(&mut times, moment, zone));
        }
        Ok(times)
    }
}

#[derive(Clone, Copy)]
enum Length {
    Days(i64),
    Time(SignedDuration),
}

impl Length {
    fn after(self, time: DateTime) -> Option<DateTime> {
        match self {
            Self::Days(days) => time.checked_add(Span::new().try_days(days).ok()?).ok(),
            Self::Time(length) => time.checked_add(length).ok(),
        }
    }
}

fn leave_out(times: &mut BTreeSet<DateTime>, moment: &Moment, zone: Option<&TimeZone>) {
    match moment {
        Moment::Day(day) => times.retain(|time| time.date() != *day),
        Moment::Wall(..) => drop(times.remove(&moment.on_the_wall(zone))),
    }
}

/// RRULE (RFC 5545 section 3.3.10), by the clock on the wall: that of the zone stands in for UTC.
fn again(line: &Line, begin: DateTime, zone: Option<&TimeZone>) -> Result<Vec<DateTime>, Mistake> {
    let wrong = |message: Both| (line.span.clone(), message, RECURRENCE.into());
    if begin > LAST {
        return Ok(Vec::new());
    }
    let mut parts: Vec<String> = Vec::new();
    let mut until = LAST;
    for part in line.value.split(';').filter(|part| !part.is_empty()) {
        match part.split_once('=').map(|(name, value)| (name.to_ascii_uppercase(), value)) {
            Some((name, value)) if name == "UNTIL" => {
                until = match moment(&line.with(value))? {
                    Moment::Day(day) => day.at(23, 59, 59, 0),
                    time @ Moment::Wall(..) => time.on_the_wall(zone),
                };
            }
            Some((name, value)) if name == "FREQ" && !COARSE.contains(&value.to_ascii_uppercase().as_str()) => {
                return Err(wrong(both!(
                    "Ein Termin kann sich nicht {} wiederholen: Höchstens täglich",
                    "an event cannot come again {}: every day is the most",
                    value
                )));
            }
            Some(_) => parts.push(part.to_ascii_uppercase()),
            None => {
                let message = both!("{:?} ist kein Teil einer Wiederholung", "{:?} is no part of a rule", part);
                return Err(wrong(message));
            }
        }
    }
    let is_counted = parts.iter().any(|part| part.starts_with("COUNT="));
    if !is_counted {
        parts.push(format!("UNTIL={}Z", until.min(LAST).strftime("%Y%m%dT%H%M%S")));
    }
    if until < begin {
        return Ok(Vec::new());
    }
    let text = format!("DTSTART:{}Z\nRRULE:{}", begin.strftime("%Y%m%dT%H%M%S"), parts.join(";"));
    let set: rrule::RRuleSet =
        text.parse().map_err(|error: rrule::RRuleError| wrong(of_recurrence(&error.to_string())))?;
    let all = set.all(MOST_TIMES);
    if all.limited && all.dates.len() >= usize::from(MOST_TIMES) {
        return Err(wrong(both!(
            "Dieser Termin wiederholt sich mehr als {}-mal",
            "this event comes again more than {} times",
            MOST_TIMES
        )));
    }
    let on_the_wall = |seconds: i64| jiff::Timestamp::from_second(seconds).ok().map(|at| TimeZone::UTC.to_datetime(at));
    let times = all.dates.iter().filter_map(|time| on_the_wall(time.timestamp()));
    Ok(times.filter(|time| *time <= until.min(LAST)).collect())
}

const RECURRENCE: (&str, &str) = (
    "Schreiben Sie eine Wiederholung wie FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270131T000000Z",
    "write a rule like FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270131T000000Z",
);
const COARSE: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

fn moments(line: &Line) -> Result<Vec<Moment>, Mistake> {
    // A period begins with its time (RFC 5545 section 3.3.9).
    line.value.split(',').map(|value| moment(&line.with(value.split('/').next().unwrap_or(value)))).collect()
}

fn moment(line: &Line) -> Result<Moment, Mistake> {
    let wrong = || {
        let message = both!("{:?} ist weder Tag noch Zeit", "{:?} is no day and no time", line.value);
        (line.span.clone(), message, DATES.into())
    };
    if line.value.len() == 8 {
        return Date::strptime("%Y%m%d", &line.value).map(Moment::Day).map_err(|_| wrong());
    }
    let (text, is_utc) = line.value.strip_suffix('Z').map_or((line.value.as_str(), false), |text| (text, true));
    let time = DateTime::strptime("%Y%m%dT%H%M%S", text).map_err(|_| wrong())?;
    if is_utc {
        return Ok(Moment::Wall(time, Some(TimeZone::UTC)));
    }
    let Some(name) = line.parameter("TZID") else { return Ok(Moment::Wall(time, None)) };
    let zone = zone(name).ok_or_else(|| {
        let help = Both::new("Schreiben Sie eine wie TZID=Europe/Berlin", "write one like TZID=Europe/Berlin");
        (line.span.clone(), both!("{:?} ist keine Zeitzone", "{:?} is no time zone", name), help)
    })?;
    Ok(Moment::Wall(time, Some(zone)))
}

/// A zone by its IANA name, alone or behind that of whoever made the file, or by the name that Outlook gives it.
fn zone(name: &str) -> Option<TimeZone> {
    let outlook = OUTLOOK.iter().find(|(theirs, _)| *theirs == name).map(|(_, zone)| *zone);
    let tail = |parts: usize| {
        let at = name.rmatch_indices('/').nth(parts - 1)?.0;
        name.get(at + 1..)
    };
    let names = [Some(name), outlook, tail(2), tail(3)];
    names.into_iter().flatten().find_map(|name| TimeZone::get(name).ok())
}

/// Names of zones of Europe in files that Outlook and Exchange write.
const OUTLOOK: [(&str, &str); 8] = [
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("FLE Standard Time", "Europe/Helsinki"),
    ("GMT Standard Time", "Europe/Dublin"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
];
