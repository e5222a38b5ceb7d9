//! The federation as people are shown it: members with their links, what is shared with them, and what has to be seen to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::{Gateway, clock};
use super::{Federation, Shards};
use crate::links::{Event, State};
use crate::meeting::Listed;
use crate::member::{Domain, Member, Registry, Standing};
use crate::web::{ShownFederation, ShownMember, ShownRegistry, ShownRoom, ShownTrouble, ShownWarning};

/// A key that ends is told so long before.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What went wrong last.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// With each member.
    of: BTreeMap<Domain, ShownTrouble>,
    /// Why the registry that was offered last does not count.
    pub(super) registry: Option<ShownTrouble>,
}

impl Troubles {
    pub(super) fn happened(&mut self, event: &Event, at: Timestamp) {
        let (peer, why) = match event {
            Event::Down { peer, why } => (peer, why.to_string()),
            Event::Refused(refused) => match &refused.peer {
                Some(peer) => (peer, refused.why.to_string()),
                None => return,
            },
            Event::Up { .. }
            | Event::Heard { .. }
            | Event::Anew { .. }
            | Event::TellAnew { .. }
            | Event::RoundTrip { .. } => return,
        };
        self.of.insert(peer.clone(), ShownTrouble { at, why });
    }
}

impl Gateway {
    /// As the API shows it.
    pub(in crate::gateway) fn shown_federation(&self) -> Option<ShownFederation> {
        let federation = self.federation.as_ref()?;
        let now = clock::moment();
        let held = federation.held.as_deref();
        let member = |(domain, link): (Domain, State)| Some(self.shown_member(held?.member(&domain, now)?, link, now));
        Some(ShownFederation {
            domain: federation.us.to_string(),
            pin: federation.own.pin().to_string(),
            registry: held.map(|held| shown_registry(held, now)),
            members: federation.door.peers().into_iter().filter_map(member).collect(),
            warnings: federation.warnings(now),
        })
    }

    fn shown_member(&self, of: &Member, link: State, now: Timestamp) -> ShownMember {
        let (state, why, since, round_trip) = match link {
            // It takes no links, and opens none.
            State::Down { since, .. } if of.links.is_empty() && of.sip => ("none", None, since, None),
            State::Up { since, round_trip, .. } => ("up", None, since, round_trip),
            State::Down { since, why } => ("down", Some(why), since, None),
        };
        let troubles = self.federation.as_ref().map(|federation| &federation.troubles);
        let terms = self.federation.as_ref().and_then(|federation| federation.terms_of(&of.domain));
        let shows = |listed: &&Listed| terms.is_none_or(|terms| terms.shows(&listed.meeting.room));
        let ours = self.book.after(None).filter(|listed| listed.meeting.share(&of.domain).is_some()).filter(shows);
        let theirs = self.shards.iter().flat_map(|Shards { cascade, .. }| cascade.rooms());
        let theirs = theirs.filter(|(domain, _)| **domain == of.domain);
        ShownMember {
            domain: of.domain.to_string(),
            name: of.name.clone(),
            country: of.country.to_string(),
            state: state.to_owned(),
            why,
            since,
            round_trip_ms: round_trip.and_then(|took| u64::try_from(took.as_millis()).ok()),
            sound: self.shards.as_ref().is_some_and(|shards| shards.between.passes(&of.domain)),
            sip: of.sip,
            sip_calls: self.visits_of(&of.domain).count(),
            links: of.links.iter().map(ToString::to_string).collect(),
            networks: of.media.iter().map(ToString::to_string).collect(),
            contact: of.contact.clone(),
            key_ends: key_ends(of, now),
            ours: ours.map(|listed| self.shown_room(listed)).collect(),
            theirs: theirs
                .map(|(_, shared)| ShownRoom { room: shared.room.to_string(), title: shared.title.clone() })
                .collect(),
            last_error: troubles.and_then(|troubles| troubles.of.get(&of.domain)).cloned(),
        }
    }

    fn shown_room(&self, listed: &Listed) -> ShownRoom {
        let room = &listed.meeting.room;
        let us = self.federation.as_ref().map(|federation| &federation.us);
        let address = us.map_or_else(|| room.clone(), |us| room.at(us));
        ShownRoom { room: address.to_string(), title: listed.meeting.title.clone() }
    }
}

impl Federation {
    fn warnings(&self, now: Timestamp) -> Vec<ShownWarning> {
        let warning = |kind: &str| ShownWarning { kind: kind.to_owned(), member: None, at: None, why: None };
        let mut found = Vec::new();
        if let Some(ShownTrouble { at, why }) = self.troubles.registry.clone() {
            found.push(ShownWarning { at: Some(at), why: Some(why), ..warning("registryRefused") });
        }
        let Some(held) = &self.held else {
            found.push(warning("noRegistry"));
            return found;
        };
        match held.standing(now) {
            Standing::Holds => {}
            Standing::EndsSoon { at } => found.push(ShownWarning { at: Some(at), ..warning("registryEndsSoon") }),
            Standing::Expired { since } => {
                found.push(ShownWarning { at: Some(since), ..warning("registryExpired") });
                return found;
            }
        }
        match held.member(&self.us, now) {
            None => found.push(warning("notNamed")),
            Some(member) if !member.has_key(self.own.pin(), now) => found.push(warning("keyNotNamed")),
            Some(_) => {}
        }
        let ends = held.members(now).filter_map(|member| Some((member, key_ends(member, now)?)));
        for (member, at) in ends.filter(|(_, at)| at.duration_since(now) < SOON) {
            found.push(ShownWarning { member: Some(member.name.clone()), at: Some(at), ..warning("keyEnds") });
        }
        for (domain, faults) in held.refused() {
            let why = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            found.push(ShownWarning { member: Some(domain.to_string()), why: Some(why), ..warning("leftOut") });
        }
        found
    }
}

/// When the last of a member's keys counts no longer, those that begin to count before included.
fn key_ends(member: &Member, now: Timestamp) -> Option<Timestamp> {
    let mut end = now;
    loop {
        let goes_on = member.pins.iter().filter(|pin| pin.from.is_none_or(|from| from <= end));
        let mut last = end;
        for pin in goes_on {
            last = last.max(pin.until?);
        }
        if last == end {
            return Some(end);
        }
        end = last;
    }
}

fn shown_registry(held: &Registry, now: Timestamp) -> ShownRegistry {
    let document = held.document();
    let state = match held.standing(now) {
        Standing::Holds => "holds",
        Standing::EndsSoon { .. } => "endsSoon",
        Standing::Expired { .. } => "expired",
    };
    let (federation, serial) = (document.federation.to_string(), document.serial);
    ShownRegistry { federation, serial, expires: document.expires, state: state.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 86_400 * day).expect("a time")
    }

    fn with_pins(pins: &[(Option<i64>, Option<i64>)]) -> Member {
        let spki = "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        let pin = |(from, until): &(Option<i64>, Option<i64>)| serde_json::json!({ "spki": spki, "from": from.map(at), "until": until.map(at) });
        serde_json::from_value(serde_json::json!({
            "domain": "stadt-b.example",
            "name": "Stadt B",
            "country": "AT",
            "pins": pins.iter().map(pin).collect::<Vec<_>>(),
            "key": "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "media": [],
            "contact": "technik@stadt-b.example"
        }))
        .expect("a member")
    }

    #[test]
    fn a_key_ends_when_no_other_goes_on_from_there() {
        let ends = |pins| key_ends(&with_pins(pins), at(0));
        assert_eq!(ends(&[(None, None)]), None);
        assert_eq!(ends(&[(None, Some(3))]), Some(at(3)));
        assert_eq!(ends(&[(Some(2), None), (None, Some(3))]), None, "the next one is there before");
        assert_eq!(ends(&[(Some(2), Some(9)), (None, Some(3))]), Some(at(9)));
        assert_eq!(ends(&[(Some(4), None), (None, Some(3))]), Some(at(3)), "a gap");
        assert_eq!(ends(&[(None, Some(-1))]), Some(at(0)), "none counts now");
    }
}
