//! The institution's own prompts. In: the folder that the configuration names. Out: every sound that callers hear, or all
//! that is wrong with the folder at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Config;
use crate::ivr::{self, Library};

/// What is wrong with one file in the folder of prompts, or with the folder.
#[derive(Debug, thiserror::Error)]
pub enum PromptProblem {
    /// The folder is not there, or something in it cannot be read.
    #[error("{}: cannot be read: {why}", place.display())]
    Unreadable {
        /// The folder or the file.
        place: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// A file whose name is no prompt's: callers would never hear it.
    #[error("{}: no prompt has this name{}", place.display(), hint(near))]
    NoPrompt {
        /// The file.
        place: PathBuf,
        /// The prompt that may be meant.
        near: Option<String>,
    },
    /// Two files for one prompt.
    #[error("{}: {} is there for the same prompt: remove one of them", place.display(), other.display())]
    Twice {
        /// One file.
        place: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// It is no sound that can be played.
    #[error("{}: {}", place.display(), problem.why)]
    Unusable {
        /// The file.
        place: PathBuf,
        /// Why.
        problem: ivr::Problem,
    },
}

fn hint(near: &Option<String>) -> String {
    let all = "`einwahl prompts list` tells all names";
    near.as_ref().map_or_else(|| format!(": {all}"), |near| format!(": did you mean {near}? {all}"))
}

impl Config {
    /// Every sound: ours, and in its place what the folder has.
    ///
    /// # Errors
    /// All that is wrong with the folder.
    pub fn prompts(&self) -> Result<Library, Vec<PromptProblem>> {
        let Some(folder) = &self.menu.prompts else { return load(&BTreeMap::new(), Path::new("")) };
        let (found, mut problems) = look(folder);
        match load(&found, folder) {
            Ok(library) if problems.is_empty() => Ok(library),
            Ok(_) => Err(problems),
            Err(others) => {
                problems.extend(others);
                Err(problems)
            }
        }
    }
}

fn load(found: &BTreeMap<String, Vec<u8>>, folder: &Path) -> Result<Library, Vec<PromptProblem>> {
    Library::load(|file| found.get(file).cloned()).map_err(|problems| {
        let named = |problem: ivr::Problem| PromptProblem::Unusable { place: folder.join(&problem.path), problem };
        problems.into_iter().map(named).collect()
    })
}

/// Every file of the folder by the name under which the library asks for it: `de/ask-pin.wav`.
fn look(folder: &Path) -> (BTreeMap<String, Vec<u8>>, Vec<PromptProblem>) {
    let names: Vec<String> = Library::paths().collect();
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    let mut by_prompt: BTreeMap<String, PathBuf> = BTreeMap::new();
    for place in files(folder, &mut problems) {
        let below = place.strip_prefix(folder).unwrap_or(&place);
        let file = below.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let prompt = below.with_extension("").to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let is_sound = below.extension().is_some_and(|end| Library::ENDINGS.iter().any(|known| end == *known));
        if !is_sound || !names.contains(&prompt) {
            let near = nearest(&prompt, &names).map(|near| format!("{near}.{}", Library::ENDINGS.join(" or .")));
            problems.push(PromptProblem::NoPrompt { place, near });
        } else if let Some(other) = by_prompt.get(&prompt) {
            problems.push(PromptProblem::Twice { place, other: other.clone() });
        } else {
            by_prompt.insert(prompt, place.clone());
            match std::fs::read(&place) {
                Ok(content) => drop(found.insert(file, content)),
                Err(why) => problems.push(PromptProblem::Unreadable { place, why }),
            }
        }
    }
    (found, problems)
}

/// The files of the folder and of the folders in it, in order. Notes of people (`README`, hidden files) are no prompts.
fn files(folder: &Path, problems: &mut Vec<PromptProblem>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match listed {
        Err(why) => problems.push(PromptProblem::Unreadable { place: folder.to_owned(), why }),
        Ok(entries) => {
            for place in entries.into_iter().map(|entry| entry.path()) {
                let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.starts_with('.') || name.to_ascii_uppercase().starts_with("README") {
                    continue;
                }
                if place.is_dir() {
                    found.extend(files(&place, problems));
                } else {
                    found.push(place);
                }
            }
        }
    }
    found.sort();
    found
}

/// The name that shares the longest beginning or end with this one, if that is most of it.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a String> {
    let shared = |other: &str| {
        let same = |(one, other): &(char, char)| one == other;
        let begin = name.chars().zip(other.chars()).take_while(same).count();
        let end = name.chars().rev().zip(other.chars().rev()).take_while(same).count();
        begin + end
    };
    let best = names.iter().max_by_key(|other| shared(other))?;
    (2 * shared(best) > best.len() + 3).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr::Prompt;
    use crate::words::Language;

    /// A folder of its own for each test.
    fn folder(name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("einwahl-prompts-{name}-{}", std::process::id()));
        for (file, content) in files {
            let place = folder.join(file);
            std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
            std::fs::write(place, content).expect("a file");
        }
        folder
    }

    fn with(folder: PathBuf) -> Config {
        let mut config = Config::default();
        config.menu.prompts = Some(folder);
        config
    }

    const OURS: &[u8] = include_bytes!("../../prompts/de/goodbye.opus");

    #[test]
    fn an_institution_replaces_one_prompt_by_a_file_and_the_rest_stays() {
        let folder = folder("one", &[("de/welcome.opus", OURS), ("README.md", b"by the town hall"), (".git", b"")]);
        let (library, shipped) =
            (with(folder.clone()).prompts().expect("usable"), Config::default().prompts().expect("ours"));
        std::fs::remove_dir_all(folder).expect("removed");
        let sound = |library: &Library, prompt: Prompt| library.sound(prompt.in_language(Language::De));
        assert_eq!(sound(&library, Prompt::Welcome), sound(&shipped, Prompt::Goodbye));
        assert_ne!(sound(&library, Prompt::Welcome), sound(&shipped, Prompt::Welcome));
        assert_eq!(sound(&library, Prompt::AskId), sound(&shipped, Prompt::AskId));
    }

    #[test]
    fn all_that_is_wrong_with_the_folder_is_told_at_once_with_what_to_do() {
        let files: &[(&str, &[u8])] = &[
            ("de/welcom.wav", OURS),
            ("de/ask-pin.mp3", b"ID3"),
            ("en/goodbye.wav", b"ID3"),
            ("en/muted.opus", OURS),
            ("en/muted.ogg", OURS),
        ];
        let folder = folder("all", files);
        let told: Vec<String> =
            with(folder.clone()).prompts().expect_err("refused").iter().map(ToString::to_string).collect();
        std::fs::remove_dir_all(&folder).expect("removed");
        for (file, what) in [
            ("de/welcom.wav", "did you mean de/welcome.wav or .opus or .ogg"),
            ("de/ask-pin.mp3", "did you mean de/ask-pin.wav"),
            ("en/goodbye.wav", "neither a WAV nor an Ogg Opus file: convert it with `ffmpeg"),
            ("en/muted.opus", "en/muted.ogg is there for the same prompt"),
        ] {
            let place = folder.join(file).display().to_string();
            assert!(told.iter().any(|line| line.starts_with(&place) && line.contains(what)), "{file}: {told:#?}");
        }
        assert_eq!(told.len(), 4, "{told:#?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let told = with(PathBuf::from("/nowhere/prompts")).prompts().expect_err("refused");
        assert!(told[0].to_string().starts_with("/nowhere/prompts: cannot be read"), "{told:?}");
    }
}
