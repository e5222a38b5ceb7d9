//! A request as it is kept in the store: one JSON object with the number of its form.

use serde::{Deserialize, Serialize};

use super::Request;
use crate::words::{CallbackId, Personal, Purpose, TrunkName, read_kept};

/// The form that we write.
const FORM: u32 = 1;

/// What is kept cannot be read. Says nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of this request cannot be read: {0}")]
pub struct Unreadable(String);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    form: u32,
    id: CallbackId,
    office: String,
    number: String,
    trunk: Option<TrunkName>,
    asked: String,
    tries: u32,
    next: String,
    until: String,
}

impl Request {
    /// As it is kept. Contains the number: to be sealed.
    pub fn to_kept(&self) -> Vec<u8> {
        let kept = Kept {
            form: FORM,
            id: self.id.clone(),
            office: self.office.clone(),
            number: self.number.reveal(Purpose::Callback).as_str().to_owned(),
            trunk: self.trunk.clone(),
            asked: self.asked.to_string(),
            tries: self.tries,
            next: self.next.to_string(),
            until: self.until.to_string(),
        };
        // Only text and numbers: there is nothing that could not be written.
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// From what is kept.
    ///
    /// # Errors
    /// It is damaged, or of a newer form.
    pub fn from_kept(kept: &[u8]) -> Result<Self, Unreadable> {
        let kept = read_kept(kept, FORM, |kept: &Kept| kept.form).map_err(Unreadable)?;
        let time = |text: String| text.parse().map_err(|_| Unreadable(String::from("a time is none")));
        Ok(Self {
            id: kept.id,
            office: kept.office,
            number: Personal::new(kept.number.parse().map_err(|_| Unreadable(String::from("a number is none")))?),
            trunk: kept.trunk,
            asked: time(kept.asked)?,
            tries: kept.tries,
            next: time(kept.next)?,
            until: time(kept.until)?,
        })
    }
}
