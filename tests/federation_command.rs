//! `einwahl federation` as operators use it: keys, signatures, the next registry.
#![cfg(feature = "gateway")]
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that goes wrong may stop")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_einwahl"));
        command.current_dir(&self.0).arg("federation").args(arguments).output().expect("einwahl runs")
    }

    fn says(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("text");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        text
    }

    fn key(&self, file: &str) -> String {
        self.says(&["keygen", file], 0).trim().to_owned()
    }

    fn write(&self, file: &str, document: &serde_json::Value) {
        std::fs::write(self.0.join(file), document.to_string()).expect("written");
    }
}

fn document(operators: &[&str], serial: u64) -> serde_json::Value {
    serde_json::json!({
        "format": "einwahl-registry-1",
        "federation": "kommunal.example",
        "serial": serial,
        "issued": "2026-11-01T00:00:00Z",
        "expires": "2027-01-15T00:00:00Z",
        "operators": { "threshold": 2, "keys": operators },
        "members": [{
            "domain": "stadt-a.example",
            "name": "Stadt A",
            "country": "DE",
            "links": ["gw.stadt-a.example:8448"],
            "pins": [{ "spki": "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" }],
            "key": operators[0],
            "media": ["192.0.2.0/24"],
            "contact": "technik@stadt-a.example"
        }]
    })
}

#[test]
fn members_stand_in_the_record_of_processing_and_in_the_rules_for_the_firewall() {
    let desk = Desk::new("residency");
    let one = desk.key("1.key");
    let hours = |hours: i64| {
        #[allow(clippy::disallowed_methods, reason = "the command reads the real clock, too")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let at = i64::try_from(now).expect("a time") + hours * 3_600;
        jiff::Timestamp::from_second(at).expect("a time").to_string()
    };
    let mut registry = document(&[&one], 1);
    (registry["issued"], registry["expires"]) = (hours(-1).into(), hours(24).into());
    registry["operators"]["threshold"] = 1.into();
    let mut other = registry["members"][0].clone();
    (other["domain"], other["name"]) = ("stadt-b.example".into(), "Stadt B".into());
    (other["country"], other["media"]) = ("AT".into(), serde_json::json!(["198.51.100.0/24"]));
    other["links"] = serde_json::json!(["gw.stadt-b.example:8448"]);
    other["processors"] = serde_json::json!([{ "name": "Rechenzentrum", "purpose": "hosting", "country": "AT" }]);
    registry["members"].as_array_mut().expect("a list").push(other);
    desk.write("registry.json", &registry);
    desk.says(&["sign", "registry.json", "--key", "1.key"], 0);
    let config = format!(
        "[store]\nfolder = \"store\"\n[sip]\ndns = [\"127.0.0.1:53\"]\n[federation]\ndomain = \"stadt-a.example\"\n\
         federation = \"kommunal.example\"\noperators = [\"{one}\"]\nregistry = \"registry.json\"\n"
    );
    std::fs::write(desk.0.join("einwahl.toml"), &config).expect("written");
    let residency = |arguments: &[&str], code| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_einwahl"));
        let command = command.current_dir(&desk.0).arg("residency").args(arguments);
        let output = command.args(["--config", "einwahl.toml"]).output().expect("einwahl runs");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        text
    };
    let told = residency(&["report"], 0);
    for line in [
        "Stadt B (AT): member stadt-b.example",
        "  its processors: Rechenzentrum (AT): hosting",
        "member stadt-b.example: gw.stadt-b.example → to stadt-b.example, if the name leads to its addresses",
    ] {
        assert!(told.contains(line), "{line} in\n{told}");
    }
    assert!(!told.contains("Stadt A"), "{told}");
    let json: serde_json::Value = serde_json::from_str(&residency(&["report", "--format", "json"], 0)).expect("JSON");
    let permitted = json["permitted"].as_array().expect("a list");
    let networks = |whom: &str| permitted.iter().find(|one| one["whom"] == whom).map(|one| one["networks"].to_string());
    assert_eq!(networks("stadt-b.example").as_deref(), Some("[\"198.51.100.0/24\"]"));
    assert_eq!(networks("this machine").as_deref(), Some("[\"127.0.0.0/8\",\"::1/128\"]"));
    let rules = residency(&["nftables"], 0);
    assert!(rules.contains("ip daddr 198.51.100.0/24 meta l4proto { tcp, udp } accept"), "{rules}");
    assert!(!desk.0.join("store").exists(), "who only asks makes nothing");
    std::fs::write(desk.0.join("registry.json"), "{}").expect("written");
    assert!(residency(&["report"], 1).contains("the members cannot be told"));
}

const AT: &str = "2026-11-25T12:00:00Z";

#[test]
fn two_operators_sign_and_a_member_verifies_what_the_one_before_allows() {
    let desk = Desk::new("two_operators");
    let (one, two) = (desk.key("1.key"), desk.key("2.key"));
    desk.write("registry.json", &document(&[&one, &two], 1));
    let anchor =
        ["--federation", "kommunal.example", "--operator", &one, "--operator", &two, "--threshold", "2", "--at", AT];
    let verify = |file, more: &[&'static str]| -> Vec<String> {
        ["verify", file].iter().chain(&anchor).chain(more).map(|word| (*word).to_owned()).collect()
    };
    let says =
        |arguments: Vec<String>, code| desk.says(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), code);

    assert!(desk.says(&["sign", "registry.json", "--key", "1.key"], 0).contains("1 of 2"));
    assert!(says(verify("registry.json", &[]), 1).contains("1 of 2 signatures"));
    assert!(desk.says(&["sign", "registry.json", "--key", "2.key"], 0).contains("2 of 2"));
    let told = says(verify("registry.json", &[]), 0);
    assert!(told.contains("serial 1: 1 members") && told.contains("holds until 2027-01-15"), "{told}");
    assert!(desk.says(&["members", "registry.json"], 0).contains("Stadt A"));

    desk.write("next.json", &document(&[&one, &two], 2));
    desk.says(&["sign", "next.json", "--key", "1.key", "--key", "2.key"], 0);
    says(verify("next.json", &["--held", "registry.json"]), 0);
    assert!(says(verify("registry.json", &["--held", "next.json"]), 1).contains("older than 2"));
    assert_eq!(desk.says(&["diff", "registry.json", "next.json"], 1).trim(), "serial: 1 → 2");
}

#[test]
fn nothing_is_signed_that_has_faults_and_no_key_is_overwritten_or_shown() {
    let desk = Desk::new("faults");
    let (one, two) = (desk.key("1.key"), desk.key("2.key"));
    assert!(desk.says(&["keygen", "1.key"], 1).contains("1.key"));
    let mut faulty = document(&[&one, &two], 1);
    faulty["members"][0]["country"] = "US".into();
    desk.write("registry.json", &faulty);
    let told = desk.says(&["sign", "registry.json", "--key", "1.key"], 1);
    assert!(told.contains("members[0].country") && told.contains("nothing was signed"), "{told}");
    let secret = std::fs::read_to_string(desk.0.join("1.key")).expect("a key");
    desk.write("broken.key", &serde_json::json!(secret.trim()));
    let told = desk.says(&["sign", "registry.json", "--despite-faults", "--key", "broken.key"], 1);
    assert!(told.contains("broken.key") && !told.contains(&secret[20..40]), "{told}");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(desk.0.join("1.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
