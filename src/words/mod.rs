//! The vocabulary: small types with one meaning each, shared by every room of the house.
//! Nothing here does anything; nothing here imports anything of the house.

mod audio;
mod both;
mod bucket;
mod digits;
mod domain;
mod ids;
mod kept;
mod language;
mod mail;
mod network;
mod personal;
mod right;
mod role;
mod secret;
mod sieve;
mod target;
mod transport;
mod typed;

pub use audio::{Codec, Direction, Level, Rate, RtpTime};
pub use both::Both;
pub(crate) use both::both;
pub use bucket::Bucket;
pub use digits::{ConferenceId, Digit, InvalidConferenceId, InvalidNumber, PhoneNumber};
pub use domain::{Domain, InvalidDomain};
pub use ids::{
    AccountName, CallId, CallbackId, InvalidName, LegId, ParticipantId, PeerId, RoomId, SessionId, TokenName, TrunkName,
};
pub use kept::{read_kept, without_content};
pub use language::{Country, InvalidCountry, InvalidLanguage, Language, LanguageTag, preferred};
pub use mail::{InvalidMailAddress, MailAddress};
pub use network::{InvalidNetwork, Network};
pub use personal::{Mask, Personal, Purpose};
pub use right::Right;
pub use role::Role;
pub use secret::{InvalidPin, Pin, Secret};
pub use sieve::Sieve;
pub use target::{Host, InvalidTarget, Target};
pub use transport::{Family, Transport};
pub use typed::Typed;
