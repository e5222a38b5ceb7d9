//! Meetings and plans by API. In: HTTP requests with JSON. Out: [`Call`]s, each with a place for its answer, through the gateway's
//! bounded queue; answers as JSON, refusals as problem documents (RFC 9457).
//!
//! The door only translates: whose token it is and what it may do is for the gateway to say, also when the request itself is
//! of no use, so that nobody without a token learns anything. Programs show a token; people sign in ([`session`]) and show a
//! cookie, which counts only in requests that no other site's page can have made ([`site`]).

pub mod accounts;
pub mod audit;
mod body;
pub mod callbacks;
mod calls;
mod dialplan;
mod document;
pub mod erasures;
mod federation;
pub mod invitations;
pub mod live;
mod oidc;
mod problem;
mod reading;
pub mod residency;
mod routes;
pub mod session;
mod site;
pub mod survey;
mod trunks;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::meeting::{Draft, Listed};
use crate::trunk::report::Report;
use crate::words::{Personal, Right, RoomId};

pub use calls::{CallsDone, CallsWish};
pub use dialplan::{Edit, KeptDraft, PlanDone, PlanRefusal, PlanVersion, PlanWish, RefusedEdit, Runs, Tried};
pub use federation::{ShownFederation, ShownMember, ShownRegistry, ShownRoom, ShownTrouble, ShownWarning};
pub use problem::Refusal;
pub(super) use routes::routes;
pub use trunks::{ShownTrunk, TrunkTrouble, TrunkWish};

/// One request.
#[derive(Debug)]
pub struct Call {
    /// Where it comes from, to slow down those who guess.
    pub from: Personal<std::net::IpAddr>,
    /// What it shows.
    pub shown: Shown,
    /// What it wants, or why that makes no sense; to be told only to who has a token.
    pub wish: Result<Wish, Refusal>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Done, Refusal>>,
}

/// What a request shows of who sends it.
#[derive(Debug, Default)]
pub struct Shown {
    /// A program's token. With one, no cookie counts.
    pub token: Option<Secret>,
    /// The cookie of somebody who has signed in.
    pub cookie: Option<Secret>,
    /// What only a page of that session knows. There is one whenever a request with a cookie may change something.
    pub csrf: Option<Secret>,
    /// The cookie of somebody who was sent to the institution's own sign-in.
    pub journey: Option<Secret>,
}

/// A token, a cookie or a password as it was shown. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret.
    pub fn new(secret: &str) -> Self {
        Self(Zeroizing::new(secret.to_owned()))
    }

    /// It, for the one who compares its hash.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        String::deserialize(text).map(|text| Self(Zeroizing::new(text)))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret")
    }
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To know whether one has this right.
    May(Right),
    /// Something of the dialplan.
    Plan(PlanWish),
    /// Something of the call records.
    Calls(CallsWish),
    /// To see meetings, in the order of their names.
    List {
        /// Those after this one.
        after: Option<RoomId>,
        /// At most so many.
        most: usize,
    },
    /// To see one.
    Read {
        /// Which.
        room: RoomId,
    },
    /// To make one.
    Create(Box<Draft>),
    /// To change one.
    Change {
        /// Which.
        room: RoomId,
        /// What.
        draft: Box<Draft>,
        /// Only if it was last written then.
        expects: Option<u64>,
    },
    /// To take one away.
    Delete {
        /// Which.
        room: RoomId,
        /// Only if it was last written then.
        expects: Option<u64>,
    },
    /// To invite people by mail.
    Invite(invitations::Wish),
    /// Something about accounts.
    Accounts(accounts::Wish),
    /// To read the audit.
    Audit(audit::Wish),
    /// To see or change what is under way.
    Live(live::Wish),
    /// To know what a plan does.
    Survey(Box<survey::Survey>),
    /// Something of those who want to be called back.
    Callbacks(callbacks::Wish),
    /// Something of the trunks.
    Trunk(TrunkWish),
    /// To see the federation.
    Federation,
    /// To have somebody forgotten.
    Erasures(erasures::Wish),
    /// To know where data goes.
    Residency(residency::Wish),
}

impl Wish {
    /// What a token needs for it.
    pub const fn needs(&self) -> Right {
        match self {
            Self::May(right) => *right,
            Self::Plan(wish) => wish.needs(),
            Self::Calls(wish) => wish.needs(),
            Self::List { .. } | Self::Read { .. } => Right::Read,
            Self::Create(_) | Self::Change { .. } | Self::Delete { .. } | Self::Invite(_) => Right::Write,
            Self::Accounts(_) => Right::Accounts,
            Self::Audit(_) => Right::Audit,
            Self::Live(wish) => wish.needs(),
            Self::Callbacks(_) => Right::Operate,
            Self::Survey(_) => Right::Plan,
            Self::Trunk(wish) => wish.needs(),
            Self::Federation => Right::Calls,
            Self::Erasures(_) => Right::Erase,
            Self::Residency(_) => Right::Audit,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// One may.
    May,
    /// Something of the dialplan.
    Plan(Box<PlanDone>),
    /// Something of the call records.
    Calls(Box<CallsDone>),
    /// Of a wish about accounts.
    Accounts(accounts::Done),
    /// What the audit says.
    Audit(Box<audit::Done>),
    /// What is under way.
    Live(live::Done),
    /// Of a wish about callbacks.
    Callbacks(callbacks::Done),
    /// Some meetings.
    Page {
        /// Which.
        listed: Vec<Listed>,
        /// There are more after this one.
        next: Option<RoomId>,
        /// Whether their PINs may be seen.
        pins: bool,
    },
    /// A meeting as it is, or is from now on.
    Meeting {
        /// Which.
        listed: Box<Listed>,
        /// Whether its PINs may be seen.
        pins: bool,
    },
    /// A new meeting. Who made it sees its PINs.
    Created(Box<Listed>),
    /// It is no more.
    Deleted,
    /// Of somebody who is to be forgotten.
    Erasures(erasures::Done),
    /// What became of an invitation at the first try.
    Invited(invitations::Done),
    /// What a plan does.
    Surveyed(Box<survey::Surveyed>),
    /// How the federation stands, if we belong to one.
    Federation(Option<Box<ShownFederation>>),
    /// Where data goes.
    Residency(Box<residency::Done>),
    /// How the trunks stand.
    Trunks(Vec<ShownTrunk>),
    /// What an examination of a trunk has found.
    TrunkChecked(Box<Report>),
}
