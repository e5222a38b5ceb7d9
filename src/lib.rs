//! # Einwahl: the map of the house
//!
//! Einwahl takes phone calls (SIP/RTP) and browsers (WebRTC) into rooms. I/O is above, pure rooms below,
//! the vocabulary at the bottom. **The order of the modules in this file is law:** a room imports only rooms
//! listed below it (`tests/house.rs` fails on an upward import, and on two doors that know each other).
//!
//! A phone call walks: `wire` (repaired, or refused) → `sip` (INVITE) → `gateway` → `dialplan` (what it is for) → `call` (offer and answer) → `workers` (a
//! private leg) → `ivr` (digits → admission) → `room` (join → effects) → `workers` and `media` (the leg hears and is heard).
//! A page walks: `web` (WebSocket) → `gateway` → `connection` (offer and answer) → `room` → `workers` and `media`.
//! A letter that somebody types walks: `workers` and `media` (RFC 4103), `web` or `links` → `gateway` → `room` (whether they may) → all of these, and nothing
//! keeps it.
//! A meeting made by API walks: `web` → `gateway` → `meeting` (what may not be) → `store` (a thread of its own) → `gateway` (its
//! copy) → the answer; `records` notes who did it.
//! A request to be called back walks: `ivr` → `gateway` → `callback` (whether there is a place) → `store`; later `gateway` → `sip` (an
//! agent, then the citizen) → `workers`.
//! A plan that is published walks: `web`, or a folder → `gateway` → `dialplan` (what is wrong with it) → `publish` (whether somebody else was
//! faster) → `store` → `gateway` (it runs, for calls that begin from then on) → the answer.
//!
//! Who signs in by the institution's own system walks: `web` → `gateway` → `oidc` (a thread of its own; `https` and `names`, with a permit of
//! `residency`) → `account` (whose journey it was, which role) → a session.
//!
//! An invitation walks: `web` → `gateway` → `meeting` (what it says) → `post` (when it is tried) → `mail` (with a permit of `residency`) → the
//! answer, and later tries.
//!
//! Who may meet with us from elsewhere stands in a signed registry: `member`.
//!
//! Pure rooms take facts and the time, and return effects; `gateway` performs every effect in one place. They hold
//! no socket, no clock and no await: `make pure` builds and tests them alone, and fails if a runtime is in their tree.
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        clippy::disallowed_methods,
        reason = "a test that goes wrong may stop; its numbers are its own"
    )
)]

// --- shell: sockets, clocks, threads, await ---
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(feature = "gateway")]
pub mod phone;
#[cfg(feature = "gateway")]
pub mod doctor;
#[cfg(feature = "gateway")]
pub mod config;
#[cfg(feature = "gateway")]
pub mod sip;
#[cfg(feature = "gateway")]
pub mod links;
#[cfg(feature = "gateway")]
pub mod web;
#[cfg(feature = "gateway")]
pub mod oidc;
#[cfg(feature = "gateway")]
pub mod mail;
#[cfg(feature = "gateway")]
pub mod https;
#[cfg(feature = "gateway")]
pub mod names;
#[cfg(feature = "gateway")]
pub mod residency;
#[cfg(feature = "gateway")]
pub mod observe;
#[cfg(feature = "gateway")]
pub mod workers;
#[cfg(feature = "gateway")]
pub mod tls;
#[cfg(feature = "gateway")]
pub mod records;
#[cfg(feature = "gateway")]
pub mod store;

// --- pure: facts and time in, effects out ---
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod page;
pub mod cascade;
pub mod account;
pub mod meeting;
pub mod post;
pub mod room;
pub mod ivr;
pub mod queue;
pub mod callback;
pub mod publish;
pub mod import;
pub mod dialplan;
pub mod trunk;
pub mod call;
pub mod wire;
pub mod connection;
pub mod media;
pub mod member;
pub mod words;
