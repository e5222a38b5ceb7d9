//! How many calls there are at once, on the whole and by trunk. In: whose call it is. Out: a [`Place`] for it, or that there is
//! none. A call has its place before anybody decides what it is for, so that many at the same moment do not pass the limit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::trunks::Trunk;
use crate::call::Refusal;
use crate::words::TrunkName;

#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_trunk: BTreeMap<TrunkName, usize>,
}

/// A call's place; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    trunk: Option<TrunkName>,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// A place whether there is one or not, for an emergency.
    pub(super) fn beyond(self: &Arc<Self>, trunk: Option<&Trunk>) -> Place {
        let mut taken = self.lock();
        if let Some(trunk) = trunk {
            *taken.by_trunk.entry(trunk.name.clone()).or_default() += 1;
        }
        taken.all += 1;
        Place { places: Arc::clone(self), trunk: trunk.map(|trunk| trunk.name.clone()) }
    }

    /// Takes a place.
    pub(super) fn take(self: &Arc<Self>, trunk: Option<&Trunk>) -> Result<Place, Refusal> {
        let mut taken = self.lock();
        if taken.all >= self.most {
            return Err(Refusal::Full);
        }
        if let Some(trunk) = trunk {
            let of_trunk = taken.by_trunk.entry(trunk.name.clone()).or_default();
            if trunk.most_calls.is_some_and(|most| *of_trunk >= most) {
                return Err(Refusal::TrunkFull { trunk: trunk.name.clone() });
            }
            *of_trunk += 1;
        }
        taken.all += 1;
        Ok(Place { places: Arc::clone(self), trunk: trunk.map(|trunk| trunk.name.clone()) })
    }

    pub(super) fn all(&self) -> usize {
        self.lock().all
    }

    /// Those of one trunk.
    pub(super) fn of(&self, trunk: &TrunkName) -> usize {
        self.lock().by_trunk.get(trunk).copied().unwrap_or_default()
    }

    pub(super) fn is_full(&self) -> bool {
        self.all() >= self.most
    }

    /// Two numbers are whole even if somebody panicked between them.
    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(of_trunk) = self.trunk.as_ref().and_then(|trunk| taken.by_trunk.get_mut(trunk)) {
            *of_trunk = of_trunk.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trunk_that_is_full_leaves_the_others_their_places() {
        let trunk = |name: &str, most| Trunk {
            name: name.parse().expect("a name"),
            networks: Vec::new(),
            transports: Vec::new(),
            codecs: Vec::new(),
            needs_srtp: false,
            most_calls: most,
            outbound: None,
        };
        let (small, large) = (trunk("klein", Some(1)), trunk("gross", None));
        let places = Places::new(3);
        let first = places.take(Some(&small)).expect("a place");
        assert!(matches!(places.take(Some(&small)), Err(Refusal::TrunkFull { .. })));
        let _others = (places.take(Some(&large)).expect("a place"), places.take(None).expect("a place"));
        assert_eq!(places.take(None).err(), Some(Refusal::Full));
        let emergency = places.beyond(Some(&small));
        assert_eq!(places.all(), 4, "an emergency has a place in any case");
        drop((first, emergency));
        assert!(places.take(Some(&small)).is_ok() && !places.is_full());
    }
}
