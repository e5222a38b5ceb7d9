//! What is set, and what is read of it, as far as it is known before a call.

use super::super::super::ledger::At;
use super::super::super::reason::Reason;
use super::super::pattern::Shift;
use super::super::read::{LONGEST, arguments};
use super::{Flow, Scope, Walk};

impl Walk<'_> {
    pub(super) fn set(&mut self, at: At, args: &str, scope: &mut Scope, lines: &mut Vec<At>) -> Flow {
        for setting in arguments(args) {
            let Some((name, value)) = setting.split_once('=') else { return self.passed(at, Reason::Unreadable) };
            let name = name.trim().trim_start_matches('_');
            let function = name.split('(').next().unwrap_or_default().to_ascii_uppercase();
            match (function.as_str(), name.contains('(')) {
                ("CALLERID", _) => return self.passed(at, Reason::CallerName),
                ("CHANNEL", true) if name.contains("(language)") => scope.language = value.trim().parse().ok(),
                ("CDR" | "TIMEOUT" | "CHANNEL", true) => return self.passed(at, Reason::Itself(name.to_owned())),
                (_, true) if function != "GLOBAL" => return self.passed(at, Reason::Unknown(name.to_owned())),
                _ => {
                    let bare = name.strip_prefix("GLOBAL(").and_then(|name| name.strip_suffix(')')).unwrap_or(name);
                    match self.expanded(value.trim().trim_matches('"'), scope) {
                        Ok(value) => drop(scope.variables.insert(bare.to_owned(), value)),
                        Err(variable) => {
                            scope.variables.remove(bare);
                            return self.passed(at, Reason::Variable(variable));
                        }
                    }
                }
            }
        }
        lines.push(at);
        Flow::Next
    }

    /// With variables filled in; or the name of one of which nothing is known before a call. Of the number that was dialled, `{called}`.
    pub(super) fn expanded(&mut self, text: &str, scope: &Scope) -> Result<String, String> {
        let mut text = text.to_owned();
        for _ in 0..50 {
            if let Some(at) = text.find("$[") {
                return Err(text.get(at..).unwrap_or_default().chars().take(40).collect());
            }
            // The innermost first: a name may be made of variables.
            let Some(begin) = text.rfind("${") else { return Ok(text) };
            let inside = text.get(begin + 2..).unwrap_or_default();
            let Some((name, behind)) = inside.split_once('}') else { return Err(text) };
            // `{called}` itself has brackets.
            let (name, behind) = match name.find("{called") {
                Some(_) => return Err(text),
                None => (name, behind),
            };
            let value = self.value(name, scope).ok_or_else(|| format!("${{{name}}}"))?;
            text = format!("{}{value}{behind}", text.get(..begin).unwrap_or_default());
            if text.len() > LONGEST {
                break;
            }
        }
        Err(text.chars().take(40).collect())
    }

    fn value(&mut self, name: &str, scope: &Scope) -> Option<String> {
        let mut parts = name.split(':');
        let (bare, skip, length) = (parts.next()?.trim(), parts.next(), parts.next());
        let skip: i64 = skip.map_or(Some(0), |skip| skip.trim().parse().ok())?;
        let bare = bare.strip_prefix("GLOBAL(").and_then(|name| name.strip_suffix(')')).unwrap_or(bare);
        let value = match bare {
            "EXTEN" | "MACRO_EXTEN" => match &scope.number {
                Some(number) => number.clone(),
                None if length.is_some() => return None,
                None if skip == 0 => return Some(scope.shift.written()),
                None => return scope.shift.skip(skip).map(Shift::written),
            },
            name => match scope.variables.get(name) {
                Some(value) => value.clone(),
                None => {
                    let (value, at) = self.conf.globals.get(name)?;
                    self.ledger.carried(*at, "[globals]");
                    value.clone()
                }
            },
        };
        if skip == 0 && length.is_none() {
            return Some(value);
        }
        let count = i64::try_from(value.chars().count()).ok()?;
        let from = usize::try_from(if skip < 0 { (count + skip).max(0) } else { skip }).ok()?;
        let length: i64 = length.map_or(Some(count), |length| length.trim().parse().ok())?;
        let rest: Vec<char> = value.chars().skip(from).collect();
        let left = i64::try_from(rest.len()).ok()?;
        let take = usize::try_from(if length < 0 { (left + length).max(0) } else { length }).ok()?;
        Some(rest.into_iter().take(take).collect())
    }
}
