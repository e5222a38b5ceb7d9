//! Officials who sign in at the real server, and others who try to be them.
#![cfg(feature = "gateway")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot run has failed"
)]

mod office;

use office::{Office, PASSWORD};
use serde_json::{Value, json};

const SESSION: &str = "/api/v1/session";

#[test]
fn an_official_signs_in_for_the_first_time_and_on_the_next_day() {
    let office = Office::new("first", "");
    let once = office.adds("erika", "editor");
    let gateway = office.serves();
    assert_eq!(gateway.browser().gets(SESSION).status, 401);
    let (mut browser, mut person) = gateway.begins("erika", &once);
    let session = browser.gets(SESSION).body;
    assert_eq!((&session["name"], &session["role"]), (&json!("erika"), &json!("editor")));
    assert_eq!(session["rights"], json!(["read", "plan", "calls", "edit", "publish"]));
    assert_eq!(person.recovery.len(), 10);
    assert_eq!(browser.gets("/api/v1/meetings").status, 200);
    let refused = browser.posts("/api/v1/meetings", &json!({}));
    assert_eq!((refused.status, &refused.body["type"]), (403, &json!("urn:einwahl:problem:right")));
    let over = browser.asks("DELETE", SESSION, None);
    assert_eq!((over.status, browser.cookie.clone()), (204, None));
    gateway.stops();

    let gateway = office.serves();
    let mut browser = gateway.enters(&mut person);
    assert_eq!(browser.gets("/api/v1/meetings").status, 200, "the account outlives a restart");
    assert_eq!(gateway.browser().posts(SESSION, &json!({"name": "erika", "password": once})).status, 401);
    gateway.stops();
    let audit = office.audit();
    let what: Vec<_> = audit.iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    let expected =
        ["accountMade", "started", "loaded", "appEnrolled", "signedIn", "passwordChosen", "signedOut", "stopped"];
    assert_eq!(what[..8], expected);
    assert_eq!(what[10..], ["signedIn", "signInFailed", "stopped"]);
    let text = serde_json::to_string(&audit).expect("text");
    assert!(!text.contains(PASSWORD) && !text.contains(&once), "{text}");
    for file in ["store.db", "audit.db"] {
        let bytes = std::fs::read(office.folder.join("kept").join(file)).expect("a file");
        assert!(!bytes.windows(7).any(|part| part == b"$argon2"), "a hash is in {file}");
    }
}

#[test]
fn a_page_of_another_site_cannot_act_with_the_cookie() {
    let office = Office::new("csrf", "");
    let once = office.adds("otto", "operator");
    let gateway = office.serves();
    let (mut browser, _) = gateway.begins("otto", &once);
    let (origin, csrf) = (gateway.origin(), browser.csrf.clone());
    let path = "/api/v1/meetings";
    let own = ("origin", origin.as_str());
    let token = ("x-csrf-token", csrf.as_str());
    let made = |reply: office::Reply| (reply.status, reply.body["type"].as_str().unwrap_or("made").to_owned());
    let foreign = (403, String::from("urn:einwahl:problem:foreign"));
    for (headers, why) in [
        (
            &[("content-type", "text/plain"), ("origin", "https://boese.example"), ("sec-fetch-site", "cross-site")][..],
            "a form",
        ),
        (&[("origin", "https://boese.example"), token], "another origin, with the token"),
        (&[("sec-fetch-site", "same-site"), token], "a neighbour of the same site"),
        (&[("origin", "null"), token], "a page without an origin"),
        (&[own], "no token"),
        (&[token], "nothing that says where it comes from"),
        (&[own, ("x-csrf-token", "guessed")], "a wrong token"),
        (&[own, ("sec-fetch-site", "cross-site"), token], "two that do not fit together"),
    ] {
        assert_eq!(made(browser.asks_with("POST", path, headers, Some(&json!({})))), foreign, "{why}");
    }
    assert_eq!(browser.asks_with("DELETE", SESSION, &[own], None).status, 403, "signing out, too");
    assert_eq!(browser.asks_with("GET", path, &[("sec-fetch-site", "cross-site")], None).status, 403);
    assert_eq!(made(browser.asks_with("POST", path, &[own, token], Some(&json!({})))), (201, String::from("made")));
    // Nobody is signed in under another's name by another site's page.
    let login = json!({"name": "otto", "password": PASSWORD});
    let forged = gateway.asks("POST", SESSION, &[("origin", "https://boese.example")], Some(&login));
    assert_eq!((forged.status, forged.header("set-cookie")), (403, ""));
    let form = gateway.asks("POST", SESSION, &[("content-type", "text/plain")], Some(&login));
    assert_eq!((form.status, form.header("set-cookie")), (415, ""));
}

#[test]
fn a_session_cannot_be_fixed_before_nor_used_halfway_nor_after_its_end() {
    let office = Office::new("fixation", "");
    let once = office.adds("erika", "viewer");
    let gateway = office.serves();
    let mut browser = gateway.browser();
    browser.cookie = Some("a".repeat(64));
    let first = browser.posts(SESSION, &json!({"name": "erika", "password": once}));
    let halfway = browser.clone();
    assert_eq!(first.status, 200);
    assert_ne!(halfway.cookie, Some("a".repeat(64)), "who planted a cookie does not know the new one");
    assert_eq!(halfway.clone().gets("/api/v1/meetings").status, 401, "the password alone is not enough");
    assert_eq!(halfway.clone().posts("/api/v1/session/password", &json!({"new": PASSWORD})).status, 409);
    drop(browser);
    let (mut browser, mut person) = gateway.begins("erika", &once);
    assert_eq!(halfway.clone().gets(SESSION).status, 401, "who has the one-time password gets no further");
    let there = gateway.enters(&mut person);
    let before = browser.clone();
    let changed = browser.posts("/api/v1/session/password", &json!({"old": PASSWORD, "new": "leiter nebel kartoffel"}));
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_ne!(before.cookie, browser.cookie);
    for (mut other, who) in [(before, "the same under its old name"), (there, "another device")] {
        assert_eq!(other.gets(SESSION).status, 401, "{who}");
    }
    let kept = browser.clone();
    assert_eq!(browser.asks("DELETE", "/api/v1/session?everywhere=true", None).status, 204);
    assert_eq!(kept.clone().gets(SESSION).status, 401, "a cookie that somebody kept");
}

#[test]
fn a_code_counts_once_and_in_its_time_and_a_recovery_code_once() {
    let office = Office::new("codes", "");
    let once = office.adds("erika", "viewer");
    let gateway = office.serves();
    let (_, mut person) = gateway.begins("erika", &once);
    let mut browser = gateway.browser();
    let login = json!({"name": "erika", "password": PASSWORD});
    assert_eq!(browser.posts(SESSION, &login).body["next"], "code");
    let mut shows = |body: Value| browser.posts("/api/v1/session/totp", &body).status;
    assert_eq!(shows(json!({"code": person.code_at(0)})), 401, "used for the enrolment");
    assert_eq!(shows(json!({"code": person.code_at(4)})), 401, "not yet");
    assert_eq!(shows(json!({})), 422);
    let recovery = person.recovery[0].clone();
    assert_eq!(shows(json!({"recoveryCode": recovery})), 200);
    let mut browser = gateway.browser();
    browser.posts(SESSION, &login);
    assert_eq!(browser.posts("/api/v1/session/totp", &json!({"recoveryCode": recovery})).status, 401, "used");
    assert_eq!(browser.posts("/api/v1/session/totp", &json!({"code": person.code_at(0)})).status, 401, "of before");
    assert_eq!(browser.posts("/api/v1/session/totp", &json!({"code": person.code()})).status, 200, "the next one");
}

#[test]
fn guessing_gets_slow_for_who_guesses_and_does_not_lock_the_house() {
    let office = Office::new("guess", "");
    let once = office.adds("erika", "viewer");
    let gateway = office.serves();
    let (mut inside, _) = gateway.begins("erika", &once);
    let wrong = json!({"name": "erika", "password": "nebel leiter karotte"});
    let unknown = json!({"name": "niemand", "password": "nebel leiter karotte"});
    let first = gateway.browser().posts(SESSION, &wrong);
    let second = gateway.browser().posts(SESSION, &unknown);
    assert_eq!((first.status, second.status, first.text), (401, 401, second.text), "a name is not given away");
    let statuses: Vec<u16> = (0..6).map(|_| gateway.browser().posts(SESSION, &wrong).status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    let slow = gateway.browser().posts(SESSION, &json!({"name": "erika", "password": PASSWORD}));
    assert_eq!(slow.status, 429, "the right one, too");
    let wait: u64 = slow.header("retry-after").parse().expect("seconds");
    assert!((1..=8).contains(&wait), "{wait}");
    assert_eq!(inside.gets("/api/v1/meetings").status, 200, "who is in stays in");

    // Who knows the password and guesses codes begins again after five, and then waits.
    let office = Office::new("guess-codes", "");
    let once = office.adds("erika", "viewer");
    let gateway = office.serves();
    let (_, person) = gateway.begins("erika", &once);
    let mut browser = gateway.browser();
    browser.posts(SESSION, &json!({"name": "erika", "password": PASSWORD}));
    let statuses: Vec<u16> =
        (0..6).map(|at| browser.posts("/api/v1/session/totp", &json!({"code": format!("00000{at}")})).status).collect();
    assert_eq!(statuses, [401; 6], "the sixth finds no session");
    browser.posts(SESSION, &json!({"name": "erika", "password": PASSWORD}));
    assert_eq!(browser.posts("/api/v1/session/totp", &json!({"code": "000006"})).status, 401);
    assert_eq!(browser.posts("/api/v1/session/totp", &json!({"code": person.code_at(1)})).status, 429);
}

#[test]
fn a_closed_account_lets_nobody_in_and_a_reset_one_begins_anew() {
    let office = Office::new("closed", "");
    let once = office.adds("erika", "viewer");
    assert_eq!(office.commands(&["account", "add", "erika", "--role", "viewer"]).0, Some(1), "there is one");
    assert_eq!(office.commands(&["account", "add", "Erika", "--role", "viewer"]).0, Some(2), "no name");
    assert_eq!(office.commands(&["account", "disable", "otto"]).0, Some(1), "nobody");
    assert_eq!(office.commands(&["account", "disable", "erika"]).0, Some(0));
    let gateway = office.serves();
    assert_eq!(gateway.browser().posts(SESSION, &json!({"name": "erika", "password": once})).status, 401);
    let (code, _, why) = office.commands(&["account", "enable", "erika"]);
    assert!(code == Some(1) && why.contains("another einwahl uses this folder"), "{why}");
    gateway.stops();
    assert_eq!(office.commands(&["account", "enable", "erika"]).0, Some(0));
    let (_, told, _) = office.commands(&["account", "reset", "erika"]);
    let list: Value = serde_json::from_str(&office.commands(&["account", "list", "--json"]).1).expect("JSON");
    assert_eq!((&list[0]["name"], &list[0]["disabled"]), (&json!("erika"), &json!(false)));
    let gateway = office.serves();
    let again = told.lines().nth(2).expect("a password");
    assert_eq!(gateway.browser().posts(SESSION, &json!({"name": "erika", "password": once})).status, 401);
    gateway.begins("erika", again);
}

#[test]
fn a_provider_that_is_down_keeps_nobody_out_who_has_an_account_and_what_is_forged_leads_nowhere() {
    use std::os::unix::fs::OpenOptionsExt as _;

    let secret = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oidc-secret");
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&secret);
    std::io::Write::write_all(&mut file.expect("a file"), b"geheim\n").expect("written");
    let lines = format!(
        "[oidc]\nissuer = \"https://127.0.0.1:{}\"\nclient_id = \"einwahl\"\nclient_secret_file = {secret:?}\n\
         console = \"https://einwahl.stadt.example\"\nbutton = \"Stadt-Login\"\n[[oidc.roles]]\ngroup = \"a\"\nrole = \"viewer\"\n",
        office::free_port()
    );
    let office = Office::new("oidc", &lines);
    let once = office.adds("erika", "editor");
    let gateway = office.serves();
    let mut browser = gateway.browser();
    assert_eq!(browser.gets("/api/v1/session/ways").body, json!({"oidc": "Stadt-Login"}));
    let leads_to = |reply: &office::Reply| (reply.status, reply.header("location").to_owned());
    let down = browser.gets("/api/v1/session/oidc?to=/admin/audit");
    assert_eq!(leads_to(&down), (303, String::from("/admin?oidc=unreachable")));
    let forged =
        gateway.asks("GET", "/api/v1/session/oidc/callback?state=x&code=y", &[("sec-fetch-site", "cross-site")], None);
    assert_eq!(leads_to(&forged), (303, String::from("/admin?oidc=unknown")));
    assert_eq!(forged.header("set-cookie"), "");
    let garbled = browser.gets("/api/v1/session/oidc/callback?state=x&state=y&code=z");
    assert_eq!(leads_to(&garbled), (303, String::from("/admin?oidc=garbled")));
    let ended: Vec<_> = (0..60).map(|_| browser.gets("/api/v1/session/oidc/callback?state=x&code=y")).collect();
    assert!(ended.iter().any(|reply| reply.header("location") == "/admin?oidc=busy"), "who tries often is slowed down");
    let (mut browser, _) = gateway.begins("erika", &once);
    let foreign = browser.asks_with("GET", "/api/v1/session/oidc", &[("sec-fetch-site", "cross-site")], None);
    assert_eq!(foreign.status, 403, "another site's page sends nobody away");
    gateway.stops();
    let stopped: Vec<_> = office.audit().into_iter().filter(|entry| entry["what"] == "signInStopped").collect();
    let why: Vec<_> = stopped.iter().take(3).map(|entry| entry["why"].as_str().unwrap()).collect();
    assert_eq!(why, ["unreachable", "unknown", "garbled"]);
    assert!(stopped.len() < 30, "an attack does not flood the audit");
    assert_eq!(Office::new("no-oidc", "").serves().browser().gets("/api/v1/session/oidc").status, 404);
}
