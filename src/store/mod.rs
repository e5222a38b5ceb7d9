//! Meetings, kept over a restart.
