//! What is noted. An entry is one JSON object, written once and hashed as it is written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::Hash;
use crate::account::Role;
use crate::member::Domain;
use crate::words::{ParticipantId, RoomId, TrunkName};

/// What somebody did, or what happened. As JSON: `{"what":"meetingDeleted","room":"rat","by":"ratsinfo"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Deed {
    /// The gateway started.
    Started {
        /// Which version.
        version: String,
    },
    /// It was stopped in an orderly way.
    Stopped,
    /// What an admin wrote was loaded.
    Loaded {
        /// SHA-256 of the dialplan's files: the same plan has the same.
        dialplan: String,
        /// How many meetings the file has.
        meetings: usize,
        /// Who may use the API.
        tokens: Vec<String>,
    },
    /// Somebody made a meeting by the API.
    MeetingCreated {
        /// Its name.
        room: RoomId,
        /// The name of the token.
        by: String,
    },
    /// Somebody changed a meeting by the API.
    MeetingChanged {
        /// Its name.
        room: RoomId,
        /// The name of the token.
        by: String,
        /// What was changed, not to what.
        fields: Vec<String>,
    },
    /// Somebody deleted a meeting by the API.
    MeetingDeleted {
        /// Its name.
        room: RoomId,
        /// The name of the token.
        by: String,
    },
    /// Somebody invited people to a meeting by mail: what came of the first try.
    Invited {
        /// To which.
        room: RoomId,
        /// Who invited: an account, or the name of a token.
        by: String,
        /// How many.
        people: usize,
        /// So many letters the mail server has taken.
        taken: usize,
        /// So many will be tried again.
        waiting: usize,
        /// So many it will not take.
        refused: usize,
        /// Why not, or not yet: `notPermitted`, `unreachable`, `unprotected`, `untrusted`, `notLetIn`, `declined` or `givenUp`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The same as a sentence, which names nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told: Option<String>,
    },
    /// The letters of an invitation that had to wait are taken, or given up.
    InvitationOver {
        /// To which meeting.
        room: RoomId,
        /// Who invited.
        by: String,
        /// So many letters the mail server has taken, all in all.
        taken: usize,
        /// So many it will not take.
        refused: usize,
        /// How often it was tried.
        tries: usize,
    },
    /// The gateway was stopped while letters waited to be sent.
    InvitationLost {
        /// To which meeting.
        room: RoomId,
        /// Who invited.
        by: String,
        /// How many were invited, some of whom may have their letter.
        people: usize,
    },
    /// Somebody published a dialplan.
    PlanPublished {
        /// Its version.
        version: u64,
        /// Who: the name of the token, or `folder`.
        by: String,
        /// Who else agreed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<String>,
        /// The version whose files these are again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restores: Option<u64>,
        /// Why.
        comment: String,
        /// How many files it has.
        files: usize,
        /// How many rules.
        rules: usize,
    },
    /// A dialplan was not published, since it has errors.
    PlanRefused {
        /// Whose: the name of the token, or `folder`.
        by: String,
        /// How many.
        errors: usize,
        /// The first of them.
        first: String,
    },
    /// Somebody agreed to the draft of somebody else.
    DraftApproved {
        /// Whose it is.
        author: String,
        /// Who agreed.
        by: String,
    },
    /// Records of calls were deleted because their time was over, and it was looked whether they are gone.
    CallsDeleted {
        /// Those of calls that came before this time.
        before: String,
        /// How many.
        records: u64,
    },
    /// Somebody had somebody forgotten: whom, nobody knows any more.
    Erased {
        /// Who: an account, or the name of a token.
        by: String,
        /// So many call records.
        records: u64,
        /// So many requests to be called back.
        callbacks: usize,
        /// So many institutions are asked to forget them, too; each has an entry of its own.
        asked: usize,
        /// So many could not be asked.
        not_asked: usize,
    },
    /// A moderator did something that concerns others.
    Moderated {
        /// Where.
        room: RoomId,
        /// Which line of the roster did it.
        by: ParticipantId,
        /// What.
        act: String,
        /// To whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whom: Option<ParticipantId>,
        /// Switched on, or off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<bool>,
    },
    /// Something between us and another institution in a meeting; the same stands there with the same event.
    Federated {
        /// Which institution.
        member: Domain,
        /// In which meeting, by its address.
        room: RoomId,
        /// What: `entered`, `acted`, `notTheirs`, or why somebody was refused; `erasureAsked` and `erasureReceipt` by whose participant is to be
        /// forgotten, `erased` there.
        act: String,
        /// Who or whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whom: Option<String>,
        /// Names it in both audits.
        event: String,
        /// So many of the same of this institution came since the last entry, and were not noted.
        #[serde(default, skip_serializing_if = "is_none")]
        untold: u64,
    },
    /// What another institution said on its link was refused, whatever meeting it may be about.
    SayingRefused {
        /// Which institution.
        member: Domain,
        /// In a sentence.
        why: String,
        /// So many of the same of this institution came since the last entry, and were not noted.
        #[serde(default, skip_serializing_if = "is_none")]
        untold: u64,
    },
    /// Somebody signed in.
    SignedIn {
        /// As whom.
        account: String,
        /// By what beside the password: `code`, `recovery`, or `enrolment` at the first time; `oidc` by the institution's own sign-in.
        by: String,
    },
    /// Somebody knew the name of an account, and did not get in.
    SignInFailed {
        /// Whose.
        account: String,
        /// What was not right: `password`, `code`; or although that was right: `disabled`, `unused`, `tooLate`, `noRole`.
        why: String,
    },
    /// A sign-in by the institution's own system came to nothing.
    SignInStopped {
        /// Why: `garbled`, `unknown`, `expired`, `otherBrowser`, `otherIssuer`, `declined`, `untrusted`, `unreachable` or `notPermitted`.
        why: String,
        /// The same as a sentence.
        told: String,
    },
    /// An account is answered slower and slower: somebody seems to guess.
    AccountSlowed {
        /// Whose.
        account: String,
        /// Failures that are remembered.
        failures: u32,
    },
    /// Somebody signed out.
    SignedOut {
        /// Who.
        account: String,
        /// On every device.
        everywhere: bool,
    },
    /// Somebody of the institution acted on a call or a meeting that is under way.
    Operated {
        /// What: `hangUp`, `mute`, `unmute`, `transfer`, `end`.
        act: String,
        /// On which call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<u64>,
        /// In which meeting.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        /// To whom of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whom: Option<ParticipantId>,
        /// Who.
        by: String,
    },
    /// Somebody asked to be called back.
    CallbackAsked {
        /// By which office.
        office: String,
        /// Their request.
        id: String,
        /// At which number, masked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caller: Option<String>,
    },
    /// Somebody was called back.
    CalledBack {
        /// By which office.
        office: String,
        /// Their request.
        id: String,
        /// At which try.
        tries: u32,
    },
    /// Somebody is called back no longer: they did not answer, or the plan allows it no more.
    CallbackGivenUp {
        /// By which office.
        office: String,
        /// Their request.
        id: String,
        /// How often they were called.
        tries: u32,
    },
    /// Nobody was called back, and the time is over for which the plan lets a request be kept.
    CallbackErased {
        /// By which office.
        office: String,
        /// The request.
        id: String,
    },
    /// An operator dropped somebody's request to be called back.
    CallbackDropped {
        /// By which office.
        office: String,
        /// The request.
        id: String,
        /// Who.
        by: String,
    },
    /// Somebody made an account.
    AccountMade {
        /// Its name.
        account: String,
        /// What its owner may do.
        role: Role,
        /// Who made it.
        by: String,
    },
    /// Somebody gave an account another role.
    RoleChanged {
        /// Its name.
        account: String,
        /// What its owner might do before.
        from: Role,
        /// What its owner may do from now on.
        to: Role,
        /// Who changed it.
        by: String,
    },
    /// Somebody closed an account.
    AccountDisabled {
        /// Its name.
        account: String,
        /// Who closed it.
        by: String,
    },
    /// Somebody opened an account again.
    AccountEnabled {
        /// Its name.
        account: String,
        /// Who opened it.
        by: String,
    },
    /// Somebody gave an account a new one-time password, and took its second factor away.
    AccountReset {
        /// Its name.
        account: String,
        /// Who did it.
        by: String,
    },
    /// Somebody deleted an account.
    AccountDeleted {
        /// Its name.
        account: String,
        /// Who deleted it.
        by: String,
    },
    /// Somebody made an app known that shows codes.
    AppEnrolled {
        /// Who.
        account: String,
    },
    /// Somebody chose a password.
    PasswordChosen {
        /// Who.
        account: String,
    },
    /// A trunk stands otherwise than before.
    TrunkStands {
        /// Which.
        trunk: TrunkName,
        /// `up`, `degraded` or `down`.
        state: String,
        /// Why it is not up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Somebody had a trunk examined by the API.
    TrunkChecked {
        /// Which.
        trunk: TrunkName,
        /// Who.
        by: String,
    },
    /// Another registry of members counts.
    RegistryTaken {
        /// Its number.
        serial: u64,
        /// So many members.
        members: usize,
        /// Until when it holds.
        expires: String,
    },
    /// A member of the registry that counts is none, and gets no link.
    MemberLeftOut {
        /// Which.
        member: Domain,
        /// Why.
        why: String,
    },
    /// A registry was offered that does not count; the one that is held goes on.
    RegistryRefused {
        /// Why.
        why: String,
    },
    /// The registry that is held ends soon, or has ended.
    RegistryEnds {
        /// When.
        at: String,
        /// Whether it has ended: no member is spoken to any more.
        expired: bool,
    },
    /// The link to another member stands otherwise than before.
    LinkStands {
        /// Whose.
        member: Domain,
        /// `up` or `down`.
        state: String,
        /// Why it is not up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Another gateway was refused, or one that we called.
    LinkRefused {
        /// Its address, masked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// Whose it is, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<Domain>,
        /// Why.
        why: String,
        /// So many others were refused since the last entry, and not noted.
        untold: u64,
    },
    /// Another institution's own system, or who passed for one, was refused (docs/federation.md).
    VisitRefused {
        /// Whose, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<Domain>,
        /// From where, masked; not said of a call of a member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// Why, in one word.
        reason: String,
        /// In a sentence.
        why: String,
        /// So many others were refused since the last entry, and not noted.
        #[serde(default, skip_serializing_if = "is_none")]
        untold: u64,
    },
    /// Another institution's own system brings somebody into a meeting.
    Visited {
        /// Which institution.
        member: Domain,
        /// Where.
        room: RoomId,
    },
    /// A call of another institution's own system was ended: it may not call any more.
    VisitEnded {
        /// Which institution.
        member: Domain,
        /// In a sentence.
        why: String,
    },
    /// A connection was not opened: nothing may be sent there.
    ConnectionRefused {
        /// For what it was to be.
        purpose: String,
        /// The name that led there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        /// Where it was to go: the address of a machine, not of a person.
        address: String,
        /// Why.
        why: String,
        /// How often since the last entry of the same.
        times: u64,
        /// So many other refusals before it have no entry: there were too many different ones.
        untold: u64,
    },
    /// Somebody seems to guess.
    Guessing {
        /// Where.
        door: Door,
        /// Who, masked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caller: Option<String>,
        /// At which meeting, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        /// What is counted: those of one `caller`, or those at one `conference`.
        counted: String,
        /// Failures that are remembered.
        failures: u32,
    },
    /// Entries could not be written before this one.
    Missing {
        /// How many.
        entries: u64,
    },
    /// Entries were deleted because their time was over; the chain goes on from the hash of the last of them.
    Checkpoint {
        /// The first that was deleted.
        from: u64,
        /// The last.
        to: u64,
        /// Its hash.
        hash: Hash,
    },
}

/// Where somebody came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Door {
    /// By telephone.
    Phone,
    /// By browser.
    Browser,
    /// By the API.
    Api,
    /// By the link of another institution.
    Member,
}

/// A number that need not be written.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
const fn is_none(number: &u64) -> bool {
    *number == 0
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1 without a gap.
    pub number: u64,
    /// When; to the millisecond, in UTC, so that the order of the texts is that of the times.
    pub at: String,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

impl Entry {
    pub(super) fn new(number: u64, at: Timestamp, deed: Deed) -> Self {
        Self { number, at: written(at), deed }
    }
}

/// A time as entries write it.
pub(super) fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}
