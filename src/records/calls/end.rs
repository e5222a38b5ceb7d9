//! How a call ended: kept as what it was, and told in the language of whoever reads its record.

use serde::{Deserialize, Serialize};

use crate::call::{OnTheWire, Refusal};
use crate::words::{Both, both};

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// It was refused.
    Refused(Refusal),
    /// The caller gave up before anybody answered.
    GivenUp,
    /// The caller hung up.
    ByCaller,
    /// We hung up.
    ByUs,
    /// Nobody said that it was over.
    Lost,
}

/// RFC 3398: normal call clearing.
const CLEARED: u8 = 16;

/// RFC 3261 section 15.1.2: given up before it was answered.
const TERMINATED: u16 = 487;

impl End {
    /// The final SIP status, and the Q.850 cause.
    pub fn status(&self) -> (u16, u8) {
        match self {
            Self::Refused(refusal) => {
                let OnTheWire { status, cause, .. } = refusal.on_the_wire();
                (status, cause)
            }
            Self::GivenUp => (TERMINATED, CLEARED),
            Self::ByCaller | Self::ByUs | Self::Lost => (200, CLEARED),
        }
    }

    /// In words.
    pub fn told(&self) -> Both {
        match self {
            Self::Refused(refusal) => refusal.told(),
            Self::GivenUp => both!("der Anrufer hat aufgegeben", "the caller gave up"),
            Self::ByCaller => both!("der Anrufer hat aufgelegt", "the caller hung up"),
            Self::ByUs => both!("wir haben aufgelegt", "we hung up"),
            Self::Lost => both!(
                "die Verbindung ist abgerissen, oder das Gateway hielt an",
                "the connection was lost, or the gateway stopped"
            ),
        }
    }
}
