//! With whom a meeting is shared: institutions of the federation, and what their people may.

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::words::{Domain, Role};

/// What the people of one other institution may in a meeting of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Which institution.
    pub with: Domain,
    /// So many of them may be there at once, those who wait included.
    #[serde(default = "most")]
    pub most: usize,
    /// Whether those who know the PIN for moderators lead.
    #[serde(default)]
    pub leads: bool,
    /// Whether they wait until one of our moderators admits them, also if ours do not.
    #[serde(default)]
    pub lobby: bool,
}

const fn most() -> usize {
    100
}

/// Institutions with which one meeting is shared.
const MOST_SHARES: usize = 64;

impl Share {
    /// What somebody is there who would be this with us.
    pub fn role(&self, role: Role) -> Role {
        if self.leads { role } else { role.min(Role::Participant) }
    }
}

/// What cannot be so.
pub(super) fn faults(shares: &[Share]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if shares.len() > MOST_SHARES {
        faults.push(Fault::new("shares", format!("a meeting is shared with {MOST_SHARES} institutions at most")));
    }
    let twice =
        shares.iter().enumerate().any(|(at, share)| shares.iter().take(at).any(|other| other.with == share.with));
    if twice {
        faults.push(Fault::new("shares", "an institution stands there twice: name each once"));
    }
    if shares.iter().any(|share| share.most == 0) {
        faults.push(Fault::new("shares", "most is 0: nobody could come; leave that institution out"));
    }
    faults
}
