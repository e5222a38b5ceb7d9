//! Opening hours: `[hours.NAME]`.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::hours::{Hours, Span};
use super::super::problem::there_are;
use super::super::vocabulary::{HOURS, names};
use super::super::window::days;
use super::super::{Named, Placed};
use super::{ANOTHER_NAME, Reader, Value, list, means_nothing, on_its_own, or_another};
use crate::words::both;

const SPANS: (&str, &str) = (
    "Schreiben Sie \"08:00-12:00\" oder mehrere: [\"08:00-12:00\", \"13:00-16:00\"]",
    "write \"08:00-12:00\", or several: [\"08:00-12:00\", \"13:00-16:00\"]",
);
const DATES: (&str, &str) = (
    "Schreiben Sie \"2026-12-24\", \"2026-12-24..2027-01-01\" oder \"calendar:NAME\"",
    "write \"2026-12-24\", \"2026-12-24..2027-01-01\", or \"calendar:NAME\"",
);

const PLACE: (&str, &str) = (
    "Schreiben Sie ein Land der EU oder des EWR, etwa \"FR\", oder einen Teil davon, etwa \"DE-BE\" (ISO 3166)",
    "write a country of the EU or EEA, like \"FR\", or a part of one, like \"DE-BE\" (ISO 3166)",
);

impl Reader<'_> {
    pub(super) fn office(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, on_its_own("hours")) else { return };
        let mut hours = Hours::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "comment" => {}
                "zone" => hours.zone = self.zone(value),
                "holidays" => self.holidays(value, &mut hours),
                "closed" => list(Some(value)).into_iter().for_each(|days| self.closed(days, &mut hours)),
                "open" => self.exceptions(value, &mut hours),
                word => match days(word) {
                    Some(named) => {
                        let spans = self.spans(value);
                        for day in named {
                            let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
                            if let Some(day) = hours.week.get_mut(at) {
                                day.extend(&spans);
                            }
                        }
                    }
                    None => {
                        let help = both!(
                            "Bekannt sind hier: {}, und Tage wie mon oder mon-fri",
                            "known here: {}, and days like mon or mon-fri",
                            names(HOURS)
                        );
                        self.wrong(key.span(), means_nothing(word), help);
                    }
                },
            }
        }
        if self.offices.iter().any(|office| office.name.value == name.value) {
            let message = both!("Die Öffnungszeiten {:?} gibt es zweimal", "there are two hours {:?}", name.value);
            return self.wrong(name.span, message, ANOTHER_NAME);
        }
        self.offices.push(Named { name, value: hours, used: false });
    }

    pub(super) fn some_office(&mut self, name: &Placed<String>) -> Option<usize> {
        let found = self.offices.iter().position(|office| office.name.value == name.value);
        match found.and_then(|found| self.offices.get_mut(found)) {
            Some(office) => office.used = true,
            None => {
                let known: Vec<&str> = self.offices.iter().map(|office| office.name.value.as_str()).collect();
                let help = or_another(&known, "hours", &name.value);
                let message = both!("Die Öffnungszeiten {:?} gibt es nicht", "there are no hours {:?}", name.value);
                self.wrong(name.span.clone(), message, help);
            }
        }
        found
    }

    fn zone(&mut self, value: &Value<'_>) -> Option<TimeZone> {
        let text = self.text(value)?;
        let zone = TimeZone::get(&text.value).ok();
        if zone.is_none() {
            let message = both!("{:?} ist keine Zeitzone", "{:?} is no time zone", text.value);
            self.wrong(text.span, message, ("Schreiben Sie eine wie Europe/Berlin", "write one like Europe/Berlin"));
        }
        zone
    }

    fn holidays(&mut self, value: &Value<'_>, hours: &mut Hours) {
        let Some(text) = self.text(value) else { return };
        match text.value.parse() {
            Ok(holidays) => hours.holidays = Some(holidays),
            Err(error) => {
                let error: super::super::UnknownPlace = error;
                let help = there_are(&error.near, PLACE);
                let message = both!(
                    "Die Feiertage von {:?} sind nicht bekannt",
                    "the public holidays of {:?} are not known",
                    text.value
                );
                self.wrong(text.span, message, help);
            }
        }
    }

    fn exceptions(&mut self, value: &Value<'_>, hours: &mut Hours) {
        let help = (
            "Schreiben Sie open = { \"2026-12-05\" = \"10:00-14:00\" }",
            "write open = { \"2026-12-05\" = \"10:00-14:00\" }",
        );
        let Some(table) = self.table(value, help) else { return };
        for (day, spans) in table {
            let spans = self.spans(spans);
            match day.get_ref().parse() {
                Ok(date) => drop(hours.open.insert(date, spans)),
                Err(_) => {
                    let help = ("Schreiben Sie ihn so: \"2026-12-05\"", "write it like \"2026-12-05\"");
                    self.wrong(day.span(), both!("{:?} ist kein Tag", "{:?} is no day", day.get_ref()), help);
                }
            }
        }
    }

    fn closed(&mut self, value: &Value<'_>, hours: &mut Hours) {
        let Some(text) = self.text(value) else { return };
        match text.value.strip_prefix("calendar:") {
            Some(name) => {
                let name = Placed { value: name.trim().to_owned(), ..text };
                let found = self.some_calendar(&name).and_then(|found| self.calendars.get(found));
                hours.calendars.extend(found.map(|calendar| calendar.value.clone()));
            }
            None => hours.closed.extend(self.dates(text)),
        }
    }

    fn dates(&mut self, text: Placed<String>) -> Option<RangeInclusive<Date>> {
        let (first, last) = text.value.split_once("..").unwrap_or((&text.value, &text.value));
        let both = first.trim().parse::<Date>().ok().zip(last.trim().parse::<Date>().ok());
        let range = both.filter(|(first, last)| first <= last).map(|(first, last)| first..=last);
        if range.is_none() {
            self.wrong(text.span, both!("{:?} sind keine Tage", "{:?} are no days", text.value), DATES);
        }
        range
    }

    fn spans(&mut self, value: &Value<'_>) -> Vec<Span> {
        let mut found: Vec<Span> = Vec::new();
        for item in list(Some(value)) {
            let Some(text) = self.text(item) else { continue };
            for part in text.value.split(',') {
                match part.parse() {
                    Ok(span) => found.push(span),
                    Err(_) => {
                        let message = both!("{:?} ist keine Zeit von bis", "{:?} are no hours", part.trim());
                        self.wrong(text.span.clone(), message, SPANS);
                    }
                }
            }
        }
        found
    }
}
