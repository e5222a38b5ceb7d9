//! Opening hours: `[hours.NAME]`.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::hours::{Hours, Span};
use super::super::vocabulary::{HOURS, names};
use super::super::window::days;
use super::super::{Named, Placed};
use super::{Reader, Value, list, or_another};

const SPANS: &str = "write \"08:00-12:00\", or several: [\"08:00-12:00\", \"13:00-16:00\"]";
const DATES: &str = "write \"2026-12-24\", \"2026-12-24..2027-01-01\", or \"calendar:NAME\"";

impl Reader<'_> {
    pub(super) fn office(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, "write [hours.NAME] on a line of its own") else { return };
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
                    None => self.wrong(
                        key.span(),
                        &format!("{word:?} means nothing here"),
                        &format!("known here: {}, and days like mon or mon-fri", names(HOURS)),
                    ),
                },
            }
        }
        if self.offices.iter().any(|office| office.name.value == name.value) {
            return self.wrong(
                name.span,
                &format!("there are two hours {:?}", name.value),
                "give one of them another name",
            );
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
                self.wrong(name.span.clone(), &format!("there are no hours {:?}", name.value), &help);
            }
        }
        found
    }

    fn zone(&mut self, value: &Value<'_>) -> Option<TimeZone> {
        let text = self.text(value)?;
        let zone = TimeZone::get(&text.value).ok();
        if zone.is_none() {
            self.wrong(text.span, &format!("{:?} is no time zone", text.value), "write one like Europe/Berlin");
        }
        zone
    }

    fn holidays(&mut self, value: &Value<'_>, hours: &mut Hours) {
        let Some(text) = self.text(value) else { return };
        match text.value.parse() {
            Ok(holidays) => hours.holidays = Some(holidays),
            Err(error) => {
                let error: super::super::UnknownPlace = error;
                let help = if error.near.is_empty() {
                    String::from(
                        "write a country of the EU or EEA, like \"FR\", or a part of one, like \"DE-BE\" (ISO 3166)",
                    )
                } else {
                    format!("known: {}", error.near.join(", "))
                };
                self.wrong(text.span, &error.to_string(), &help);
            }
        }
    }

    fn exceptions(&mut self, value: &Value<'_>, hours: &mut Hours) {
        let Some(table) = self.table(value, "write open = { \"2026-12-05\" = \"10:00-14:00\" }") else { return };
        for (day, spans) in table {
            let spans = self.spans(spans);
            match day.get_ref().parse() {
                Ok(date) => drop(hours.open.insert(date, spans)),
                Err(_) => {
                    self.wrong(day.span(), &format!("{:?} is no day", day.get_ref()), "write it like \"2026-12-05\"")
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
            self.wrong(text.span, &format!("{:?} are no days", text.value), DATES);
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
                    Err(_) => self.wrong(text.span.clone(), &format!("{:?} are no hours", part.trim()), SPANS),
                }
            }
        }
        found
    }
}
