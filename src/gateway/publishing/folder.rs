//! The folder whose plan counts: somebody writes in it, and what stands there runs.

use super::super::Gateway;
use super::super::watching::Looked;
use super::{Intent, Origin, Worked};
use crate::publish::Files;
use crate::records::Deed;
use crate::words::Both;

/// Who publishes what stands in the folder.
const FOLDER: &str = "folder";

impl Gateway {
    /// What stands in the folder is to run.
    pub(super) fn publish_folder(&mut self, files: Files) {
        self.publish_plan(Intent {
            files,
            parent: self.publishing.history.current_number(),
            comment: String::new(),
            by: FOLDER.to_owned(),
            approved_by: None,
            restores: None,
            draft: None,
            origin: Origin::Folder,
        });
    }

    /// Once a second.
    pub(in crate::gateway) fn watch_folder(&mut self) {
        if let Some(folder) = self.publishing.folder.as_mut().filter(|folder| !folder.is_being_looked_at())
            && let Some(place) = self.publishing.jobs.place()
        {
            let look = folder.look();
            self.publishing.jobs.start(place, move || Some(Worked::Looked(look())));
        }
    }

    pub(super) fn on_looked(&mut self, looked: Looked) {
        let Some(folder) = self.publishing.folder.as_mut() else { return };
        match folder.on_looked(looked) {
            Ok(Some(files)) => self.publish_folder(files),
            Ok(None) => {}
            Err(why) => {
                tracing::error!(why, "the folder of the dialplan cannot be read, the plan that runs goes on");
                self.note(Deed::PlanRefused { by: FOLDER.to_owned(), errors: 1, first: why.clone() });
                let why = Both::new(format!("Der Ordner kann nicht gelesen werden ({why})"), why);
                self.publishing.edit_refused(FOLDER, why, Vec::new());
            }
        }
    }

    pub(super) fn look_again(&mut self) {
        if let Some(folder) = &mut self.publishing.folder {
            folder.look_again();
        }
    }
}
