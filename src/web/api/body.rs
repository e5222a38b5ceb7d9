//! Meetings as the API writes them. In: JSON. Out: a draft, or every word of it that is wrong.

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::problem::Refusal;
use crate::dialplan::InvalidSpan;
use crate::meeting::{self, Draft, Fault, Listed, Names, Share, Source};
use crate::room::Announce;
use crate::words::{Both, InvalidDomain, Language, Pin, Role, both};

/// What is said of a meeting. Of a new one, what is left out is made: name, ID and PINs. Of one that is changed, what is left
/// out stays, and `null` takes a PIN, a time or the language away.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MeetingBody {
    /// Its name in addresses: 1 to 64 of a–z, 0–9, '-' and '_', beginning with a letter or digit. It keeps it for good.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false, pattern = "^[a-z0-9][a-z0-9_-]{0,63}$", example = "ratssitzung")]
    room: Option<String>,
    /// What callers key: 4 to 12 digits.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false, pattern = "^[0-9]{4,12}$", example = "12345678")]
    id: Option<String>,
    /// What people see: one line of at most 200 characters.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(
        nullable = false,
        max_length = 200,
        pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        example = "Ratssitzung"
    )]
    title: Option<String>,
    /// With this PIN, 4 to 12 digits, somebody takes part; `null`: nobody is asked.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{4,12}$", example = "471147")]
    pin: Option<Option<String>>,
    /// With this PIN somebody leads. Another than `pin`, and none without that.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{4,12}$", example = "08150815")]
    moderator_pin: Option<Option<String>>,
    /// When it opens: with an offset (RFC 3339), with a zone (RFC 9557), or by the institution's clock. Before that everybody
    /// waits with music.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "2030-11-25T18:00")]
    opens_at: Option<Option<String>>,
    /// When it is over for all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "2030-11-25T20:00")]
    ends_at: Option<Option<String>>,
    /// It opens when a moderator arrives, before its time too.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false)]
    moderator_opens: Option<bool>,
    /// Participants wait until a moderator admits them.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false)]
    lobby: Option<bool>,
    /// What the room hears when somebody comes or goes.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false, value_type = Option<AnnounceName>)]
    announce: Option<Announce>,
    /// The language of what the room hears; `null`: that of the menu.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<LanguageName>)]
    language: Option<Option<Language>>,
    /// The institutions of the federation whose people may come by their own gateways.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false)]
    shares: Option<Vec<ShareBody>>,
    /// These may go on with each other while our gateway is away.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false)]
    goes_on_alone: Option<bool>,
}

/// What the people of one other institution may in a meeting of ours.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ShareBody {
    /// Which institution: its domain in the registry.
    #[schema(example = "stadt-b.example")]
    with: String,
    /// So many of them may be there at once, those who wait included.
    #[serde(default = "ShareBody::most")]
    #[schema(minimum = 1, maximum = 1000)]
    most: u32,
    /// What they are at most, whichever PIN they know: `listener`, `participant` or `moderator`.
    #[serde(default = "ShareBody::role")]
    #[schema(value_type = String, example = "participant", pattern = "^(listener|participant|moderator)$")]
    role: Role,
    /// Whether they wait until one of our moderators admits them, also if ours do not.
    #[serde(default)]
    lobby: bool,
    /// What names of others they see: `chosen`, or `none`.
    #[serde(default)]
    #[schema(value_type = String, example = "chosen", pattern = "^(chosen|none)$")]
    names: Names,
    /// They come in at these hours alone, by the institution's clock; at any time, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "08:00-20:00", pattern = "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")]
    hours: Option<String>,
}

impl ShareBody {
    const fn role() -> Role {
        Role::Participant
    }

    const fn most() -> u32 {
        100
    }

    fn of(share: &Share) -> Self {
        let most = u32::try_from(share.most).unwrap_or(u32::MAX);
        let hours = share.hours.map(String::from);
        Self { with: share.with.to_string(), most, role: share.role, lobby: share.lobby, names: share.names, hours }
    }

    fn read(self) -> Result<Share, Both> {
        let Self { with, most, role, lobby, names, hours } = self;
        let with = with.parse().map_err(|why: InvalidDomain| Both::from(why))?;
        let hours = hours.map(|hours| hours.parse()).transpose().map_err(|why: InvalidSpan| Both::from(why))?;
        Ok(Share { with, most: most.min(1_000) as usize, role, lobby, names, hours })
    }
}

/// A meeting.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "Meeting")]
pub(super) struct Shown {
    /// Its name in addresses.
    pub(super) room: String,
    /// What callers key.
    id: String,
    /// What people see.
    title: String,
    /// The PIN of participants, if there is one and the token may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pin: Option<String>,
    /// The PIN of moderators, if there is one and the token may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    moderator_pin: Option<String>,
    /// Whether a PIN is asked for.
    asks_for_pin: bool,
    /// When it opens (RFC 9557).
    opens_at: Option<String>,
    /// When it is over (RFC 9557).
    ends_at: Option<String>,
    /// Whether a moderator who arrives opens it.
    moderator_opens: bool,
    /// Whether participants wait until a moderator admits them.
    lobby: bool,
    /// What the room hears when somebody comes or goes.
    #[schema(value_type = AnnounceName)]
    announce: Announce,
    /// The language of what the room hears.
    #[schema(value_type = Option<LanguageName>)]
    language: Option<Language>,
    /// The institutions whose people may come by their own gateways.
    shares: Vec<ShareBody>,
    /// Whether these may go on with each other while our gateway is away.
    goes_on_alone: bool,
    /// `file`: it is in the configuration, and cannot be changed here.
    source: SourceName,
    /// When it was last written, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(super) revision: Option<u64>,
    /// The name of the token that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    created_by: Option<String>,
}

/// Some meetings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meetings {
    pub(super) meetings: Vec<Shown>,
    /// There are more: ask for those `after` this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(super) next: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum SourceName {
    File,
    Api,
}

/// How [`Announce`] is written.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "only described")]
pub(super) enum AnnounceName {
    Nothing,
    Chime,
    Count,
}

/// How [`Language`] is written.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "only described")]
pub(super) enum LanguageName {
    De,
    En,
}

/// What is there, `null` too, is given.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// What may be left out, but is never `null`.
pub(super) fn no_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Reads a JSON object; the error says where.
pub(super) fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Refusal> {
    // A list would be read as the values of the fields in their order.
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Refusal::Unreadable(Fault::new(
            "the body",
            ("Schicken Sie ein JSON-Objekt, in { }", "send one JSON object, in { }"),
        )));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::from("the body") } else { path };
        unreadable(field, error.into_inner())
    })?;
    json.end().map_err(|error| unreadable(String::from("the body"), error))?;
    Ok(read)
}

/// serde repeats what it did not understand, which may be a PIN; the place is enough.
fn unreadable(field: String, error: serde_json::Error) -> Refusal {
    let said = error.to_string();
    let said = said.split(" at line").next().unwrap_or_default();
    let (line, column) = (error.line(), error.column());
    let what = of_serde(said)
        .unwrap_or_else(|| both!("Das ist kein JSON, das gelesen werden kann", "this is no JSON that can be read"));
    let place = both!("(Zeile {}, Spalte {})", "(line {}, column {})", line, column);
    Refusal::Unreadable(Fault { field: field.into(), message: what.then(" ", &place) })
}

/// What the reader of JSON says, if it says more than that it is none. Of a wrong value only what was expected is told.
fn of_serde(said: &str) -> Option<Both> {
    if let Some(rest) = said.strip_prefix("unknown ") {
        let rest = rest.strip_prefix("field ").or_else(|| rest.strip_prefix("variant ")).unwrap_or(rest);
        let (given, known) = rest.split_once(", ").unwrap_or((rest, ""));
        let known = known.trim_start_matches("expected ").trim_start_matches("one of ").replace(" or ", " oder ");
        let german = if known.is_empty() || known.starts_with("there are no") {
            format!("{given} gibt es hier nicht")
        } else {
            format!("{given} gibt es hier nicht, sondern {known}")
        };
        return Some(Both::new(german, said));
    }
    if let Some(field) = said.strip_prefix("missing field ") {
        return Some(Both::new(format!("{field} fehlt"), said));
    }
    let expected = said.starts_with("invalid ").then(|| said.rsplit_once("expected ")).flatten()?.1;
    let german = match expected {
        "a string" => "ein Text",
        "a boolean" => "true oder false",
        "a sequence" => "eine Liste",
        "a map" => "ein Objekt",
        "u16" | "u32" | "u64" | "usize" => "eine ganze Zahl von 0 an",
        _ if expected.starts_with("struct ") => "ein Objekt",
        _ => "etwas anderes",
    };
    Some(Both::new(format!("erwartet wird {german}"), format!("expected {expected}")))
}

impl MeetingBody {
    pub(super) fn draft(self, home: &TimeZone) -> Result<Draft, Refusal> {
        let mut faults = Vec::new();
        let room = self.room.and_then(|room| note(&mut faults, "room", room.parse()));
        let id = self.id.and_then(|id| note(&mut faults, "id", id.parse()));
        let mut pin = |field, pin: Option<Option<String>>| -> Option<Option<Pin>> {
            pin.map(|pin| pin.and_then(|pin| note(&mut faults, field, pin.parse())))
        };
        let (pin, moderator_pin) = (pin("pin", self.pin), pin("moderatorPin", self.moderator_pin));
        let mut time = |field, time: Option<Option<String>>| -> Option<Option<ZonedDateTime>> {
            time.map(|time| time.and_then(|time| note(&mut faults, field, meeting::read_time(&time, home))))
        };
        let (opens_at, ends_at) = (time("opensAt", self.opens_at), time("endsAt", self.ends_at));
        let shares = self
            .shares
            .map(|shares| shares.into_iter().filter_map(|share| note(&mut faults, "shares", share.read())).collect());
        if !faults.is_empty() {
            return Err(Refusal::Faults(faults));
        }
        Ok(Draft {
            room,
            id,
            title: self.title,
            pin,
            moderator_pin,
            opens_at,
            ends_at,
            moderator_opens: self.moderator_opens,
            lobby: self.lobby,
            announce: self.announce,
            language: self.language,
            shares,
            goes_on_alone: self.goes_on_alone,
        })
    }
}

fn note<T, E: Into<Both>>(faults: &mut Vec<Fault>, field: &'static str, read: Result<T, E>) -> Option<T> {
    read.map_err(|why| faults.push(Fault::new(field, why))).ok()
}

impl Shown {
    pub(super) fn of(listed: &Listed, pins: bool) -> Self {
        let meeting = &listed.meeting;
        let shown = |pin: &Option<Pin>| pin.as_ref().filter(|_| pins).map(|pin| pin.expose().to_owned());
        let (source, revision, created_by) = match &listed.source {
            Source::File => (SourceName::File, None, None),
            Source::Api { revision, by } => (SourceName::Api, Some(*revision), Some(by.clone())),
        };
        Self {
            room: meeting.room.to_string(),
            id: meeting.id.as_str().to_owned(),
            title: meeting.title.clone(),
            pin: shown(&meeting.pin),
            moderator_pin: shown(&meeting.moderator_pin),
            asks_for_pin: meeting.pin.is_some() || meeting.moderator_pin.is_some(),
            opens_at: meeting.opens_at.as_ref().map(ToString::to_string),
            ends_at: meeting.ends_at.as_ref().map(ToString::to_string),
            moderator_opens: meeting.moderator_opens,
            lobby: meeting.lobby,
            announce: meeting.announce,
            language: meeting.language,
            shares: meeting.shares.iter().map(ShareBody::of).collect(),
            goes_on_alone: meeting.goes_on_alone,
            source,
            revision,
            created_by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Result<Draft, Refusal> {
        let home = TimeZone::get("Europe/Berlin").expect("a zone");
        read::<MeetingBody>(text.as_bytes()).and_then(|body| body.draft(&home))
    }

    #[test]
    fn what_is_left_out_and_what_is_null_are_not_the_same() {
        assert_eq!(draft("{}"), Ok(Draft::default()));
        let null = draft(r#"{"pin":null,"opensAt":null,"language":null}"#).expect("read");
        assert_eq!(null.fields(), ["pin", "opensAt", "language"]);
        let given =
            draft(r#"{"room":"rat","pin":"4711","opensAt":"2026-11-25T18:00","announce":"count"}"#).expect("read");
        assert_eq!(given.fields(), ["room", "pin", "opensAt", "announce"]);
    }

    #[test]
    fn each_word_that_is_wrong_is_named_and_no_pin_is_repeated() {
        let Err(Refusal::Faults(faults)) = draft(r#"{"room":"Rat Haus","id":"12","pin":"4711x","endsAt":"bald"}"#)
        else {
            panic!("taken")
        };
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_ref()).collect();
        assert_eq!(fields, ["room", "id", "pin", "endsAt"]);
        assert!(!format!("{faults:?}").contains("4711"));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (text, field, told) in [
            (r#"{"pni":"4711"}"#, "pni", "unknown field `pni`, expected"),
            (r#"{"pin":471147}"#, "pin", "expected a string"),
            (r#"{"lobby":"yes"}"#, "lobby", "expected a boolean"),
            (r#"{"announce":"gong"}"#, "announce", "line 1"),
            (r#"{"title":"a"} x"#, "the body", "no JSON"),
            ("", "the body", "no JSON"),
            ("[null]", "the body", "one JSON object"),
            (r#"{"title":null}"#, "title", "expected a string"),
            (r#"{"shares":[{}]}"#, "shares[0]", "missing field `with`"),
        ] {
            let Err(Refusal::Unreadable(fault)) = draft(text) else { panic!("{text} was taken") };
            let message = fault.message.said(Language::En);
            assert!(message.contains(told), "{text}: {fault:?}");
            assert!(fault.message.said(Language::De) != message, "{text}: {fault:?}");
            assert!(fault.field.contains(field) || field == "pni", "{text}: {fault:?}");
            assert!(!format!("{fault:?}").contains("4711"), "{fault:?}");
        }
    }
}
