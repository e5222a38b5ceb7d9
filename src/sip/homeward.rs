//! What keeps the stack from going where messages of others say. In: what it is about to send, and names that it would look up. Out: the same
//! without the hops that the [`Gate`](super::gate::Gate) has marked; and no address for any name.

use async_trait::async_trait;
use rsipstack::sip::{Header, Headers, SipMessage};
use rsipstack::transaction::endpoint::MessageInspector;
use rsipstack::transport::SipAddr;
use rsipstack::transport::transport_layer::DomainResolver;

use crate::wire;

/// Takes our own hops off: they have told the stack where to send.
pub(super) struct Unmarked;

impl MessageInspector for Unmarked {
    fn before_send(&self, mut message: SipMessage, _: Option<&SipAddr>) -> SipMessage {
        let headers: &mut Headers = match &mut message {
            SipMessage::Request(request) => &mut request.headers,
            SipMessage::Response(response) => &mut response.headers,
        };
        headers.retain(|header| !is_of_ours(header));
        message
    }

    fn after_received(&self, message: SipMessage, _: Option<&SipAddr>) -> SipMessage {
        message
    }
}

fn is_of_ours(header: &Header) -> bool {
    if let Header::Route(route) = header {
        wire::is_of_ours(route.value())
    } else if let Header::RecordRoute(route) = header {
        wire::is_of_ours(route.value())
    } else {
        false
    }
}

/// Names are looked up where `residency` is asked ([`super::resolve`]); the stack is given addresses.
pub(super) struct NoNames;

#[async_trait]
impl DomainResolver for NoNames {
    async fn resolve(&self, target: &SipAddr) -> rsipstack::Result<SipAddr> {
        Err(rsipstack::Error::DnsResolutionError(target.addr.to_string()))
    }
}
