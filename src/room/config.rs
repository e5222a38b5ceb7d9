//! How one meeting is set up.

use std::time::{Duration, Instant};

/// The settings of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What the meeting is called.
    pub title: String,
    /// When it begins.
    pub opening: Opening,
    /// When it is over for all, if that is planned.
    pub end: Option<Instant>,
    /// Whether participants wait until a moderator admits them. Moderators go straight in.
    pub lobby: bool,
    /// What the room hears when somebody comes or goes.
    pub announce: Announce,
    /// How long the place of somebody whose connection broke is kept.
    pub grace: Duration,
    /// How many may be here at once, those who wait included.
    pub most: usize,
    /// How many events are kept for those who reconnect.
    pub history: usize,
    /// Whether the meeting is ours: otherwise its home institution opens, locks and ends it.
    pub at_home: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            title: String::new(),
            opening: Opening::AtOnce,
            end: None,
            lobby: false,
            announce: Announce::Chime,
            grace: Duration::from_secs(45),
            most: 1_000,
            history: 512,
            at_home: true,
        }
    }
}

/// When a meeting begins. Before that everybody waits, each alone with the music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is open from the start.
    AtOnce,
    /// At this time, whoever is there.
    At(Instant),
    /// When a moderator arrives.
    WithModerator,
    /// When its home institution says so.
    ByHome,
    /// At this time, or earlier if a moderator arrives.
    AtOrWithModerator(Instant),
}

impl Opening {
    /// The time at which it opens by itself.
    pub(super) const fn time(self) -> Option<Instant> {
        match self {
            Self::At(time) | Self::AtOrWithModerator(time) => Some(time),
            Self::AtOnce | Self::WithModerator | Self::ByHome => None,
        }
    }

    /// Whether a moderator who arrives opens it.
    pub(super) const fn by_moderator(self) -> bool {
        matches!(self, Self::WithModerator | Self::AtOrWithModerator(_))
    }
}

/// What the room hears when somebody comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Announce {
    /// Nothing.
    Nothing,
    /// A short tone, rising for an arrival and falling for a departure.
    #[default]
    Chime,
    /// The number of participants, spoken.
    Count,
}
