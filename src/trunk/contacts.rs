//! The addresses at which a registrar would call us (RFC 3261 section 10.3). In: the Contacts of its answer. Out: each host and
//! port, and how long it holds.

/// An address at which a registrar would call us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its host and port.
    pub at: String,
    /// Seconds that it holds.
    pub expires: Option<u32>,
}

/// All of them.
pub fn bindings(contacts: &[String]) -> Vec<Binding> {
    let joined = contacts.iter().map(|value| value.replace(", <", ",<")).collect::<Vec<_>>().join(",<");
    joined.split(",<").filter_map(binding).collect()
}

fn binding(contact: &str) -> Option<Binding> {
    let uri = contact.split_once("sips:").or_else(|| contact.split_once("sip:"))?.1;
    let end = uri.find(['>', ';', '?', ',']).unwrap_or(uri.len());
    let at = uri.get(..end)?.rsplit('@').next()?;
    let has_port = at.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    let lower = contact.to_ascii_lowercase();
    let digits = lower.split("expires=").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let at = if has_port { at.to_owned() } else { format!("{at}:5060") };
    Some(Binding { at, expires: digits.and_then(|digits| digits.parse().ok()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_that_a_registrar_knows_is_read() {
        let values = [
            "<sip:a@192.0.2.1:5060>;expires=300, <sip:a@192.0.2.2;transport=tcp>;q=1;expires=60",
            "sip:a@[2001:db8::1]:5070",
        ];
        let read = bindings(&values.map(String::from));
        let told: Vec<_> = read.iter().map(|binding| (binding.at.as_str(), binding.expires)).collect();
        assert_eq!(told, [("192.0.2.1:5060", Some(300)), ("192.0.2.2:5060", Some(60)), ("[2001:db8::1]:5070", None)]);
    }
}
