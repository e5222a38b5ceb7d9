//! What a member does again and again does not flood the audit: a few of each kind are noted at once, then one now and then, which says
//! how many were not. Pure: it takes the time.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::member::Domain;
use crate::words::Bucket;

/// So many of one kind of one member at once, and so many a second after that: one in ten seconds.
const FAULTS: (f64, f64) = (10.0, 0.1);

/// The same for what is done in order, and stands in the audits of both: more than people do, and less than a machine can.
const DEEDS: (f64, f64) = (200.0, 2.0);

/// What is done in order.
const IN_ORDER: [&str; 2] = ["acted", "erased"];

/// Members and kinds; there are few of both.
#[derive(Debug, Default)]
pub(super) struct Quiet(BTreeMap<(Domain, &'static str), (Bucket, u64)>);

impl Quiet {
    /// How many were not noted before, if this is to be noted.
    pub(super) fn lets_through(&mut self, member: &Domain, kind: &'static str, now: Instant) -> Option<u64> {
        let (at_once, a_second) = if IN_ORDER.contains(&kind) { DEEDS } else { FAULTS };
        let fresh = || (Bucket::new(at_once, a_second, now), 0);
        let (bucket, untold) = self.0.entry((member.clone(), kind)).or_insert_with(fresh);
        if bucket.take(now) {
            return Some(std::mem::take(untold));
        }
        *untold += 1;
        None
    }

    /// Who is no member any more is forgotten.
    pub(super) fn keep(&mut self, is_member: impl Fn(&Domain) -> bool) {
        self.0.retain(|(member, _), _| is_member(member));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_leaves_a_few_entries_and_one_that_says_how_many_there_were() {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let start = Instant::now();
        let (mut quiet, rude) = (Quiet::default(), "stadt-x.example".parse().expect("a domain"));
        let noted = (0..1_000).filter_map(|_| quiet.lets_through(&rude, "notTheirs", start)).count();
        assert_eq!(noted, 10);
        assert_eq!(quiet.lets_through(&rude, "refusedFull", start), Some(0), "another kind");
        assert_eq!(
            (0..1_000).filter_map(|_| quiet.lets_through(&rude, "acted", start)).count(),
            200,
            "what is in order"
        );
        let other = "stadt-y.example".parse().expect("a domain");
        assert_eq!(quiet.lets_through(&other, "notTheirs", start), Some(0), "another member");
        assert_eq!(quiet.lets_through(&rude, "notTheirs", start + Duration::from_secs(11)), Some(990));
        quiet.keep(|member| *member == other);
        assert_eq!(quiet.lets_through(&rude, "notTheirs", start), Some(0), "as if it had never been there");
    }
}
