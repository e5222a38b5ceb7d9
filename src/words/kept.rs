//! What is kept as JSON with the number of its form. In: bytes. Out: what they say, or a sentence that says nothing of what is in them.

use serde::de::DeserializeOwned;

/// Reads what was kept in a form up to `known`; `form` tells in which.
///
/// # Errors
/// It is damaged, or of a newer form.
pub fn read_kept<T: DeserializeOwned>(kept: &[u8], known: u32, form: impl Fn(&T) -> u32) -> Result<T, String> {
    let read: T = serde_json::from_slice(kept).map_err(|error| without_content(&error))?;
    let form = form(&read);
    if form > known { Err(format!("a newer einwahl wrote it (form {form})")) } else { Ok(read) }
}

/// The place and kind of an error, not the text in which it is.
pub fn without_content(error: &serde_json::Error) -> String {
    format!("{:?} at {}", error.classify(), error.column())
}
