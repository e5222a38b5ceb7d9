//! An operator who watches a real call come, mutes it and hangs it up; and what others see of that.
#![cfg(feature = "gateway")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot run has failed"
)]

mod office;

use std::process::{Child, Command, Stdio};

use office::{Gateway, Office};
use serde_json::{Value, json};

fn calls(gateway: &Gateway) -> Child {
    Command::new(env!("CARGO_BIN_EXE_einwahl"))
        .args([
            "phone",
            &format!("sip:einwahl@127.0.0.1:{}", gateway.sip),
            "--seconds",
            "90",
            "--digits",
            "123456#,,4711#",
        ])
        .args(["--from", "+493012345642"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("calls")
}

#[test]
fn an_operator_sees_a_call_come_mutes_it_and_hangs_it_up_while_others_only_watch() {
    let office = Office::new("live", &Office::token("anzeige", "ew_shows", "\"calls\""));
    let (once, viewers) = (office.adds("otto", "operator"), office.adds("vera", "viewer"));
    let gateway = office.serves();
    let (mut otto, _) = gateway.begins("otto", &once);
    let (mut vera, _) = gateway.begins("vera", &viewers);
    let mut news = vera.follows("/api/v1/events");
    let mut display = gateway.follows("/api/v1/events", "ew_shows");
    assert_eq!(news.next("live")["calls"], json!([]));

    let mut phone = calls(&gateway);
    let call = news.until("change", |change| change["calls"][0]["id"].is_u64())["calls"][0].clone();
    let id = call["id"].as_u64().expect("a number");
    assert_eq!((&call["direction"], &call["caller"]), (&json!("in"), &json!("+49 30 ···42")));
    assert!(call["codec"].is_string() && !call.to_string().contains("12345642"), "{call}");
    let inside = news.until("change", |change| change["rooms"][0]["participants"][0]["id"].is_u64());
    let who = inside["rooms"][0]["participants"][0].clone();
    assert_eq!(
        (&inside["rooms"][0]["room"], &who["kind"], &who["muted"]),
        (&json!("rat"), &json!("phone"), &json!(false))
    );
    let live = otto.gets("/api/v1/live").body;
    assert_eq!((&live["calls"][0]["room"], &live["calls"][0]["participant"]), (&json!("rat"), &who["id"]));

    let mute = format!("/api/v1/live/calls/{id}/mute");
    assert_eq!(vera.posts(&mute, &json!({"on": true})).status, 403);
    assert_eq!(otto.posts(&mute, &json!({"on": true})).status, 204);
    let muted = |change: &Value| change["rooms"][0]["participants"][0]["muted"] == true;
    news.until("change", muted);
    display.until("change", muted);
    let line = format!("/api/v1/live/rooms/rat/participants/{}/mute", who["id"]);
    assert_eq!(otto.posts(&line, &json!({"on": false})).status, 204);
    assert_eq!(otto.posts("/api/v1/live/rooms/rat/participants/99/mute", &json!({"on": true})).status, 404);
    assert_eq!(otto.posts("/api/v1/live/calls/99/hangup", &Value::Null).status, 404);
    let quality = news.until("change", |change| change["calls"][0]["quality"].is_object());
    assert_eq!(quality["calls"][0]["quality"]["lossIn"], 0);

    assert_eq!(otto.posts(&format!("/api/v1/live/calls/{id}/hangup"), &Value::Null).status, 204);
    news.until("change", |change| change["callsGone"] == json!([id]));
    assert!(phone.wait().expect("ends").success(), "the telephone is told");
    let mut phone = calls(&gateway);
    news.until("change", |change| change["rooms"][0]["participants"][0]["id"].is_u64());
    assert_eq!(otto.posts("/api/v1/live/rooms/rat/end", &Value::Null).status, 204);
    news.until("change", |change| change["roomsGone"] == json!(["rat"]));
    drop(phone.kill());
    drop(phone.wait());

    // Who signs out is told nothing more; the program goes on.
    assert_eq!(vera.asks("DELETE", "/api/v1/session?everywhere=true", None).status, 204);
    news.ends();
    let mut phone = calls(&gateway);
    display.until("change", |change| change["calls"][0]["id"].as_u64().is_some_and(|other| other != id));
    drop(phone.kill());
    drop(phone.wait());
    gateway.stops();
    display.ends();
    let acts: Vec<_> =
        office.audit().iter().filter(|entry| entry["what"] == "operated").map(|entry| entry["act"].clone()).collect();
    assert_eq!(acts, ["mute", "unmute", "hangUp", "end"]);
}
