//! A draft: files that somebody writes at and has not published. Kept under the name of its author, one for each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Files, Unreadable};

const FORM: u32 = 1;

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Whose it is.
    pub author: String,
    /// Its files.
    pub files: Files,
    /// SHA-256 of them.
    pub fingerprint: String,
    /// The version that it was made from.
    pub parent: u64,
    /// What it is for.
    pub comment: String,
    /// When it was last written.
    pub at: Timestamp,
    /// Who agreed to it as it is.
    pub approval: Option<Approval>,
}

/// Somebody else agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    form: u32,
    parent: u64,
    comment: String,
    fingerprint: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    files: Files,
}

/// The store's folder of drafts.
const FOLDER: &str = "dialplan/drafts/";

impl Draft {
    /// Where the draft of an author is kept.
    pub fn key(author: &str) -> String {
        format!("{FOLDER}{author}")
    }

    /// Whose draft is kept there, if it is one.
    pub fn author_of(key: &str) -> Option<&str> {
        key.strip_prefix(FOLDER)
    }

    /// As it is kept.
    pub fn to_kept(&self) -> Vec<u8> {
        let kept = Kept {
            form: FORM,
            parent: self.parent,
            comment: self.comment.clone(),
            fingerprint: self.fingerprint.clone(),
            at: self.at,
            approval: self.approval.clone(),
            files: self.files.clone(),
        };
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// From what is kept.
    ///
    /// # Errors
    /// A later version wrote it, or somebody else.
    pub fn from_kept(author: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let Kept { form, parent, comment, fingerprint, at, approval, files } =
            serde_json::from_slice(bytes).map_err(|error| Unreadable(error.to_string()))?;
        if form > FORM {
            return Err(Unreadable(format!("a newer einwahl wrote it (form {form}, this one knows {FORM})")));
        }
        Ok(Self { author: author.to_owned(), files, fingerprint, parent, comment, at, approval })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_read_as_it_was_kept_with_who_agreed() {
        let files = Files::new([(String::from("a.toml"), String::from("x"))]).expect("files");
        let approval = Some(Approval { by: String::from("otto"), at: Timestamp::UNIX_EPOCH });
        let draft = Draft {
            author: String::from("erika"),
            files,
            fingerprint: String::from("f"),
            parent: 3,
            comment: String::from("Feiertage"),
            at: Timestamp::UNIX_EPOCH,
            approval,
        };
        assert_eq!(Draft::from_kept("erika", &draft.to_kept()), Ok(draft));
        assert_eq!(Draft::author_of(&Draft::key("erika")), Some("erika"));
        assert_eq!(Draft::author_of("dialplan/versions/000001"), None);
    }
}
