//! Who we are at a trunk, proven (RFC 3261 section 22). In: a 401 or 407, and our account. Out: the field that answers it.

use rsipstack::sip::{Header, Headers, Response};

use super::trunks::Account;
use crate::trunk::digest::Challenge;

/// The field that proves who we are: its name and value; none, if the challenge cannot be met, or was met already.
pub(super) fn of(
    account: &Account,
    response: &Response,
    method: &str,
    uri: &str,
    is_proven: bool,
) -> Option<(&'static str, String)> {
    let (asks, answers) = match response.status_code.code() {
        407 => ("Proxy-Authenticate", "Proxy-Authorization"),
        _ => ("WWW-Authenticate", "Authorization"),
    };
    let challenges = values(&response.headers, asks);
    let challenge = Challenge::best(challenges.iter().map(String::as_str)).ok()?;
    if is_proven && !challenge.stale {
        return None;
    }
    let cnonce = format!("{:016x}", chance());
    Some((answers, challenge.answer(&account.user, &account.password, method, uri, &cnonce)))
}

/// Every value of a header field, in order.
pub(super) fn values(headers: &Headers, name: &str) -> Vec<String> {
    let named = |header: &&Header| header.name().eq_ignore_ascii_case(name);
    headers.iter().filter(named).map(|header| header.value().to_owned()).collect()
}

/// A number by chance; what it is for is not secret. Without randomness all are alike.
pub(super) fn chance() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_be_bytes(bytes)
}
