//! The language in which a command tells things.

use clap::Args;
use einwahl::words::Language;

/// See the module.
#[derive(Args, Clone, Copy, Default)]
pub struct Tongue {
    /// The language of what is told: de or en; left out, that of LC_ALL, LC_MESSAGES or LANG
    #[arg(long)]
    language: Option<Language>,
}

impl Tongue {
    pub fn language(self) -> Language {
        self.language.unwrap_or_else(session)
    }
}

/// That of whoever has signed in here: the first of these that is set says it (POSIX, 8.2); English, if it is none of ours.
pub fn session() -> Language {
    let set = |name: &str| std::env::var(name).ok().filter(|locale| !locale.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
    locale.and_then(|locale| locale.parse().ok()).unwrap_or(Language::En)
}
