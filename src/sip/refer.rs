//! Handing a call on (RFC 3515, RFC 5589 section 6). In: a call, and whom its trunk is to call in our place. Out:
//! [`Event::Referred`], once the trunk has said by NOTIFY what came of it, or by its answer that it will not.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Auth, Request, StatusCodeKind, Uri};
use tokio::sync::oneshot;

use super::{Event, Shared, ways};
use crate::words::{CallId, Transport, TrunkName};

/// A trunk that took the wish and says no more has done it: many then hang up themselves.
const SILENT: Duration = Duration::from_secs(32);

/// Asks; false if there is nobody to ask.
pub(super) fn ask(shared: &Arc<Shared>, call: CallId, trunk: &TrunkName, user: &str) -> bool {
    let Some(dialog) = shared.calls.get(&call).map(|dialog| dialog.clone()) else { return false };
    let outbound = shared.config.trunks.named(trunk).and_then(|trunk| trunk.outbound.as_ref());
    let Some(outbound) = outbound else { return false };
    let transport = outbound.target.known_transport().unwrap_or(Transport::Udp);
    let to = Uri { auth: Some(Auth { user: user.to_owned(), password: None }), ..ways::them(outbound, transport) };
    let (told, tells) = oneshot::channel();
    shared.referring.insert(call, told);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let taken = refer(&dialog, &to, tells).await;
        shared.referring.remove(&call);
        let _ = shared.events.send(Event::Referred { call, taken }).await;
    });
    true
}

async fn refer(dialog: &InviteDialog, to: &Uri, tells: oneshot::Receiver<bool>) -> bool {
    match dialog.refer(format!("<{to}>"), None, None).await {
        Ok(Some(response)) if response.status_code.kind() == StatusCodeKind::Successful => {
            match tokio::time::timeout(SILENT, tells).await {
                Ok(Ok(taken)) => taken,
                Ok(Err(_)) | Err(_) => true,
            }
        }
        Ok(Some(response)) => {
            tracing::debug!(status = response.status_code.code(), "the trunk takes no REFER");
            false
        }
        Ok(None) | Err(_) => false,
    }
}

impl Shared {
    /// A NOTIFY inside a call: what it says of a REFER of ours.
    pub(super) fn notified(&self, call: CallId, request: &Request) {
        let outcome = outcome(&String::from_utf8_lossy(&request.body));
        if let Some(taken) = outcome
            && let Some((_, told)) = self.referring.remove(&call)
        {
            // Whoever waited has given up waiting.
            let _ = told.send(taken);
        }
    }
}

/// The end of it, from a `message/sipfrag` (RFC 3515 section 2.4.5); none, while it still rings.
fn outcome(fragment: &str) -> Option<bool> {
    let status: u16 = fragment.trim_start().strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
    (status >= 200).then_some(status < 300)
}

/// What every REFER of ours brings about is told in the call itself.
pub(super) fn is_about_refer(request: &Request) -> bool {
    use rsipstack::sip::prelude::HeadersExt as _;
    let event = request.header_value("Event").or_else(|| request.header_value("o"));
    event.is_some_and(|event| event.split(';').next().is_some_and(|event| event.trim().eq_ignore_ascii_case("refer")))
}

#[cfg(test)]
mod tests {
    use super::outcome;

    #[test]
    fn a_notify_tells_the_end_of_a_transfer_and_only_that() {
        assert_eq!(outcome("SIP/2.0 100 Trying\r\n"), None);
        assert_eq!(outcome("SIP/2.0 180 Ringing"), None);
        assert_eq!(outcome("SIP/2.0 200 OK\r\n"), Some(true));
        assert_eq!(outcome("SIP/2.0 486 Busy Here\r\n"), Some(false));
        for bad in ["", "SIP/2.0 ", "SIP/2.0 2x0 OK", "HTTP/1.1 200 OK"] {
            assert_eq!(outcome(bad), None, "{bad:?}");
        }
    }
}
