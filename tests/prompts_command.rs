//! An admin and the institution's own prompts, through the real binary.
#![cfg(feature = "gateway")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot run has failed")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn einwahl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_einwahl")).args(arguments).output().expect("runs")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A configuration whose prompts are these files.
fn town(name: &str, files: &[(&str, &[u8])]) -> (PathBuf, String) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(folder.join("prompts/de")).expect("a folder");
    for (file, content) in files {
        std::fs::write(folder.join("prompts").join(file), content).expect("a file");
    }
    let config = folder.join("einwahl.toml");
    std::fs::write(&config, format!("[menu]\nprompts = {:?}\n", folder.join("prompts"))).expect("a configuration");
    (folder, config.display().to_string())
}

#[test]
fn a_prompt_that_cannot_be_used_is_named_by_check_and_at_the_start_with_what_to_do() {
    let (folder, config) = town("prompts-broken", &[("de/welcome.wav", b"ID3"), ("de/wellcome.opus", b"OggS")]);
    for command in ["check", "serve"] {
        let output = einwahl(&[command, "--config", &config]);
        let told = text(&output);
        assert_eq!(output.status.code(), Some(1), "{command}: {told}");
        for (file, what) in [
            ("de/welcome.wav", "neither a WAV nor an Ogg Opus file: convert it with `ffmpeg -i FILE -ar 16000"),
            ("de/wellcome.opus", "no prompt has this name: did you mean de/welcome."),
        ] {
            let place = folder.join("prompts").join(file).display().to_string();
            assert!(told.lines().any(|line| line.contains(&place) && line.contains(what)), "{command}: {told}");
        }
    }
}

#[test]
fn a_prompt_of_ones_own_is_fine_and_the_list_tells_names_and_words() {
    let (_, config) = town("prompts-fine", &[("de/welcome.opus", include_bytes!("../prompts/de/goodbye.opus"))]);
    let output = einwahl(&["check", "--config", &config]);
    assert!(output.status.success() && text(&output).contains("prompts: no errors"), "{}", text(&output));
    let list = text(&einwahl(&["prompts", "list", "--language", "de"]));
    let line = list.lines().find(|line| line.starts_with("de/ask-pin ")).expect("each prompt");
    assert!(line.contains("Bitte geben Sie Ihre PIN ein"), "{line}");
    assert!(list.contains("sounds/hold-music") && !list.contains("en/"), "{list}");
    let all = einwahl(&["prompts", "list", "--format", "json"]);
    let all: Vec<serde_json::Value> = serde_json::from_slice(&all.stdout).expect("one JSON document");
    assert_eq!(all.iter().filter(|one| one["name"] == "sounds/hold-music").count(), 1);
    assert!(all.iter().any(|one| one["name"] == "en/goodbye" && one["text"] == "Goodbye."));
}
