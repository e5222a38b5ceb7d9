//! What a plan may speak of now: the configuration's things, the meetings that there are, the other members of the federation.

use std::sync::Arc;

use super::{Gateway, meetings};
use crate::dialplan::Surroundings;
use crate::store;
use crate::words::RoomId;

impl Gateway {
    /// For a plan that is published. One in a folder is read at the start, too, when nobody knows more than the configuration: it may
    /// speak of no other meetings.
    pub(super) fn around(&self) -> Arc<Surroundings> {
        let mut around = self.config.dialplan.around.clone();
        if self.config.dialplan.folder.is_none() {
            around.rooms = self.book.after(None).map(|listed| listed.meeting.room.clone()).collect();
        }
        around.members = self.federation.as_ref().map(|federation| federation.others()).unwrap_or_default();
        around.by_sip = self.federation.as_ref().map(|federation| federation.others_by_sip()).unwrap_or_default();
        Arc::new(around)
    }
}

/// For a plan that was published before the restart: also the meetings that were kept.
pub(super) fn at_start(configured: &Surroundings, kept: &[store::Entry]) -> Surroundings {
    let mut around = configured.clone();
    let kept: Vec<RoomId> = kept.iter().filter_map(|entry| meetings::room_of(&entry.key)).collect();
    around.rooms.extend(kept);
    around
}
