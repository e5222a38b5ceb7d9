//! Who may do what: every role against every address of the API's own description. An address without a line here fails.
#![cfg(feature = "gateway")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot run has failed"
)]

mod office;

use std::collections::BTreeSet;

use office::{Browser, Gateway, Office};
use serde_json::{Value, json};

/// What each role may do: written down anew, and not taken from the code that is tested.
const ROLES: [(&str, &[&str]); 5] = [
    ("viewer", &["read", "plan", "calls"]),
    ("editor", &["read", "plan", "calls", "edit", "publish"]),
    ("operator", &["read", "plan", "calls", "pins", "write", "operate"]),
    ("auditor", &["plan", "calls", "audit"]),
    (
        "administrator",
        &["read", "pins", "write", "plan", "edit", "publish", "calls", "operate", "audit", "accounts", "erase"],
    ),
];

/// What each address takes. `session`: somebody who is signed in, or about to be; `nobody`: anybody.
const TABLE: &[(&str, &str, &str)] = &[
    ("GET", "/api/v1/meetings", "read"),
    ("POST", "/api/v1/meetings", "write"),
    ("GET", "/api/v1/meetings/{room}", "read"),
    ("PATCH", "/api/v1/meetings/{room}", "write"),
    ("DELETE", "/api/v1/meetings/{room}", "write"),
    ("POST", "/api/v1/meetings/{room}/invitations", "write"),
    ("GET", "/api/v1/erasures", "erase"),
    ("POST", "/api/v1/erasures", "erase"),
    ("GET", "/api/v1/dialplan", "plan"),
    ("POST", "/api/v1/dialplan/check", "plan"),
    ("POST", "/api/v1/dialplan/try", "plan"),
    ("POST", "/api/v1/dialplan/tree", "plan"),
    ("POST", "/api/v1/dialplan/week", "plan"),
    ("POST", "/api/v1/dialplan/coverage", "plan"),
    ("GET", "/api/v1/dialplan/versions", "plan"),
    ("GET", "/api/v1/dialplan/versions/{version}", "plan"),
    ("GET", "/api/v1/dialplan/versions/{version}/diff", "plan"),
    ("GET", "/api/v1/dialplan/drafts", "plan"),
    ("GET", "/api/v1/dialplan/draft", "plan"),
    ("PUT", "/api/v1/dialplan/draft", "edit"),
    ("DELETE", "/api/v1/dialplan/draft", "edit"),
    ("POST", "/api/v1/dialplan/draft/approve", "publish"),
    ("POST", "/api/v1/dialplan/publish", "publish"),
    ("POST", "/api/v1/dialplan/rollback", "publish"),
    ("POST", "/api/v1/dialplan/replay", "calls"),
    ("GET", "/api/v1/calls", "calls"),
    ("GET", "/api/v1/calls/{id}", "calls"),
    ("GET", "/api/v1/trunks", "calls"),
    ("GET", "/api/v1/federation", "calls"),
    ("GET", "/api/v1/residency", "audit"),
    ("GET", "/api/v1/residency/report", "audit"),
    ("GET", "/api/v1/residency/firewall", "audit"),
    ("POST", "/api/v1/trunks/{name}/check", "operate"),
    ("GET", "/api/v1/live", "calls"),
    ("GET", "/api/v1/events", "calls"),
    ("POST", "/api/v1/live/calls/{id}/hangup", "operate"),
    ("POST", "/api/v1/live/calls/{id}/mute", "operate"),
    ("POST", "/api/v1/live/calls/{id}/transfer", "operate"),
    ("GET", "/api/v1/callbacks", "operate"),
    ("DELETE", "/api/v1/callbacks/{id}", "operate"),
    ("POST", "/api/v1/live/rooms/{room}/participants/{id}/mute", "operate"),
    ("POST", "/api/v1/live/rooms/{room}/end", "operate"),
    ("GET", "/api/v1/audit", "audit"),
    ("GET", "/api/v1/accounts", "accounts"),
    ("POST", "/api/v1/accounts", "accounts"),
    ("PATCH", "/api/v1/accounts/{name}", "accounts"),
    ("DELETE", "/api/v1/accounts/{name}", "accounts"),
    ("POST", "/api/v1/accounts/{name}/reset", "accounts"),
    ("POST", "/api/v1/session", "nobody"),
    ("GET", "/api/v1/session", "session"),
    ("DELETE", "/api/v1/session", "session"),
    ("POST", "/api/v1/session/totp", "session"),
    ("POST", "/api/v1/session/enrolment", "session"),
    ("POST", "/api/v1/session/password", "session"),
    ("GET", "/api/v1/session/ways", "nobody"),
    ("GET", "/api/v1/session/oidc", "nobody"),
    ("GET", "/api/v1/session/oidc/callback", "nobody"),
];

/// An address with something in place of its variables that there is not: whoever may, changes nothing.
fn filled(path: &str) -> String {
    let part = |part: &str| match part {
        "{id}" | "{version}" => String::from("999999"),
        "{room}" | "{name}" => String::from("niemand"),
        other => other.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A body that can be read: what cannot is told to everybody who is known.
fn body(method: &str, path: &str) -> Option<Value> {
    let body = match path.rsplit('/').next().unwrap_or_default() {
        "mute" => json!({"on": true}),
        "invitations" => json!({"to": ["niemand@stadt.example"]}),
        "erasures" => json!({"record": 999_999}),
        "transfer" => json!({"to": "2001"}),
        "accounts" => json!({"name": "niemand", "role": "viewer"}),
        "check" if path.contains("dialplan") => json!({"files": {}}),
        "try" => json!({"called": "110"}),
        "coverage" => json!({"blocks": ["+49 30 9018 2XXX"]}),
        _ => json!({}),
    };
    ["POST", "PUT", "PATCH"].contains(&method).then_some(body)
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    NotKnown,
    NotAllowed,
}

fn verdict(reply: &office::Reply) -> Verdict {
    match (reply.status, reply.body["type"].as_str()) {
        (401, Some("urn:einwahl:problem:token")) => Verdict::NotKnown,
        (403, Some("urn:einwahl:problem:right")) => Verdict::NotAllowed,
        (401 | 403 | 429 | 500..=599, what) => panic!("{what:?}: {}", reply.text),
        _ => Verdict::Taken,
    }
}

fn by_token(gateway: &Gateway, method: &str, path: &str, token: Option<&str>) -> Verdict {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    verdict(&gateway.asks(method, &filled(path), &headers, body(method, path).as_ref()))
}

fn by_browser(browser: &mut Browser, method: &str, path: &str) -> Verdict {
    verdict(&browser.asks(method, &filled(path), body(method, path).as_ref()))
}

#[test]
fn every_role_may_do_what_its_rights_say_at_every_address_and_nothing_else() {
    let rights = ROLES[4].1;
    let tokens: String = rights
        .iter()
        .map(|right| Office::token(&format!("kann-{right}"), &format!("ew_{right}"), &format!("\"{right}\"")))
        .collect();
    let office = Office::new("rights", &tokens);
    let once: Vec<String> = ROLES.iter().map(|(role, _)| office.adds(role, role)).collect();
    let gateway = office.serves();

    let document = gateway.asks("GET", "/api/openapi.json", &[], None).body;
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys().filter(|method| *method != "parameters") {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let listed: BTreeSet<_> =
        TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    let without: Vec<_> = described.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&described).collect();
    assert!(
        without.is_empty() && gone.is_empty(),
        "without a line in TABLE: {without:?}; no longer described: {gone:?}"
    );

    let guarded: Vec<_> = TABLE.iter().filter(|(_, _, needs)| rights.contains(needs)).collect();
    let mut ended = None;
    for ((role, may), once) in ROLES.iter().zip(&once) {
        let (mut browser, _) = gateway.begins(role, once);
        for (method, path, needs) in &guarded {
            let expected = if may.contains(needs) { Verdict::Taken } else { Verdict::NotAllowed };
            assert_eq!(by_browser(&mut browser, method, path), expected, "{role}: {method} {path}");
        }
        let kept = browser.clone();
        assert_eq!(browser.asks("DELETE", "/api/v1/session", None).status, 204);
        ended = Some(kept);
    }
    let mut ended = ended.expect("a session that is over");
    for (method, path, _) in TABLE.iter().filter(|(_, _, needs)| *needs != "nobody") {
        assert_eq!(by_token(&gateway, method, path, None), Verdict::NotKnown, "nobody: {method} {path}");
        assert_eq!(by_browser(&mut ended, method, path), Verdict::NotKnown, "a session that is over: {method} {path}");
    }
    for right in rights {
        for (method, path, needs) in &guarded {
            let expected = if needs == right { Verdict::Taken } else { Verdict::NotAllowed };
            let verdict = by_token(&gateway, method, path, Some(&format!("ew_{right}")));
            assert_eq!(verdict, expected, "a token with {right}: {method} {path}");
        }
    }
    for (method, path, _) in TABLE.iter().filter(|(_, _, needs)| *needs == "session") {
        assert_eq!(
            by_token(&gateway, method, path, Some("ew_accounts")),
            Verdict::NotKnown,
            "a token has no session: {path}"
        );
    }
}

#[test]
fn an_administrator_makes_changes_and_takes_accounts_and_who_is_changed_feels_it_at_once() {
    let office = Office::new("accounts", &Office::token("ratsinfo", "ew_1", "\"read\""));
    let once = office.adds("otto", "administrator");
    let gateway = office.serves();
    let (mut otto, _) = gateway.begins("otto", &once);
    let path = "/api/v1/accounts";
    let made = otto.posts(path, &json!({"name": "erika", "role": "viewer"}));
    assert_eq!(made.status, 201, "{}", made.text);
    for (name, why) in [("erika", "taken"), ("ratsinfo", "a token's"), ("Erika", "no name")] {
        assert_eq!(otto.posts(path, &json!({"name": name, "role": "viewer"})).status, 422, "{why}");
    }
    let (mut erika, mut person) = gateway.begins("erika", made.body["oneTimePassword"].as_str().expect("a password"));
    let list = otto.gets(path);
    assert_eq!(
        (&list.body["accounts"][0]["name"], &list.body["accounts"][0]["secondFactor"]),
        (&json!("erika"), &json!(true))
    );
    assert!(!list.text.contains("argon2") && !list.text.contains("oneTimePassword"), "{}", list.text);

    assert_eq!(erika.posts("/api/v1/meetings", &json!({})).status, 403);
    assert_eq!(otto.asks("PATCH", "/api/v1/accounts/erika", Some(&json!({"role": "operator"}))).status, 200);
    assert_eq!(erika.posts("/api/v1/meetings", &json!({})).status, 201, "with the next request");
    assert_eq!(otto.asks("PATCH", "/api/v1/accounts/erika", Some(&json!({"disabled": true}))).status, 200);
    assert_eq!(erika.gets("/api/v1/meetings").status, 401);
    let barred = gateway.browser().posts("/api/v1/session", &json!({"name": "erika", "password": office::PASSWORD}));
    assert_eq!(barred.status, 401);
    assert_eq!(otto.asks("PATCH", "/api/v1/accounts/erika", Some(&json!({"disabled": false}))).status, 200);
    gateway.enters(&mut person);
    let reset = otto.asks("POST", "/api/v1/accounts/erika/reset", None);
    assert_eq!(reset.status, 200, "{}", reset.text);
    gateway.begins("erika", reset.body["oneTimePassword"].as_str().expect("a password"));

    for last in [json!({"role": "viewer"}), json!({"disabled": true})] {
        assert_eq!(
            otto.asks("PATCH", "/api/v1/accounts/otto", Some(&last)).status,
            422,
            "nobody else may administrate"
        );
    }
    assert_eq!(otto.asks("DELETE", "/api/v1/accounts/otto", None).status, 422);
    assert_eq!(otto.asks("DELETE", "/api/v1/accounts/erika", None).status, 204);
    assert_eq!(otto.asks("DELETE", "/api/v1/accounts/erika", None).status, 404);

    let audit = otto.gets("/api/v1/audit?by=erika&limit=1000&verify=true");
    let what: Vec<_> =
        audit.body["entries"].as_array().unwrap().iter().rev().map(|entry| entry["what"].clone()).collect();
    let expected = [
        "accountMade",
        "appEnrolled",
        "signedIn",
        "passwordChosen",
        "roleChanged",
        "meetingCreated",
        "accountDisabled",
        "signInFailed",
        "accountEnabled",
        "signedIn",
        "accountReset",
        "appEnrolled",
        "signedIn",
        "passwordChosen",
        "accountDeleted",
    ];
    assert_eq!(what, expected);
    assert_eq!(audit.body["chain"]["sound"], true);
    let head = audit.body["chain"]["head"].as_str().expect("a head").to_owned();
    assert_eq!(office.commands(&["audit", "verify", "--seen", &head]).0, Some(0));
    let first = otto.gets("/api/v1/audit?after=0&limit=2&what=accountMade").body;
    assert_eq!((&first["entries"][0]["account"], &first["entries"][1]["account"]), (&json!("otto"), &json!("erika")));
    let table = otto.gets("/api/v1/audit?format=csv&what=accountMade");
    assert_eq!((table.header("content-type"), table.text.lines().count()), ("text/csv; charset=utf-8", 3));
    for wrong in ["limit=0", "limit=10001", "format=pdf", "after=x", "nonsense=1"] {
        assert_eq!(otto.gets(&format!("/api/v1/audit?{wrong}")).status, 400, "{wrong}");
    }
}
