//! Every prompt as sound: what the binary carries, or what an institution puts in its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::prompt::{Prompt, Spoken};
use super::sound;
pub use super::sound::Unusable;
use crate::words::Language;

/// Every prompt in every language: 16 kHz mono.
#[derive(Clone)]
pub struct Library(BTreeMap<Spoken, Arc<[i16]>>);

/// A sound file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}")]
pub struct Problem {
    /// Which file, below the folder of replacements.
    pub path: String,
    /// Why not.
    pub why: Unusable,
}

impl Library {
    /// The endings of replacements, in the order in which they are looked for.
    pub const ENDINGS: [&str; 3] = ["wav", "opus", "ogg"];

    /// Reads every sound. `replacement` is asked for the content of each file that an institution may have put in its
    /// folder (`de/ask-pin.wav`, `sounds/hold-music.opus`) and says `None` if there is none. All that is wrong with
    /// replacements is told at once.
    pub fn load(mut replacement: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Self, Vec<Problem>> {
        let (mut sounds, mut problems) = (BTreeMap::new(), Vec::new());
        for spoken in every() {
            let path = spoken.path();
            let own = Self::ENDINGS.iter().map(|ending| format!("{path}.{ending}")).find_map(|file| {
                let content = replacement(&file)?;
                Some((file, content))
            });
            let (file, sound) = match own {
                Some((file, content)) => (file, sound::read(&content)),
                None => (path, sound::read(spoken.prompt.carried(spoken.language))),
            };
            match sound {
                Ok(sound) => drop(sounds.insert(spoken, Arc::from(sound))),
                Err(why) => problems.push(Problem { path: file, why }),
            }
        }
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        problems.dedup(); // music and tones are asked for once a language
        if problems.is_empty() { Ok(Self(sounds)) } else { Err(problems) }
    }

    /// The sound of that prompt: 16 kHz mono. Nothing only for a number that is not spoken.
    pub fn sound(&self, spoken: Spoken) -> Option<Arc<[i16]>> {
        self.0.get(&spoken).cloned()
    }

    /// The names under which sounds can be replaced, without the ending, to tell a misspelt file from a used one.
    pub fn paths() -> impl Iterator<Item = String> {
        every().map(Spoken::path)
    }
}

fn every() -> impl Iterator<Item = Spoken> {
    Language::ALL.into_iter().flat_map(|language| Prompt::all().map(move |prompt| prompt.in_language(language)))
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a library of {} sounds", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr::sound::tests::wav;

    fn carried() -> Library {
        Library::load(|_| None).expect("what the binary carries can be read")
    }

    /// Power of each 20 ms, full scale being 1.
    fn power(sound: &[i16]) -> Vec<f64> {
        let frames = sound
            .chunks(320)
            .map(|frame| frame.iter().map(|s| (f64::from(*s) / 32_768.0).powi(2)).sum::<f64>() / frame.len() as f64);
        frames.collect()
    }

    /// The level of what is not a pause, in dB below full scale.
    fn active_level(sound: &[i16]) -> f64 {
        let power = power(sound);
        let loudest = power.iter().copied().fold(0.0, f64::max);
        let active: Vec<_> = power.into_iter().filter(|frame| *frame > loudest / 1_000.0).collect();
        10.0 * (active.iter().sum::<f64>() / active.len() as f64).log10()
    }

    #[test]
    fn every_prompt_is_there_in_each_language_equally_loud_and_clean() {
        let library = carried();
        for spoken in every() {
            let path = spoken.path();
            let sound = library.sound(spoken).expect(&path);
            let seconds = sound.len() as f64 / 16_000.0;
            assert!((0.2..40.0).contains(&seconds), "{path} lasts {seconds} s");
            let level = active_level(&sound);
            let wanted = if spoken.prompt.is_sound() { -27.5..-22.0 } else { -24.5..-21.5 };
            assert!(wanted.contains(&level), "{path} has {level:.1} dB");
            let peak = sound.iter().map(|sample| sample.unsigned_abs()).max().expect("a sample");
            assert!(peak < 29_000, "{path} clips at {peak}");
            let mean = sound.iter().map(|sample| f64::from(*sample)).sum::<f64>() / sound.len() as f64;
            assert!(mean.abs() < 30.0, "{path} has a DC of {mean}");
        }
    }

    #[test]
    fn every_prompt_begins_at_once_and_does_not_drag_on() {
        let library = carried();
        for spoken in every() {
            let path = spoken.path();
            let power = power(&library.sound(spoken).expect(&path));
            let loud: Vec<_> = power.iter().map(|frame| *frame > 1e-6).collect();
            let silent_at_first = loud.iter().take_while(|loud| !**loud).count();
            let silent_at_last = loud.iter().rev().take_while(|loud| !**loud).count();
            assert!(silent_at_first <= 5, "{path} begins after {} ms", silent_at_first * 20);
            assert!(silent_at_last <= 20, "{path} ends with {} ms of silence", silent_at_last * 20);
        }
    }

    #[test]
    fn every_prompt_has_its_own_sound() {
        let library = carried();
        let mut sounds: Vec<_> = every().filter(|s| !s.prompt.is_sound()).filter_map(|s| library.sound(s)).collect();
        let all = sounds.len();
        sounds.sort();
        sounds.dedup();
        assert_eq!(sounds.len(), all, "a sound is used twice");
    }

    #[test]
    fn every_text_has_a_prompt_and_every_prompt_a_text() {
        for (language, texts) in [
            (Language::De, include_str!("../../prompts/de.toml")),
            (Language::En, include_str!("../../prompts/en.toml")),
        ] {
            let texts: BTreeMap<String, String> = toml::from_str(texts).expect("texts");
            let named: Vec<_> = texts.keys().map(String::as_str).collect();
            let mut prompts: Vec<_> = Prompt::all().filter(|prompt| !prompt.is_sound()).map(Prompt::name).collect();
            prompts.sort_unstable();
            assert_eq!(named, prompts, "{language}");
        }
    }

    #[test]
    fn the_music_leads_back_to_its_beginning() {
        let music = carried().sound(Prompt::HoldMusic.in_language(Language::De)).expect("music");
        assert_eq!(music.len(), 32 * 16_000, "eight bars and not a sample more");
        let step = i32::from(music[0]) - i32::from(music[music.len() - 1]);
        assert!(step.abs() < 3_000, "a click of {step} where it begins again");
    }

    #[test]
    fn an_institution_puts_its_own_words_in_place_of_ours() {
        let ours = carried();
        let own = wav(8_000, 1, &[1_000; 8_000]);
        let library = Library::load(|file| (file == "de/welcome.wav").then(|| own.clone())).expect("a library");
        let welcome = Prompt::Welcome.in_language(Language::De);
        assert_eq!(library.sound(welcome).map(|sound| sound.len()), Some(16_000));
        assert_ne!(library.sound(welcome), ours.sound(welcome));
        let english = Prompt::Welcome.in_language(Language::En);
        assert_eq!(library.sound(english), ours.sound(english));
    }

    #[test]
    fn all_broken_replacements_are_told_at_once() {
        let broken =
            |file: &str| (file == "de/welcome.wav" || file == "sounds/hold-music.ogg").then(|| b"MP3".to_vec());
        let problems = Library::load(broken).expect_err("two are broken");
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("de/welcome.wav: neither a WAV nor an Ogg Opus file"), "{}", told[0]);
    }

    #[test]
    fn a_misspelt_file_can_be_told_from_a_used_one() {
        let paths: Vec<_> = Library::paths().collect();
        assert!(paths.iter().any(|path| path == "en/number-07") && !paths.iter().any(|path| path == "en/welcom"));
    }
}
