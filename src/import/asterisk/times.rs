//! Times of `include` and `GotoIfTime`: `8:00-16:00,mon-fri,*,*`. In: that. Out: windows of ours. Asterisk counts the last minute, too.

/// From a minute of the day until before another, on some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    days: Vec<String>,
    from: usize,
    to: usize,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: usize = 24 * 60;

/// The windows; an empty list is at any time. None if it asks for days of the month, months or a zone.
pub(super) fn read(text: &str) -> Option<Vec<Window>> {
    let parts: Vec<&str> = text.split([',', '|']).map(str::trim).collect();
    let (times, rest) = parts.split_first()?;
    let days = days(rest.first().copied().unwrap_or("*"))?;
    if rest.iter().skip(1).any(|part| !is_all(part)) {
        return None;
    }
    if is_all(times) {
        return Some(if days.is_empty() { Vec::new() } else { vec![Window { days, from: 0, to: DAY }] });
    }
    let mut found = Vec::new();
    for span in times.split('&') {
        let (from, last) = span.split_once('-').unwrap_or((span, span));
        let (from, to) = (minute(from)?, minute(last)? + 1);
        if from < to {
            found.push(Window { days: days.clone(), from, to });
        } else {
            // Past midnight: with us a window belongs to the day on which it begins, there to each day that it touches.
            found.push(Window { days: days.clone(), from, to: DAY });
            found.push(Window { days: days.clone(), from: 0, to });
        }
    }
    let is_always = |window: &Window| window.days.is_empty() && window.from == 0 && window.to == DAY;
    Some(if found.iter().any(is_always) { Vec::new() } else { found })
}

impl Window {
    /// What stands behind `when =`.
    pub(super) fn to_toml(&self) -> String {
        let clock = |minute: usize| format!("\"{:02}:{:02}\"", minute / 60, minute % 60);
        let days: Vec<String> = self.days.iter().map(|day| format!("\"{day}\"")).collect();
        let mut parts = Vec::new();
        if !days.is_empty() {
            parts.push(format!("days = [{}]", days.join(", ")));
        }
        if self.from != 0 || self.to != DAY {
            parts.push(format!("from = {}, to = {}", clock(self.from), clock(self.to)));
        }
        format!("{{ {} }}", parts.join(", "))
    }
}

fn is_all(text: &str) -> bool {
    matches!(text, "" | "*")
}

fn minute(text: &str) -> Option<usize> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (usize, usize) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Runs of days, like `mon-fri`; none for all seven.
fn days(text: &str) -> Option<Vec<String>> {
    if is_all(text) {
        return Some(Vec::new());
    }
    let day = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        DAYS.iter().position(|day| text.starts_with(day))
    };
    let mut open = [false; 7];
    for part in text.split('&') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        for at in 0..7 {
            // A range may pass Sunday.
            let is_in = if first <= last { (first..=last).contains(&at) } else { at >= first || at <= last };
            if let Some(day) = open.get_mut(at) {
                *day |= is_in;
            }
        }
    }
    if open.iter().all(|open| *open) {
        return Some(Vec::new());
    }
    let days: Vec<(bool, &str)> = open.into_iter().zip(DAYS).collect();
    let runs = days.chunk_by(|(one, _), (next, _)| one == next).filter(|run| run.iter().all(|(open, _)| *open));
    let named = runs.filter_map(|run| match run {
        [] => None,
        [(_, one)] => Some((*one).to_owned()),
        [(_, first), .., (_, last)] => Some(format!("{first}-{last}")),
    });
    Some(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_asterisk_counts_them() {
        for (text, ours) in [
            ("8:00-15:59,mon-fri,*,*", vec!["{ days = [\"mon-fri\"], from = \"08:00\", to = \"16:00\" }"]),
            ("*,sat&sun,*,*", vec!["{ days = [\"sat-sun\"] }"]),
            ("*|fri-mon|*|*", vec!["{ days = [\"mon\", \"fri-sun\"] }"]),
            (
                "08:00-12:00&13:00-17:59,wed",
                vec![
                    "{ days = [\"wed\"], from = \"08:00\", to = \"12:01\" }",
                    "{ days = [\"wed\"], from = \"13:00\", to = \"18:00\" }",
                ],
            ),
            ("18:00-07:59,*,*,*", vec!["{ from = \"18:00\", to = \"24:00\" }", "{ from = \"00:00\", to = \"08:00\" }"]),
            ("*,*,*,*", vec![]),
            ("00:00-23:59,*", vec![]),
        ] {
            let read = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.iter().map(Window::to_toml).collect::<Vec<_>>(), ours, "{text}");
        }
        for odd in [
            "*,*,24-26,dec",
            "*,*,1,*",
            "8-16,mon",
            "25:00-26:00,*",
            "8:00-9:00,monday-someday",
            "8:00-9:00,*,*,*,Europe/Berlin",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
