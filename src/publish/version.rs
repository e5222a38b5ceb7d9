//! A version, and how it is kept: one JSON object with the number of its form.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Files, Unreadable};

/// The form that we write.
const FORM: u32 = 1;

/// What is said of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Who published it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub comment: String,
    /// SHA-256 of its files: the same files have the same.
    pub fingerprint: String,
    /// The version that it was made from; 0 is the plan that is shipped.
    pub parent: u64,
    /// Who else agreed, where a second person has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The version whose files these are again, if somebody went back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u64>,
}

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub number: u64,
    /// What is said of it.
    pub about: About,
    /// Its files.
    pub files: Files,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    form: u32,
    #[serde(flatten)]
    about: About,
    files: Files,
}

/// The store's folder of versions.
const FOLDER: &str = "dialplan/versions/";

impl Version {
    /// Where it is kept. The order of the keys is that of the numbers.
    pub fn key(number: u64) -> String {
        format!("{FOLDER}{number:06}")
    }

    /// The number of the version that is kept there, if it is one.
    pub fn number_of(key: &str) -> Option<u64> {
        key.strip_prefix(FOLDER)?.parse().ok()
    }

    /// As it is kept.
    pub fn to_kept(&self) -> Vec<u8> {
        let kept = Kept { form: FORM, about: self.about.clone(), files: self.files.clone() };
        // Only text and numbers: there is nothing that could not be written.
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// From what is kept.
    ///
    /// # Errors
    /// A later version wrote it, or somebody else.
    pub fn from_kept(number: u64, bytes: &[u8]) -> Result<Self, Unreadable> {
        let Kept { form, about, files } =
            serde_json::from_slice(bytes).map_err(|error| Unreadable(error.to_string()))?;
        if form > FORM {
            return Err(Unreadable(format!("a newer einwahl wrote it (form {form}, this one knows {FORM})")));
        }
        Ok(Self { number, about, files })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::publish) fn version(number: u64, text: &str) -> Version {
        let files = Files::new([(String::from("10-amt.toml"), text.to_owned())]).expect("files");
        let about = About {
            by: String::from("erika"),
            at: Timestamp::UNIX_EPOCH,
            comment: String::from("Sprechstunde"),
            fingerprint: format!("{text:?}"),
            parent: number - 1,
            approved_by: None,
            restores: None,
        };
        Version { number, about, files }
    }

    #[test]
    fn a_version_is_read_as_it_was_kept_and_keys_are_in_the_order_of_the_numbers() {
        let kept = version(12, "[[rule]]\n");
        assert_eq!(Version::from_kept(12, &kept.to_kept()), Ok(kept));
        assert_eq!(Version::number_of(&Version::key(12)), Some(12));
        assert!(Version::key(9) < Version::key(10) && Version::key(999) < Version::key(1_000));
        assert_eq!(Version::number_of("dialplan/drafts/erika"), None);
    }

    #[test]
    fn what_a_newer_one_wrote_is_not_guessed_at() {
        let text = String::from_utf8(version(1, "").to_kept()).expect("text").replace("\"form\":1", "\"form\":2");
        assert!(Version::from_kept(1, text.as_bytes()).expect_err("refused").to_string().contains("newer"));
        assert!(Version::from_kept(1, b"{}").is_err());
    }
}
