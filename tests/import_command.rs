//! An admin who comes from Asterisk or from a spreadsheet, and `einwahl dialplan import`, through the real binary.
#![cfg(feature = "gateway")]
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that goes wrong may stop")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const ASTERISK: [&str; 2] = ["interop-tests/asterisk/extensions.conf", "interop-tests/asterisk/queues.conf"];

/// A folder that is not there yet.
fn place(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    folder
}

fn einwahl(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_einwahl"));
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C");
    command.arg("dialplan").args(arguments).output().expect("einwahl runs")
}

fn imports(arguments: &[&str]) -> (Option<i32>, String) {
    let output = einwahl(&[&["import"][..], arguments].concat());
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
}

fn document(arguments: &[&str]) -> Value {
    let (code, told) = imports(&[arguments, &["--format", "json"]].concat());
    assert_eq!(code, Some(0), "{told}");
    serde_json::from_str(&told).expect("one JSON document")
}

fn texts(lines: &Value, word: &str) -> Vec<String> {
    lines.as_array().expect("a list").iter().map(|line| line[word].to_string()).collect()
}

#[test]
fn a_town_s_extensions_become_a_plan_that_can_be_served_and_is_written_over_nothing() {
    let folder = place("import-asterisk");
    let out = folder.to_str().expect("a name");
    let wish = [&ASTERISK[..], &["--area", "30", "--entry", "from-trunk=carrier", "--out", out]].concat();
    let (code, told) = imports(&wish);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("plan: 10-extensions.toml; 0 errors, "), "{told}");
    let plan = folder.join("10-extensions.toml");
    let written = std::fs::read_to_string(&plan).expect("the plan");
    assert!(written.contains("trunks = \"carrier\"") && written.contains("emergency = true"), "{written}");

    // It is a plan: with what the report says it needs, the lint finds no error in it, and calls are decided.
    let document = document(&[&ASTERISK[..], &["--area", "30", "--entry", "from-trunk=carrier", "--dry-run"]].concat());
    let trunks: Vec<&str> =
        document["needs"]["trunks"].as_array().expect("trunks").iter().filter_map(Value::as_str).collect();
    assert!(trunks.contains(&"carrier") && trunks.contains(&"pbx"), "{trunks:?}");
    let trunk = |(at, name): (usize, &&str)| {
        let address = format!("192.0.2.{}", at + 1);
        format!("[[trunks]]\nname = \"{name}\"\nnetworks = [\"{address}\"]\ndial = \"sip:{address}\"\n")
    };
    let rooms = document["needs"]["rooms"].as_array().expect("rooms").iter().filter_map(Value::as_str);
    let room = |(at, room): (usize, &str)| format!("[[meetings]]\nroom = \"{room}\"\nid = \"{}\"\n", 100_000 + at);
    let config = format!(
        "[dialplan]\nfolder = {folder:?}\narea = \"30\"\n{}{}",
        trunks.iter().enumerate().map(trunk).collect::<String>(),
        rooms.enumerate().map(room).collect::<String>()
    );
    let file = folder.join("../import-asterisk.toml");
    std::fs::write(&file, config).expect("a configuration");
    let file = file.to_str().expect("a name");
    let linted = einwahl(&["lint", "--config", file]);
    assert!(linted.status.success(), "{}", String::from_utf8_lossy(&linted.stdout));
    let traced =
        einwahl(&["trace", "+493090182000", "--trunk", "carrier", "--at", "2026-11-24T10:00", "--config", file]);
    assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stdout));

    let before = std::fs::read_to_string(&plan).expect("the plan");
    std::fs::write(&plan, format!("{before}# von Hand\n")).expect("written");
    let (code, told) = imports(&wish);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("is there already"), "{told}");
    assert!(std::fs::read_to_string(&plan).expect("the plan").ends_with("# von Hand\n"), "nothing is overwritten");
}

#[test]
fn each_line_of_the_source_stands_in_the_report_once_in_the_language_that_is_asked_for() {
    let folder = place("import-dry");
    let out = folder.to_str().expect("a name");
    let wish = [&ASTERISK[..], &["--dry-run", "--out", out]].concat();
    let english = document(&wish);
    assert!(!folder.exists(), "a dry run writes nothing");
    let german = document(&[&wish[..], &["--lang", "de"]].concat());
    for file in ASTERISK {
        let name = Path::new(file).file_name().and_then(|name| name.to_str()).expect("a name");
        let lines = english["lines"].as_array().expect("lines").iter().filter(|line| line["file"] == name);
        let told: Vec<u64> = lines.filter_map(|line| line["line"].as_u64()).collect();
        let once: BTreeSet<u64> = told.iter().copied().collect();
        let all = std::fs::read_to_string(file).expect("the source").lines().count();
        assert_eq!((told.len(), once.len()), (all, all), "{name}");
    }
    assert_eq!(texts(&english["lines"], "fate"), texts(&german["lines"], "fate"));
    assert_ne!(texts(&english["lines"], "reasons"), texts(&german["lines"], "reasons"));
    assert_eq!(texts(&english["problems"], "line"), texts(&german["problems"], "line"));
    let (told, in_german) = (texts(&english["problems"], "message"), texts(&german["problems"], "message"));
    assert!(!told.is_empty() && told.iter().zip(&in_german).all(|(one, other)| one != other), "{told:?} {in_german:?}");
    let (_, text) = imports(&[&wish[..], &["--lang", "de"]].concat());
    assert!(text.contains("Plan: 10-extensions.toml; 0 Fehler, "), "{text}");
}

#[test]
fn a_list_of_extensions_becomes_a_table_and_a_wrong_use_is_told() {
    let folder = place("import-list");
    std::fs::create_dir_all(&folder).expect("a folder");
    let list = folder.join("durchwahlen.csv");
    std::fs::write(&list, "Durchwahl;Name\n2001;Meldeamt\n2002;Standesamt\nFax;keins\n").expect("a list");
    let (list, out) = (list.to_str().expect("a name"), folder.join("plan"));
    let told = document(&[list, "--area", "30", "--out", out.to_str().expect("a name")]);
    let written: Vec<&str> = told["written"].as_array().expect("files").iter().filter_map(Value::as_str).collect();
    let table = written.iter().find(|name| name.ends_with(".csv")).expect("a table");
    let table = std::fs::read_to_string(out.join(table)).expect("the table");
    assert!(table.contains("2001") && table.contains("2001@pbx") && !table.contains("Fax"), "{table}");
    assert!(written.iter().all(|name| out.join(name).exists()), "{written:?}");
    let errors = told["problems"].as_array().expect("problems").iter().filter(|one| one["severity"] == "error");
    assert_eq!(errors.count(), 0, "{}", told["problems"]);

    for (arguments, code, why) in [
        (&[list][..], 2, "--out"),
        (&["/nowhere.conf", "--dry-run"], 1, "/nowhere.conf"),
        (&["Cargo.toml", "--dry-run"], 2, "only .csv files and Asterisk's .conf files"),
        (&[list, "--dry-run", "--peer", "amt"], 2, "--peer: write two names with a = between them"),
        (&[list, "--dry-run", "--language", "fr"], 2, "fr"),
    ] {
        let (ended, told) = imports(arguments);
        assert!(ended == Some(code) && told.contains(why), "{arguments:?}: {ended:?} {told}");
    }
}
