//! What was permitted and refused, by purpose and address. Bounded: who is refused again and again at ever new addresses
//! fills no memory.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::permit::Refused;
use super::processor::Purpose;

/// So many pairs are told apart; more are counted under their purpose alone.
const MOST: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeMap<(Purpose, Option<IpAddr>), Count>>);

/// How often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Permitted.
    pub permitted: u64,
    /// Refused.
    pub refused: u64,
}

/// One address that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sight {
    /// For which purpose.
    pub purpose: Purpose,
    /// Which; `None` stands for all that are too many to be told apart.
    pub address: Option<IpAddr>,
    /// How often.
    #[serde(flatten)]
    pub count: Count,
}

impl Seen {
    pub(super) fn note(&self, purpose: Purpose, address: IpAddr, refused: Option<&Refused>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.len() < MOST || seen.contains_key(&(purpose, Some(address)));
        let count = seen.entry((purpose, known.then_some(address))).or_default();
        match refused {
            None => count.permitted = count.permitted.saturating_add(1),
            Some(_) => count.refused = count.refused.saturating_add(1),
        }
    }

    pub(super) fn all(&self) -> Vec<Sight> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .map(|((purpose, address), count)| Sight { purpose: *purpose, address: *address, count: *count })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_new_addresses_fill_no_memory_and_all_are_counted() {
        let seen = Seen::default();
        for number in 0..5_000u32 {
            seen.note(Purpose::Trunk, IpAddr::from(number.to_be_bytes()), None);
        }
        let sights = seen.all();
        assert_eq!(sights.len(), MOST + 1);
        assert_eq!(sights.iter().map(|sight| sight.count.permitted).sum::<u64>(), 5_000);
    }
}
