//! Whoever makes meetings by API, against the real server: what they send, what they get, and what is there after a restart.
#![cfg(feature = "gateway")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot run has failed"
)]

mod office;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use einwahl::config::TokenHash;
use office::{Office, Reply};
use serde_json::{Value, json};

/// A token that may do everything, one that may only look, and one that may look and see PINs.
const ALL: &str = "ew_all";
const LOOKS: &str = "ew_looks";
const SEES_PINS: &str = "ew_pins";

/// And one that may see plans.
const SEES_PLANS: &str = "ew_plans";

/// And one that may publish them.
const PUBLISHES: &str = "ew_publishes";

/// A town whose meetings are made by API.
struct Town(Office);

/// Its gateway.
struct Gateway(office::Gateway);

impl Town {
    fn new(name: &str) -> Self {
        let tokens = [
            Office::token("alles", ALL, "\"read\", \"pins\", \"write\""),
            Office::token("schaut", LOOKS, "\"read\""),
            Office::token("einladung", SEES_PINS, "\"read\", \"pins\""),
            Office::token("plan", SEES_PLANS, "\"plan\""),
            Office::token("amt", PUBLISHES, "\"plan\", \"edit\", \"publish\""),
        ];
        Self(Office::with_meeting(&format!("api-{name}"), "", &tokens.concat()))
    }

    fn config(&self) -> PathBuf {
        self.0.config()
    }

    fn kept(&self) -> PathBuf {
        self.0.kept()
    }

    /// Starts, and waits until it is ready.
    fn serves(&self) -> Gateway {
        Gateway(self.0.serves())
    }

    fn audit(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let (code, told, _) = self.0.commands(&[&["audit"], arguments].concat());
        (code, told)
    }
}

impl Gateway {
    /// Waits for a line of the log.
    fn logs(&self, text: &str) -> String {
        self.0.logs(text)
    }

    fn stops(self) {
        self.0.stops();
    }

    fn asks(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Reply {
        self.asks_with(method, path, &[("authorization", &format!("Bearer {token}"))], body.map(Value::to_string))
    }

    fn asks_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Reply {
        let reply = self.0.sends(method, path, headers, body);
        assert!(reply.text.is_empty() || serde_json::from_str::<Value>(&reply.text).is_ok(), "JSON: {}", reply.text);
        reply
    }

    fn makes(&self, body: &Value) -> Value {
        let reply = self.asks("POST", "/api/v1/meetings", ALL, Some(body));
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body
    }

    /// Calls, keys, and stays until the gateway's log says how it went.
    fn calls(&self, digits: &str, until: &str) -> String {
        let mut phone = Command::new(env!("CARGO_BIN_EXE_einwahl"))
            .args(["phone", &format!("sip:einwahl@127.0.0.1:{}", self.0.sip), "--seconds", "60", "--digits", digits])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("calls");
        let line = self.logs(until);
        drop(phone.kill());
        drop(phone.wait());
        line
    }
}

#[test]
fn a_meeting_made_by_api_is_there_after_a_restart_and_a_caller_gets_in_with_its_pin() {
    let town = Town::new("restart");
    let gateway = town.serves();
    let made = gateway.makes(&json!({"title": "Bauausschuss", "announce": "count", "language": "en"}));
    let (room, id, pin) = (made["room"].as_str().unwrap(), made["id"].as_str().unwrap(), made["pin"].as_str().unwrap());
    assert_eq!((id.len(), pin.len(), made["moderatorPin"].as_str().unwrap().len()), (8, 6, 8));
    gateway.stops();

    let gateway = town.serves();
    let path = format!("/api/v1/meetings/{room}");
    assert_eq!(gateway.asks("GET", &path, SEES_PINS, None).body, made);
    let joins = gateway.calls(&format!("{id}#,,{pin}#"), "a telephone joins");
    assert!(joins.contains(room) && joins.contains("Participant"), "{joins}");
    let list = gateway.asks("GET", "/api/v1/meetings", LOOKS, None).body;
    let sources: Vec<_> =
        list["meetings"].as_array().unwrap().iter().map(|one| one["source"].as_str().unwrap()).collect();
    assert_eq!(sources.len(), 2);
    assert!(sources.contains(&"file") && sources.contains(&"api"));
    gateway.stops();
    for secret in [pin, "Bauausschuss"] {
        for file in ["store.db", "audit.db"] {
            let bytes = std::fs::read(town.kept().join(file)).expect("a file");
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} is in {file}");
        }
    }
}

#[test]
fn a_meeting_is_changed_only_by_who_knows_what_it_is_now_and_deleted_for_good() {
    let town = Town::new("change");
    let gateway = town.serves();
    let made = gateway.makes(&json!({"room": "amt", "id": "2222", "pin": "1111", "moderatorPin": "3333"}));
    let path = "/api/v1/meetings/amt";
    let read = gateway.asks("GET", path, ALL, None);
    let tag = read.header("etag").to_owned();
    assert_eq!((read.status, tag.as_str()), (200, format!("\"{}\"", made["revision"]).as_str()));

    let bearer = format!("Bearer {ALL}");
    let patch = |tag: &str, body: Value| {
        gateway.asks_with("PATCH", path, &[("authorization", &bearer), ("if-match", tag)], Some(body.to_string()))
    };
    let first = patch(&tag, json!({"title": "Amt", "lobby": true}));
    assert_eq!((first.status, &first.body["title"], &first.body["pin"]), (200, &json!("Amt"), &json!("1111")));
    assert_eq!(patch(&tag, json!({"title": "Zu spät"})).status, 412, "somebody else was faster");
    assert_eq!(patch("\"nonsense\"", json!({})).status, 412);
    let without = gateway.asks("PATCH", path, ALL, Some(&json!({"pin": null, "moderatorPin": null})));
    assert_eq!((without.status, &without.body["asksForPin"]), (200, &json!(false)));

    assert_eq!(gateway.asks("PATCH", path, ALL, Some(&json!({"room": "anders"}))).status, 422);
    assert_eq!(gateway.asks("PATCH", path, ALL, Some(&json!({"id": "123456"}))).status, 409, "the file's ID");
    assert_eq!(gateway.asks("DELETE", path, ALL, None).status, 204);
    assert_eq!(gateway.asks("DELETE", path, ALL, None).status, 404);
    assert_eq!(gateway.asks("GET", path, ALL, None).status, 404);
    gateway.stops();
    assert_eq!(town.serves().asks("GET", path, ALL, None).status, 404, "after a restart, too");
}

#[test]
fn a_plan_leads_into_a_meeting_made_by_api_which_is_not_deleted_before_the_plan_is_another() {
    let rules = |room: &str| {
        format!(
            "[[rule]]\nname = \"Notruf\"\ncalled = [\"110\", \"112\"]\nemergency = true\n\
             [[rule]]\nname = \"Amt\"\ncalled = \"*\"\nroom = \"{room}\"\n"
        )
    };
    let town = Town::new("plan");
    let gateway = town.serves();
    let publishes = |gateway: &Gateway, room: &str, parent: u64| {
        let body = json!({"files": {"10-amt.toml": rules(room)}, "parent": parent, "comment": "Amt"});
        gateway.asks("POST", "/api/v1/dialplan/publish", PUBLISHES, Some(&body))
    };
    let early = publishes(&gateway, "amt", 0);
    assert_eq!(early.status, 422, "{}", early.body);
    gateway.makes(&json!({"room": "amt"}));
    let published = publishes(&gateway, "amt", 0);
    assert_eq!(published.status, 201, "{}", published.body);
    let refused = gateway.asks("DELETE", "/api/v1/meetings/amt", ALL, None);
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("\"Amt\""), "{}", refused.body);
    gateway.stops();

    let gateway = town.serves();
    let running = gateway.asks("GET", "/api/v1/dialplan", PUBLISHES, None).body;
    assert_eq!(running["version"], json!(1), "after a restart it runs as before: {running}");
    let other = publishes(&gateway, "rat", 1);
    assert_eq!(other.status, 201, "{}", other.body);
    assert_eq!(gateway.asks("DELETE", "/api/v1/meetings/amt", ALL, None).status, 204);
    gateway.stops();
}

#[test]
fn the_files_meetings_are_shown_and_cannot_be_changed_here() {
    let town = Town::new("file");
    let gateway = town.serves();
    let read = gateway.asks("GET", "/api/v1/meetings/rat", LOOKS, None);
    assert_eq!((read.status, &read.body["source"], &read.body["pin"]), (200, &json!("file"), &Value::Null));
    for method in ["PATCH", "DELETE"] {
        let reply =
            gateway.asks(method, "/api/v1/meetings/rat", ALL, (method == "PATCH").then_some(&json!({"lobby": true})));
        assert_eq!((reply.status, &reply.body["type"]), (409, &json!("urn:einwahl:problem:from-file")));
    }
    let taken = gateway.asks("POST", "/api/v1/meetings", ALL, Some(&json!({"room": "rat"})));
    assert_eq!((taken.status, &taken.body["errors"][0]["field"]), (409, &json!("room")));
}

#[test]
fn a_token_does_what_its_rights_say_and_who_has_none_learns_nothing() {
    let town = Town::new("rights");
    let gateway = town.serves();
    let path = "/api/v1/meetings";
    assert_eq!(gateway.asks("GET", "/api/v1/meetings/rat", SEES_PINS, None).body["pin"], "4711");
    let refused = gateway.asks("POST", path, LOOKS, Some(&json!({})));
    assert_eq!(refused.status, 403);
    assert!(refused.body["detail"].as_str().unwrap().contains("\"write\""));
    for (headers, body) in [(&[][..], None), (&[("authorization", "Basic eDp5")], Some("no JSON".to_owned()))] {
        let method = if body.is_some() { "POST" } else { "GET" };
        let reply = gateway.asks_with(method, path, headers, body);
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer realm=\"einwahl\""));
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert!(reply.body.get("errors").is_none(), "{}", reply.body);
    }
    // Guessing gets slow, for the right token from there too, and is audited.
    let statuses: Vec<u16> = (0..7).map(|at| gateway.asks("GET", path, &format!("ew_{at}"), None).status).collect();
    assert_eq!(statuses[..4], [401, 401, 401, 401]);
    assert!(statuses[4..].contains(&429), "{statuses:?}");
    let slow = gateway.asks("GET", path, ALL, None);
    assert_eq!(slow.status, 429);
    assert!(slow.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
}

#[test]
fn every_mistake_is_told_with_its_field() {
    let town = Town::new("mistakes");
    let gateway = town.serves();
    let path = "/api/v1/meetings";
    let wrong = gateway.asks(
        "POST",
        path,
        ALL,
        Some(&json!({"id": "12", "pin": "abc", "opensAt": "bald", "endsAt": "2020-01-01T10:00"})),
    );
    let fields = |reply: &Reply| -> Vec<String> {
        let errors = reply.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((wrong.status, fields(&wrong)), (422, vec!["id".into(), "pin".into(), "opensAt".into()]));
    let over = gateway.asks("POST", path, ALL, Some(&json!({"endsAt": "2020-01-01T10:00"})));
    assert_eq!((over.status, fields(&over)), (422, vec!["endsAt".into()]));
    let unknown = gateway.asks("POST", path, ALL, Some(&json!({"pni": "4711"})));
    assert_eq!(unknown.status, 400);
    assert!(unknown.body["errors"][0]["message"].as_str().unwrap().contains("`moderatorPin`"), "{}", unknown.body);
    let bearer = format!("Bearer {ALL}");
    let send = |kind: &str, body: String| {
        gateway.asks_with("POST", path, &[("authorization", &bearer), ("content-type", kind)], Some(body)).status
    };
    assert_eq!(send("text/plain", "{}".into()), 415);
    assert_eq!(send("application/json; charset=utf-8", "{\"title\":".into()), 400);
    assert_eq!(send("application/json", format!("{{\"title\":\"{}\"}}", "x".repeat(20_000))), 413);
    assert_eq!(gateway.asks("GET", "/api/v1/meetings?limit=0", ALL, None).status, 400);
    assert_eq!(gateway.asks("GET", "/api/v1/nothing", ALL, None).status, 404);
    let method = gateway.asks("PUT", path, ALL, Some(&json!({})));
    assert_eq!((method.status, method.header("content-type")), (405, "application/problem+json"));
    assert!(method.header("allow").contains("POST"), "{:?}", method.headers);
    let document = gateway.asks_with("GET", "/api/openapi.json", &[], None);
    assert_eq!(document.body["openapi"].as_str().unwrap().split('.').next(), Some("3"));
}

#[test]
fn of_many_who_want_the_same_id_at_once_one_gets_it_and_no_change_is_lost() {
    let town = Town::new("race");
    let gateway = town.serves();
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let racers: Vec<_> = (0..8)
            .map(|_| {
                threads.spawn(|| gateway.asks("POST", "/api/v1/meetings", ALL, Some(&json!({"id": "777777"}))).status)
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");

    gateway.makes(&json!({"room": "viele"}));
    let changes =
        [json!({"title": "T"}), json!({"lobby": true}), json!({"announce": "count"}), json!({"language": "en"})];
    std::thread::scope(|threads| {
        for change in &changes {
            threads
                .spawn(|| assert_eq!(gateway.asks("PATCH", "/api/v1/meetings/viele", ALL, Some(change)).status, 200));
        }
    });
    let now = gateway.asks("GET", "/api/v1/meetings/viele", ALL, None).body;
    assert_eq!(
        (&now["title"], &now["lobby"], &now["announce"], &now["language"]),
        (&json!("T"), &json!(true), &json!("count"), &json!("en")),
    );
}

#[test]
fn the_audit_tells_who_did_what_and_whether_somebody_tampered_with_it() {
    let town = Town::new("audit");
    let gateway = town.serves();
    gateway.makes(&json!({"room": "amt", "title": "Geheim", "pin": "909090"}));
    gateway.asks("PATCH", "/api/v1/meetings/amt", ALL, Some(&json!({"lobby": true})));
    gateway.asks("DELETE", "/api/v1/meetings/amt", ALL, None);
    let (code, told) = town.audit(&["verify"]);
    assert_eq!(code, Some(0), "while it runs: {told}");
    gateway.stops();
    let (code, text) = town.audit(&["list", "--json"]);
    let entries: Value = serde_json::from_str(&text).expect("one JSON document");
    let what: Vec<_> = entries.as_array().unwrap().iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    let expected = ["started", "loaded", "meetingCreated", "meetingChanged", "meetingDeleted", "stopped"];
    assert_eq!((code, what.as_slice()), (Some(0), &expected[..]));
    assert_eq!((&entries[3]["by"], &entries[3]["fields"]), (&json!("alles"), &json!(["lobby"])));
    assert!(!text.contains("909090") && !text.contains("Geheim"), "{text}");

    let noted = town.audit(&["verify"]).1.lines().last().unwrap().trim_start_matches("last: ").to_owned();
    assert_eq!(town.audit(&["verify", "--seen", &noted]).0, Some(0));
    assert_eq!(town.audit(&["verify", "--seen", "nonsense"]).0, Some(2));
    let file = rusqlite::Connection::open(town.kept().join("audit.db")).expect("opens");
    file.execute_batch("DROP TRIGGER entries_are_never_changed; UPDATE audit SET entry = replace(entry, 'amt', 'rat') WHERE number = 5")
        .expect("tampered");
    let (code, told) = town.audit(&["verify"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("entry 5: "), "{told}");
}

#[test]
fn when_the_store_is_broken_the_files_meetings_go_on_and_the_api_says_so() {
    let town = Town::new("broken");
    let gateway = town.serves();
    gateway.makes(&json!({"room": "amt"}));
    // While it runs: somebody else holds the file, as a disk does that hangs.
    let database = town.kept().join("store.db");
    let other = rusqlite::Connection::open(&database).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    let change = || gateway.asks("PATCH", "/api/v1/meetings/amt", ALL, Some(&json!({"lobby": true})));
    let refused = change();
    assert_eq!((refused.status, refused.header("retry-after")), (503, "60"), "{}", refused.body);
    assert_eq!(gateway.asks("GET", "/api/v1/meetings/amt", ALL, None).status, 200);
    gateway.calls("123456#,,4711#", "a telephone joins");
    other.execute_batch("ROLLBACK").expect("released");
    assert_eq!(change().status, 200, "and it recovers");
    drop((other, gateway));

    // At a start: an error that names the file and what to do, and the file's meetings.
    std::fs::write(&database, "no database any more".repeat(1_000)).expect("written");
    for beside in ["store.db-wal", "store.db-shm"] {
        drop(std::fs::remove_file(town.kept().join(beside)));
    }
    let gateway = town.serves();
    gateway.calls("123456#,,4711#", "a telephone joins");
    let list = gateway.asks("GET", "/api/v1/meetings", ALL, None).body;
    assert_eq!(list["meetings"].as_array().unwrap().len(), 1);
    let refused = gateway.asks("POST", "/api/v1/meetings", ALL, Some(&json!({})));
    assert_eq!((refused.status, &refused.body["type"]), (503, &json!("urn:einwahl:problem:store")));
}

#[test]
fn a_meeting_that_is_over_says_so_to_who_knows_the_pin_and_sounds_unknown_to_others() {
    let town = Town::new("over");
    let gateway = town.serves();
    let text = std::fs::read_to_string(town.config()).expect("the configuration");
    gateway.stops();
    let over =
        "[[meetings]]\nroom = \"alt\"\nid = \"555555\"\npin = \"5555\"\nends_at = \"2020-01-01T10:00\"\n[[api.tokens]]";
    std::fs::write(town.config(), text.replacen("[[api.tokens]]", over, 1)).expect("written");
    let gateway = town.serves();
    let line = gateway.calls("555555#,,5555#", "hung up");
    assert!(line.contains("NotNow(Over)"), "{line}");
    let line = gateway.calls("555555#,,1234#,,555555#,,1234#,,555555#,,1234#", "hung up");
    assert!(line.contains("TriesUsedUp"), "{line}");
}

#[test]
fn a_gateway_whose_folder_cannot_be_used_says_why_and_does_not_start() {
    let town = Town::new("folder");
    let _gateway = town.serves();
    let start = |town: &Town| {
        let output = Command::new(env!("CARGO_BIN_EXE_einwahl"))
            .args(["serve", "--config"])
            .arg(town.config())
            .output()
            .expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = start(&town);
    assert_eq!(code, Some(1));
    assert!(told.contains("another einwahl uses this folder"), "{told}");
    let other = Town::new("no-folder");
    std::fs::write(other.kept(), "a file").expect("written");
    let (code, told) = start(&other);
    assert_eq!(code, Some(1));
    assert!(told.contains("[store] folder"), "{told}");
}

#[test]
fn a_token_is_made_shown_once_and_recognised_by_the_line_for_the_configuration() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_einwahl")).args(arguments).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = run(&["api", "token", "ratsinfo", "--rights", "read,write"]);
    assert_eq!(code, Some(0));
    let token = told.lines().find(|line| line.starts_with("ew_")).expect("a token");
    let config = &told[told.find("[[api.tokens]]").expect("the lines")..];
    let read = einwahl::config::Config::from_toml(config).expect("usable");
    assert!(read.api.tokens[0].hash.is(&TokenHash::of(token)) && read.api.tokens[0].rights.len() == 2);
    assert_eq!(run(&["api", "token", "Rats Info"]).0, Some(2));
    assert_eq!(run(&["api", "token", "x", "--rights", "all"]).0, Some(2));
}

/// Without files it is the plan that runs, which is the shipped one.
#[test]
fn whoever_may_see_plans_is_told_what_a_draft_would_do_and_what_is_wrong_with_it() {
    const DRAFT: &str = "[hours.amt]\nmon-fri = \"08:00-16:00\"\nholidays = \"DE-BE\"\n\
        [[rule]]\nname = \"Notruf\"\ncalled = [\"110\", \"112\"]\nemergency = true\n\
        [[rule]]\nname = \"Amt\"\ncalled = \"+49 30 9018 2XXX\"\nwhen = { open = \"amt\" }\nmenu = \"en\"\n\
        [[rule]]\nname = \"Rest\"\ncalled = \"*\"\nclosed = \"de\"\n";
    let town = Town::new("survey");
    let gateway = town.serves();
    let files = json!({"10-amt.toml": DRAFT});
    let asks = |question: &str, body: Value| {
        gateway.asks("POST", &format!("/api/v1/dialplan/{question}"), SEES_PLANS, Some(&body))
    };
    let answers = |question: &str, body: Value| {
        let reply = asks(question, body);
        assert_eq!(reply.status, 200, "{question}: {}", reply.body);
        reply.body
    };

    assert_eq!(answers("check", json!({ "files": files })), json!({"rules": 3, "problems": []}));
    let broken = json!({"10-amt.toml": DRAFT.replace("menu = \"en\"", "menu = \"fr\"")});
    let found = answers("check", json!({ "files": broken }));
    let problem = &found["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"], &problem["length"]),
        (&json!("10-amt.toml"), &json!(12), &json!(8), &json!(4))
    );
    assert_eq!((&problem["severity"], &problem["message"]), (&json!("error"), &json!("\"fr\" cannot be used here")));
    let sees = format!("Bearer {SEES_PLANS}");
    let german = [("authorization", sees.as_str()), ("accept-language", "fr, de;q=0.8, en;q=0.5")];
    let path = "/api/v1/dialplan/check";
    let found = gateway.asks_with("POST", path, &german, Some(json!({ "files": broken }).to_string())).body;
    let problem = &found["problems"][0];
    assert_eq!(
        (&problem["message"], &problem["help"]),
        (&json!("\"fr\" geht hier nicht"), &json!("\"de\" oder \"en\""))
    );

    // Refusals, too, down to the field, of who has no token and where nothing is.
    let tried = |path: &str, headers: &[(&str, &str)], body: &str| {
        let refused = gateway.asks_with("POST", path, headers, Some(body.to_owned()));
        (refused.header("content-language").to_owned(), refused.body)
    };
    let (language, refused) = tried("/api/v1/dialplan/try", &german, r#"{"called":"1","caller":"rat"}"#);
    assert_eq!(language, "de");
    assert_eq!(
        (&refused["title"], &refused["errors"][0]["message"]),
        (&json!("So kann es nicht sein"), &json!("Schreiben Sie eine Nummer wie +49 30 1234567"))
    );
    let (_, unread) = tried("/api/v1/dialplan/try", &german, r#"{"called":1}"#);
    assert_eq!(unread["errors"][0]["message"], "erwartet wird ein Text (Zeile 1, Spalte 11)");
    let (_, nowhere) = tried("/api/v1/nirgends", &german, "{}");
    assert_eq!(nowhere["title"], "Diese Adresse gibt es nicht");
    let (language, stranger) = tried("/api/v1/dialplan/try", &german[1..], r#"{"called":"1"}"#);
    assert_eq!((language.as_str(), &stranger["status"]), ("de", &json!(401)));
    assert_eq!(stranger["title"], "Kein gültiges Token, und niemand angemeldet");
    let (language, plain) = tried("/api/v1/dialplan/try", &german[..1], r#"{"called":1}"#);
    assert_eq!(language, "en");
    assert_eq!(plain["errors"][0]["message"], "expected a string (line 1, column 11)");

    let call = json!({"files": files, "called": "+49 30 9018 2000", "at": "2026-12-24T19:00", "language": "de"});
    let tried = answers("try", call);
    assert_eq!((&tried["rule"], &tried["kind"]), (&json!("Rest"), &json!("closed")));
    assert_eq!((&tried["steps"][1]["rule"], &tried["steps"][1]["outcome"]), (&json!("Amt"), &json!("otherTime")));
    let running = answers("try", json!({"called": "030 90182000"}));
    assert_eq!((&running["rule"], &running["international"]), (&json!("Menü"), &json!("+493090182000")));
    assert_eq!(asks("try", json!({"called": " ", "at": "heute"})).body["errors"].as_array().map(Vec::len), Some(2));

    // What few rules ask for: who diverted the call, for whom the trunk vouches, and the language.
    let asking = json!({"10-amt.toml": format!(
        "[[rule]]\nname = \"Vom Rathaus\"\ncalled = \"*\"\ndiversion = \"+49 30 9018 2112\"\nmenu = \"de\"\n\
        [[rule]]\nname = \"Bekannt\"\ncalled = \"*\"\nasserted = \"+49 30 9018!\"\naccepts = \"tr\"\nmenu = \"en\"\n{DRAFT}"
    )});
    let tried = |more: Value| {
        let mut call = json!({"files": asking, "called": "+49 30 9018 2000", "at": "2026-12-24T19:00"});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let tried = answers("try", call);
        let path = tried["steps"].as_array().unwrap().iter().map(|step| step["outcome"].as_str().unwrap().to_owned());
        (tried["rule"].as_str().unwrap().to_owned(), path.collect::<Vec<_>>().join(" "))
    };
    let told = |rule: &str, path: &str| (rule.to_owned(), path.to_owned());
    assert_eq!(tried(json!({"diversion": "030 90182112"})), told("Vom Rathaus", "takes"));
    let known = json!({"asserted": "+49 30 90181", "accepts": "tr-TR", "diversion": ""});
    assert_eq!(tried(known), told("Bekannt", "otherDiversion takes"));
    let other = json!({"asserted": "+49 30 90181", "accepts": "en"});
    assert!(tried(other).1.starts_with("otherDiversion otherLanguage "));
    let unfit = asks("try", json!({"called": "1", "asserted": "rat", "diversion": "sip:", "accepts": "t"})).body;
    let fields: Vec<_> = unfit["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str()).collect();
    assert_eq!(fields, [Some("asserted"), Some("diversion"), Some("accepts")]);
    let covered = json!({"files": asking, "blocks": ["+49 30 9018 20XX"], "diversion": "+49 30 9018 2112"});
    assert_eq!(answers("coverage", covered)["blocks"][0]["stretches"][0]["rule"], "Vom Rathaus");

    let tree = answers("tree", json!({"files": files, "language": "en"}));
    assert_eq!(tree["contexts"][0]["rules"][1]["condition"], "Calls to +49 30 9018 2XXX, while “amt” is open");
    let week = answers("week", json!({"files": files, "from": "2026-12-21"}));
    assert_eq!(
        (&week["rows"][0]["days"][3]["open"][0]["from"], &week["rows"][0]["days"][4]["why"]),
        (&json!("08:00"), &json!("holiday"))
    );
    let coverage = json!({"files": files, "blocks": ["+49 30 9018 XXXX"], "at": "2026-11-24T10:00"});
    let covered = answers("coverage", coverage);
    let stretches = covered["blocks"][0]["stretches"].as_array().unwrap();
    let rules: Vec<_> =
        stretches.iter().map(|one| (one["rule"].as_str().unwrap(), one["count"].as_u64().unwrap())).collect();
    assert_eq!(rules, [("Rest", 2_000), ("Amt", 1_000), ("Rest", 7_000)]);
    assert_eq!(asks("coverage", json!({"blocks": ["+49 XXXXXXX"]})).status, 422);

    let stranger = gateway.asks("POST", "/api/v1/dialplan/tree", LOOKS, Some(&json!({})));
    assert_eq!((stranger.status, &stranger.body["type"]), (403, &json!("urn:einwahl:problem:right")));
    assert_eq!(asks("tree", json!({"files": [], "langage": "de"})).status, 400);
}
