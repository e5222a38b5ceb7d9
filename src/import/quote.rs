//! Texts of TOML, as an admin would write them.

/// In quotes; a `${` that is no variable of ours is taken apart.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.replace("${", "$ {")).to_string()
}

/// One text, or several in an array.
pub(super) fn several(texts: &[String]) -> String {
    match texts {
        [one] => quoted(one),
        many => format!("[{}]", many.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")),
    }
}

/// The name of a table, with quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_bare { name.to_owned() } else { format!("\"{name}\"") }
}

/// A name of small letters, digits, `-` and `_`, for rooms, trunks, contexts and tables.
pub(super) fn named(text: &str) -> String {
    let plain: String = text
        .to_lowercase()
        .replace('ä', "ae")
        .replace('ö', "oe")
        .replace('ü', "ue")
        .replace('ß', "ss")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .collect();
    let plain: String = plain.trim_matches(['-', '_']).chars().take(64).collect();
    if plain.is_empty() { String::from("ohne-namen") } else { plain }
}
