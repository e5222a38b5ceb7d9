//! How long accounts and sessions last.

use std::num::NonZeroU32;

use serde::Deserialize;

/// Accounts of people who sign in. `einwahl account add NAME` makes one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// Days after which an account that nobody uses can be used no more until an administrator resets it.
    pub unused_days: NonZeroU32,
    /// Minutes after which a session ends that nobody uses.
    pub idle_minutes: NonZeroU32,
    /// Hours after which a session ends.
    pub session_hours: NonZeroU32,
}

impl Default for Accounts {
    fn default() -> Self {
        let number = |number: u32| NonZeroU32::MIN.saturating_add(number - 1);
        Self { unused_days: number(180), idle_minutes: number(30), session_hours: number(12) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_a_day_at_work_and_never_no_time() {
        let usual = Accounts::default();
        assert_eq!((usual.unused_days.get(), usual.idle_minutes.get(), usual.session_hours.get()), (180, 30, 12));
        assert!(crate::config::Config::from_toml("[accounts]\nidle_minutes = 0\n").is_err());
    }
}
