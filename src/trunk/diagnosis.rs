//! What is wrong with a trunk. In: what a probe has [`Seen`]. Out: [`Finding`]s, the surest first; none for a sound trunk.
//! Pure: the same observations give the same findings.
//!
//! A fault hides what lies behind it: who is not reached has no wrong password. So the layers are looked at in the order in
//! which a call meets them, and what follows from a fault is no fault of its own.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::contacts::Binding;
use super::seen::{
    Answered, Call, Change, Directory, Login, Media, Outcome, Reached, Registrar, Seen, Sound, Step, TlsTrouble,
};

/// One thing that is wrong, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// How sure.
    pub certainty: Certainty,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// What was seen has no other reading.
    Certain,
    /// It has one that is rarer.
    Likely,
    /// It has several.
    Possible,
}

/// What can be wrong with a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// DNS does not lead there.
    Dns(Directory),
    /// Nobody listens at its address.
    Refused(SocketAddr),
    /// No way leads to its address.
    NoRoute(SocketAddr),
    /// Nothing comes back.
    Silent(SocketAddr),
    /// The connection breaks.
    Broken(String),
    /// TLS is not agreed on.
    Tls(TlsTrouble),
    /// It is overloaded, or being drained.
    Overload {
        /// What it answers.
        status: u16,
        /// When to try again.
        retry_after: Option<u32>,
    },
    /// It does not take our user or password.
    WrongPassword {
        /// Whose users it knows.
        realm: String,
    },
    /// It asks who we are, and the trunk has no user.
    NoAccount {
        /// Whose users it knows.
        realm: String,
    },
    /// It asks in a way that cannot be answered.
    UnknownChallenge(String),
    /// It asks again and again.
    ChallengeLoop,
    /// It knows us, or our address, and refuses.
    Forbidden {
        /// What it answers.
        status: u16,
        /// Its phrase.
        phrase: String,
    },
    /// The registrar knows no address of ours.
    NotRegistered,
    /// The registrar knows an address at which we are not.
    StaleRegistration {
        /// Where it thinks that we are.
        at: Vec<String>,
    },
    /// The number of the test call does not exist there.
    WrongNumber {
        /// What it answers.
        status: u16,
    },
    /// The number is busy, or nobody answers: nothing can be said of the sound.
    NotAnswered {
        /// What it answers.
        status: u16,
    },
    /// The call is refused for another reason.
    CallRefused {
        /// What it answers.
        status: u16,
        /// Its phrase.
        phrase: String,
    },
    /// It has no SRTP, or none that we have, and it has to.
    Srtp,
    /// No common codec, or none that they keep to.
    Codec(CodecTrouble),
    /// An address in their messages cannot be reached from here.
    NatThere {
        /// Where it stands.
        place: Place,
        /// The address.
        address: IpAddr,
        /// The address that we know them by.
        peer: IpAddr,
    },
    /// We are behind an address translation, and they were told an address that they cannot reach.
    NatHere {
        /// The address that they were told.
        told: IpAddr,
        /// The address at which they see us.
        seen_as: IpAddr,
    },
    /// We hear nothing of them.
    NothingHeard {
        /// Where they promised to be.
        at: SocketAddr,
    },
    /// Their sound comes from another address than they named.
    SoundFromElsewhere {
        /// Where it comes from.
        from: SocketAddr,
        /// What they named.
        named: SocketAddr,
    },
    /// Keys do not go as telephone-events.
    Dtmf {
        /// They take SIP INFO instead.
        info: bool,
    },
    /// A call cannot be put on hold.
    Hold(HoldTrouble),
    /// The session timer does not work.
    SessionTimer(TimerTrouble),
    /// They hung up by themselves.
    HungUp {
        /// What they say of the reason.
        why: Option<String>,
    },
}

/// What is wrong with the codecs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecTrouble {
    /// They refuse all that we offer.
    Refused(u16),
    /// They answer with one that we did not offer, or with none.
    Unusable(String),
    /// They send another than they answered.
    Other {
        /// What was agreed on.
        agreed: u8,
        /// What came.
        came: u8,
    },
}

/// Where an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In Contact: requests inside the call go there.
    Contact,
    /// In SDP: the sound goes there.
    Sdp,
}

/// What is wrong with hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldTrouble {
    /// Refused with this status.
    Refused(u16),
    /// No answer.
    Silent,
    /// The call ends.
    Drops,
    /// No sound comes any more once it is taken back.
    StaysSilent,
}

/// What is wrong with the session timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerTrouble {
    /// No interval is long enough for them.
    Interval {
        /// The least that they named.
        least: Option<u32>,
    },
    /// They refuse a refresh.
    Refused(u16),
    /// They do not answer a refresh.
    Silent,
    /// The call ends at a refresh.
    Drops,
}

/// Everything that is wrong, the surest first.
pub fn diagnose(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    let goes_on = reach(seen, &mut found) && greeting(seen, &mut found);
    if goes_on {
        if let Some(registrar) = &seen.registrar {
            found.extend(registration(registrar));
        }
        // A password that is wrong for the registrar is wrong for the call.
        let is_locked_out = found.iter().any(|finding| finding.fault.locks_out());
        if let Some(call) = seen.call.as_ref().filter(|_| !is_locked_out) {
            found.extend(of_call(call));
        }
    }
    if let Directory::PartlyOutside(_) = &seen.directory {
        found.push(Finding::new(Fault::Dns(seen.directory.clone()), Certainty::Possible));
    }
    found.sort_by_key(|finding| finding.certainty);
    found
}

/// DNS, and the way there. Whether it goes on.
fn reach(seen: &Seen, found: &mut Vec<Finding>) -> bool {
    match &seen.directory {
        Directory::Found | Directory::PartlyOutside(_) => {}
        Directory::NoSuchName(_) | Directory::NoAddress(_) | Directory::NoAnswer(_) | Directory::Outside(_) => {
            found.push(Finding::new(Fault::Dns(seen.directory.clone()), Certainty::Certain));
            return false;
        }
    }
    let is_open = seen.attempts.iter().any(|attempt| attempt.reached == Reached::Open);
    // An address that fails is a fault also where the next one serves: it costs each call its time.
    let certainty = if is_open { Certainty::Likely } else { Certainty::Certain };
    let faults = seen.attempts.iter().filter_map(|attempt| {
        let at = attempt.hop.address;
        Some(match &attempt.reached {
            Reached::Open => return None,
            Reached::Refused => Fault::Refused(at),
            Reached::NoRoute => Fault::NoRoute(at),
            Reached::Silent => Fault::Silent(at),
            Reached::NoTls(trouble) => Fault::Tls(trouble.clone()),
            Reached::Broken(why) => Fault::Broken(why.clone()),
        })
    });
    found.extend(faults.map(|fault| Finding::new(fault, certainty)));
    is_open
}

/// OPTIONS. Whether it goes on.
fn greeting(seen: &Seen, found: &mut Vec<Finding>) -> bool {
    let Some(at) = seen.attempts.iter().find(|attempt| attempt.reached == Reached::Open).map(|it| it.hop.address)
    else {
        return false;
    };
    match &seen.greeting {
        Some(Outcome::Answered(answered)) => match overload(answered) {
            Some(fault) => {
                found.push(Finding::new(fault, Certainty::Certain));
                false
            }
            None => true,
        },
        // Some peers take OPTIONS from nobody: a call that is answered tells.
        Some(Outcome::Silent) | None => {
            let is_heard = |outcome: &Outcome| matches!(outcome, Outcome::Answered(_));
            let later = seen
                .registrar
                .as_ref()
                .map(|it| &it.outcome)
                .into_iter()
                .chain(seen.call.as_ref().map(|it| &it.outcome));
            let is_there = later.into_iter().any(is_heard);
            if !is_there {
                found.push(Finding::new(Fault::Silent(at), Certainty::Certain));
            }
            is_there
        }
        Some(Outcome::Refused) => {
            found.push(Finding::new(Fault::Refused(at), Certainty::Certain));
            false
        }
        Some(Outcome::Broken(why)) => {
            found.push(Finding::new(Fault::Broken(why.clone()), Certainty::Certain));
            false
        }
    }
}

fn overload(answered: &Answered) -> Option<Fault> {
    let Answered { status, retry_after, .. } = *answered;
    (status == 503).then_some(Fault::Overload { status, retry_after })
}

/// What is wrong with an answer, whatever was asked.
fn refused(answered: &Answered) -> Option<Fault> {
    match &answered.login {
        Login::NoAccount { realm } => return Some(Fault::NoAccount { realm: realm.clone() }),
        Login::Unanswerable(why) => return Some(Fault::UnknownChallenge(why.clone())),
        Login::Rejected { realm } => return Some(Fault::WrongPassword { realm: realm.clone() }),
        Login::Loop { .. } => return Some(Fault::ChallengeLoop),
        Login::NotAsked | Login::Taken { .. } => {}
    }
    overload(answered)
}

fn registration(registrar: &Registrar) -> Option<Finding> {
    let answered = match &registrar.outcome {
        Outcome::Answered(answered) => answered,
        Outcome::Silent | Outcome::Refused | Outcome::Broken(_) => {
            return Some(Finding::new(Fault::NotRegistered, Certainty::Possible));
        }
    };
    if let Some(fault) = refused(answered) {
        return Some(Finding::new(fault, Certainty::Certain));
    }
    let (status, phrase) = (answered.status, answered.phrase.clone());
    if let (403, Login::Taken { realm }) = (status, &answered.login) {
        // Some registrars do not ask again.
        return Some(Finding::new(Fault::WrongPassword { realm: realm.clone() }, Certainty::Likely));
    }
    if status >= 300 {
        return Some(Finding::new(Fault::Forbidden { status, phrase }, Certainty::Certain));
    }
    if registrar.bindings.is_empty() {
        return Some(Finding::new(Fault::NotRegistered, Certainty::Certain));
    }
    let is_ours = |at: &str| registrar.ours.iter().any(|ours| ours.to_string() == at);
    let stale = |binding: &&Binding| !is_ours(&binding.at);
    let at: Vec<String> = registrar.bindings.iter().filter(stale).map(|binding| binding.at.clone()).collect();
    if at.is_empty() {
        return None;
    }
    // Another node of ours may be registered beside us.
    let certainty = if at.len() == registrar.bindings.len() { Certainty::Certain } else { Certainty::Possible };
    Some(Finding::new(Fault::StaleRegistration { at }, certainty))
}

fn of_call(call: &Call) -> Vec<Finding> {
    let certain = |fault| vec![Finding::new(fault, Certainty::Certain)];
    let answered = match &call.outcome {
        Outcome::Answered(answered) => answered,
        // It took OPTIONS, and takes no call.
        Outcome::Silent => return vec![Finding::new(Fault::Silent(call.peer), Certainty::Likely)],
        Outcome::Refused => return certain(Fault::Refused(call.peer)),
        Outcome::Broken(why) => return certain(Fault::Broken(why.clone())),
    };
    if let Some(fault) = refused(answered) {
        return certain(fault);
    }
    let (status, phrase) = (answered.status, answered.phrase.clone());
    match status {
        200..=299 => established(call),
        404 | 410 | 484 | 604 => certain(Fault::WrongNumber { status }),
        415 | 488 | 606 if call.needs_srtp => vec![Finding::new(Fault::Srtp, Certainty::Likely)],
        415 | 488 | 606 => certain(Fault::Codec(CodecTrouble::Refused(status))),
        422 => certain(Fault::SessionTimer(TimerTrouble::Interval { least: call.timer.least })),
        401 | 403 | 407 => certain(Fault::Forbidden { status, phrase }),
        408 | 480 | 486 | 487 | 600 | 603 => vec![Finding::new(Fault::NotAnswered { status }, Certainty::Possible)],
        _ => certain(Fault::CallRefused { status, phrase }),
    }
}

/// A call that came about.
fn established(call: &Call) -> Vec<Finding> {
    let mut found = Vec::new();
    match &call.media {
        Some(Media::Unusable(_)) if call.needs_srtp => found.push(Finding::new(Fault::Srtp, Certainty::Likely)),
        Some(Media::Unusable(why)) => {
            let fault = Fault::Codec(CodecTrouble::Unusable(why.clone()));
            found.push(Finding::new(fault, Certainty::Certain));
        }
        Some(Media::Missing) => {
            let fault = Fault::Codec(CodecTrouble::Unusable(String::from("the answer has no SDP")));
            found.push(Finding::new(fault, Certainty::Certain));
        }
        Some(Media::Agreed { payload_type, at, events, info, both_ways, .. }) => {
            let is_elsewhere = is_unreachable(at.ip(), call.peer.ip());
            if is_elsewhere {
                let fault = Fault::NatThere { place: Place::Sdp, address: at.ip(), peer: call.peer.ip() };
                found.push(Finding::new(fault, Certainty::Certain));
            }
            if let Some(sound) = &call.sound {
                found.extend(of_sound(sound, *at, *payload_type, *both_ways, is_elsewhere));
            }
            if !*events {
                found.push(Finding::new(Fault::Dtmf { info: *info }, Certainty::Certain));
            }
        }
        None => {}
    }
    let mut changes = changes(call);
    let addresses = addresses(call, !changes.is_empty());
    // Whoever cannot be found cannot be asked for a change.
    if addresses.iter().any(|finding| finding.certainty == Certainty::Certain) {
        changes.iter_mut().for_each(|finding| finding.certainty = Certainty::Possible);
    }
    found.extend(addresses);
    found.extend(changes);
    found
}

fn of_sound(sound: &Sound, at: SocketAddr, agreed: u8, both_ways: bool, is_elsewhere: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    if sound.received == 0 {
        if both_ways && !is_elsewhere {
            found.push(Finding::new(Fault::NothingHeard { at }, Certainty::Certain));
        }
        return found;
    }
    if let Some(came) = sound.kinds.iter().copied().find(|kind| *kind != agreed)
        && !sound.kinds.contains(&agreed)
    {
        let fault = Fault::Codec(CodecTrouble::Other { agreed, came });
        found.push(Finding::new(fault, Certainty::Certain));
    }
    if let Some(from) = sound.from.iter().copied().find(|from| from.ip().to_canonical() != at.ip())
        && !is_elsewhere
    {
        found.push(Finding::new(Fault::SoundFromElsewhere { from, named: at }, Certainty::Likely));
    }
    found
}

/// Addresses that lead nowhere. An inner address in Contact does no harm behind a proxy that knows better: unless changes of the
/// call fail.
fn addresses(call: &Call, changes_fail: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let peer = call.peer.ip();
    if let Some(address) = call.contact.filter(|address| is_unreachable(*address, peer)) {
        let fault = Fault::NatThere { place: Place::Contact, address, peer };
        found.push(Finding::new(fault, if changes_fail { Certainty::Certain } else { Certainty::Likely }));
    }
    if let Some(seen_as) = call.seen_as
        && seen_as.ip().to_canonical() != call.ours.ip().to_canonical()
    {
        let fault = Fault::NatHere { told: call.ours.ip(), seen_as: seen_as.ip() };
        found.push(Finding::new(fault, Certainty::Likely));
    }
    found
}

/// Hold, refresh, and a call that does not last.
fn changes(call: &Call) -> Vec<Finding> {
    let hung_up = |step: Step| call.hung_up.as_ref().is_some_and(|it| it.during == step);
    let hold = match (call.hold, call.resume) {
        _ if hung_up(Step::Holding) => Some(HoldTrouble::Drops),
        (Some(Change::Refused(status)), _) | (Some(Change::Taken), Some(Change::Refused(status))) => {
            Some(HoldTrouble::Refused(status))
        }
        (Some(Change::Silent), _) | (Some(Change::Taken), Some(Change::Silent)) => Some(HoldTrouble::Silent),
        (Some(Change::Over), _) | (Some(Change::Taken), Some(Change::Over)) => Some(HoldTrouble::Drops),
        (Some(Change::Taken), Some(Change::Taken)) => {
            let was_heard = call.sound.as_ref().is_some_and(|sound| sound.received > 0);
            (was_heard && call.after_resume == Some(0)).then_some(HoldTrouble::StaysSilent)
        }
        (None, _) | (Some(Change::Taken), None) => None,
    };
    let timer = match call.refresh {
        _ if hung_up(Step::Refreshing) => Some(TimerTrouble::Drops),
        Some(Change::Refused(status)) => Some(TimerTrouble::Refused(status)),
        Some(Change::Silent) => Some(TimerTrouble::Silent),
        Some(Change::Over) => Some(TimerTrouble::Drops),
        Some(Change::Taken) | None => None,
    };
    let mut found = Vec::new();
    found.extend(hold.map(|trouble| Finding::new(Fault::Hold(trouble), Certainty::Certain)));
    // A refresh is often a re-INVITE, too: where hold is refused, that says it all.
    let follows = hold.is_some();
    let certainty = if follows { Certainty::Possible } else { Certainty::Certain };
    found.extend(timer.map(|trouble| Finding::new(Fault::SessionTimer(trouble), certainty)));
    if let Some(hung_up) = call.hung_up.as_ref().filter(|it| it.during == Step::Talking) {
        found.push(Finding::new(Fault::HungUp { why: hung_up.why.clone() }, Certainty::Likely));
    }
    found
}

/// Whether an address that a peer names cannot be meant for us: it is of an inner network, and the peer is not in that.
fn is_unreachable(named: IpAddr, peer: IpAddr) -> bool {
    let (named, peer) = (scope(named.to_canonical()), scope(peer.to_canonical()));
    named != Scope::Public && named != Scope::None && named != peer
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Of no network: hold, as RFC 2543 wrote it.
    None,
    Loopback,
    LinkLocal,
    /// RFC 1918, RFC 4193.
    Private,
    /// RFC 6598: between a carrier and its customers.
    Shared,
    Public,
}

fn scope(address: IpAddr) -> Scope {
    match address {
        _ if address.is_unspecified() => Scope::None,
        _ if address.is_loopback() => Scope::Loopback,
        IpAddr::V4(v4) if v4.is_private() => Scope::Private,
        IpAddr::V4(v4) if v4.is_link_local() => Scope::LinkLocal,
        IpAddr::V4(v4) => match v4.octets() {
            [100, 64..=127, ..] => Scope::Shared,
            _ => Scope::Public,
        },
        IpAddr::V6(v6) if v6.is_unique_local() => Scope::Private,
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Scope::LinkLocal,
        IpAddr::V6(_) => Scope::Public,
    }
}

impl Finding {
    const fn new(fault: Fault, certainty: Certainty) -> Self {
        Self { fault, certainty }
    }
}

impl Fault {
    /// Nothing is done for us there, whatever we ask.
    const fn locks_out(&self) -> bool {
        matches!(
            self,
            Self::WrongPassword { .. }
                | Self::NoAccount { .. }
                | Self::UnknownChallenge(_)
                | Self::ChallengeLoop
                | Self::Overload { .. }
        )
    }
}
