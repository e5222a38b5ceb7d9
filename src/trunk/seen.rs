//! What a probe of a trunk has seen: plain facts, before anybody says what they mean. Written by the doctor, read by
//! [`super::diagnosis`].

use std::net::{IpAddr, SocketAddr};

use super::contacts::Binding;
use super::hops::Hop;
use crate::words::Codec;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What DNS said.
    pub directory: Directory,
    /// Each address that was tried, in order.
    pub attempts: Vec<Attempt>,
    /// What came of OPTIONS.
    pub greeting: Option<Outcome>,
    /// What the registrar knows of us, if the trunk wants us to register.
    pub registrar: Option<Registrar>,
    /// The test call, if there was one.
    pub call: Option<Call>,
}

/// What DNS said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Directory {
    /// Where to go; and addresses that lie outside of the trunk's networks.
    #[default]
    Found,
    /// Part of the addresses lies outside of the trunk's networks.
    PartlyOutside(Vec<IpAddr>),
    /// There is no such name.
    NoSuchName(String),
    /// It has no address.
    NoAddress(String),
    /// No DNS server answers.
    NoAnswer(String),
    /// All of its addresses lie outside of the trunk's networks.
    Outside(Vec<IpAddr>),
}

/// One address that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub hop: Hop,
    /// What came of it.
    pub reached: Reached,
}

/// How far one gets to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// A connection is open; with UDP that says nothing yet.
    Open,
    /// Nobody listens there.
    Refused,
    /// No way leads there.
    NoRoute,
    /// Nothing comes back.
    Silent,
    /// The connection is open, but TLS is not agreed on.
    NoTls(TlsTrouble),
    /// Something else, in the words of the operating system.
    Broken(String),
}

/// Why TLS is not agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsTrouble {
    /// The certificate is for somebody else.
    WrongName,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYet,
    /// We trust nobody who vouches for it.
    UnknownIssuer,
    /// No common version or suite.
    Version,
    /// What answers speaks no TLS.
    NotTls,
    /// It wants a certificate of ours.
    WantsOurs,
    /// Something else.
    Other(String),
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A final answer.
    Answered(Answered),
    /// Nothing came back.
    Silent,
    /// Nobody listens there.
    Refused,
    /// The connection broke.
    Broken(String),
}

/// A final answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its phrase.
    pub phrase: String,
    /// What it says of the reason, in Warning or Reason.
    pub why: Option<String>,
    /// Seconds of Retry-After.
    pub retry_after: Option<u32>,
    /// What came of proving who we are.
    pub login: Login,
}

/// What came of proving who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// It did not ask.
    #[default]
    NotAsked,
    /// It asked, and did not ask again after our proof.
    Taken {
        /// Whose users it knows.
        realm: String,
    },
    /// It asked, and we have no account there.
    NoAccount {
        /// Whose users it knows.
        realm: String,
    },
    /// It asks in a way that we cannot answer.
    Unanswerable(String),
    /// It asked again after our proof.
    Rejected {
        /// Whose users it knows.
        realm: String,
    },
    /// It asks again and again, since its own questions are too old for it.
    Loop {
        /// How often it asked.
        times: u8,
    },
}

/// What the registrar knows of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registrar {
    /// What came of asking.
    pub outcome: Outcome,
    /// The addresses at which it would call us: host and port.
    pub bindings: Vec<Binding>,
    /// Where we are in truth.
    pub ours: Vec<SocketAddr>,
}

/// A test call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What came of the INVITE.
    pub outcome: Outcome,
    /// Nothing but protected media (SRTP) was offered.
    pub needs_srtp: bool,
    /// Provisional answers before it.
    pub ringing: Vec<u16>,
    /// Where we sent from.
    pub ours: SocketAddr,
    /// Where the peer saw us (`received` and `rport` of Via).
    pub seen_as: Option<SocketAddr>,
    /// Where we sent it.
    pub peer: SocketAddr,
    /// The address in their Contact, if it is one.
    pub contact: Option<IpAddr>,
    /// What they answered to our offer.
    pub media: Option<Media>,
    /// How the session is kept alive.
    pub timer: Timer,
    /// The sound.
    pub sound: Option<Sound>,
    /// What came of putting the call on hold.
    pub hold: Option<Change>,
    /// What came of taking it back.
    pub resume: Option<Change>,
    /// Packets that came in the second after that.
    pub after_resume: Option<u64>,
    /// What came of a refresh of the session.
    pub refresh: Option<Change>,
    /// They hung up while we were still at it.
    pub hung_up: Option<HungUp>,
}

impl Call {
    /// A call of which nothing is known but what came of its INVITE.
    pub const fn new(outcome: Outcome, ours: SocketAddr, peer: SocketAddr) -> Self {
        Self {
            outcome,
            needs_srtp: false,
            ringing: Vec::new(),
            ours,
            seen_as: None,
            peer,
            contact: None,
            media: None,
            timer: Timer { intervals_refused: 0, least: None },
            sound: None,
            hold: None,
            resume: None,
            after_resume: None,
            refresh: None,
            hung_up: None,
        }
    }
}

/// What they answered to our offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// It can be used.
    Agreed {
        /// The codec.
        codec: Codec,
        /// Its RTP payload type.
        payload_type: u8,
        /// Where they want to hear us.
        at: SocketAddr,
        /// Whether keys go as telephone-events (RFC 4733).
        events: bool,
        /// Whether they take SIP INFO.
        info: bool,
        /// Whether both ways were agreed on.
        both_ways: bool,
    },
    /// It cannot be used, and why.
    Unusable(String),
    /// It came without SDP.
    Missing,
}

/// How the session is kept alive (RFC 4028).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    /// How often our interval was too short for them (422).
    pub intervals_refused: u8,
    /// The least that they named.
    pub least: Option<u32>,
}

/// The sound of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    /// Packets sent.
    pub sent: u64,
    /// Packets that came.
    pub received: u64,
    /// Where from.
    pub from: Vec<SocketAddr>,
    /// Payload types that came, without those of telephone-events.
    pub kinds: Vec<u8>,
}

/// What came of a change of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was taken.
    Taken,
    /// It was refused with this status.
    Refused(u16),
    /// No answer.
    Silent,
    /// The call was over then.
    Over,
}

/// They hung up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HungUp {
    /// What we were at.
    pub during: Step,
    /// What they say of the reason.
    pub why: Option<String>,
}

/// What the doctor is at in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It says and hears.
    Talking,
    /// It has put the call on hold, or takes it back.
    Holding,
    /// It refreshes the session.
    Refreshing,
}
