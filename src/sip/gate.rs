//! What comes from the network passes here before the stack sees it. In: whole messages and where they came from. Out: the
//! stack's transactions, or an answer that goes back at once.
//!
//! The stack's own queues have no bound: nothing is put into them that the [`Guard`] has not let in, and so many requests are
//! in work at once.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rsipstack::sip::{SipMessage, Transport};
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transport::{SipAddr, SipConnection};

use super::facts::Source;
use super::ladders::Ladders;
use super::{Trunks, clock};
use crate::observe::Observed;
use crate::residency::Residency;
use crate::wire::{
    Fault, Guard, Kind, Limits, Origin, Outcome, Passed, Reading, Refused, Ruling, Why, homeward, normalise,
};

/// The gate.
pub(super) struct Gate {
    stack: EndpointInnerRef,
    sentry: Arc<Sentry>,
    ladders: Arc<Ladders>,
}

/// Who stands at all gates of the door.
pub(super) struct Sentry {
    guard: Mutex<Guard>,
    trunks: Trunks,
    residency: Residency,
    observed: Observed,
}

impl Gate {
    pub fn new(stack: EndpointInnerRef, sentry: Arc<Sentry>, ladders: Arc<Ladders>) -> Self {
        Self { stack, sentry, ladders }
    }

    /// Takes a message that arrived by `connection`. What it gives is sent back as it is.
    pub async fn receive(
        &self,
        message: &[u8],
        from: &Origin,
        transport: Transport,
        connection: &SipConnection,
    ) -> Option<Vec<u8>> {
        let source = Source { address: from.address.ip().to_canonical(), transport: named(transport) };
        if !self.sentry.lets_in(source) {
            return None;
        }
        match normalise(message, from) {
            Reading::Dropped(Fault::Empty) => None,
            Reading::Dropped(fault) => {
                self.sentry.cannot_read(source, &fault);
                None
            }
            Reading::Refused(refused) => {
                self.sentry.cannot_read(source, &refused.fault);
                self.lets_begin(source).is_ok().then(|| refused.to_bytes())
            }
            Reading::Passed(passed) => {
                let refused = self.pass(&passed, from, transport, source, connection).await.err()??;
                Refused::to(&passed.message, refused, from).map(|refused| refused.to_bytes())
            }
        }
    }

    /// To the stack; or with what it is refused, if it is to be told.
    async fn pass(
        &self,
        passed: &Passed<'_>,
        from: &Origin,
        transport: Transport,
        source: Source,
        connection: &SipConnection,
    ) -> Result<(), Option<Fault>> {
        if passed.kind == Kind::Begins {
            self.lets_begin(source)?;
        }
        let may = |address| self.sentry.may_lead(source, address);
        let bytes = homeward(Cow::Borrowed(&passed.message), from, source.transport, may);
        let message = SipMessage::try_from(bytes.as_ref()).map_err(|_| Some(Fault::Unusable))?;
        if let SipMessage::Request(request) = &message {
            TransactionKey::from_request(request, TransactionRole::Server).map_err(|_| Some(Fault::Unusable))?;
        }
        self.ladders.pass(false, &passed.message);
        let sender = SipAddr { r#type: Some(transport), addr: from.address.into() };
        if let Err(error) = self.stack.on_received_message(message, connection.clone(), &sender).await {
            tracing::debug!(%error, "a message came to nothing");
        }
        Ok(())
    }

    fn lets_begin(&self, source: Source) -> Result<(), Option<Fault>> {
        let stats = self.stack.get_stats();
        self.sentry.lets_begin(source, stats.running_transactions + stats.finished_transactions)
    }

    /// Something goes out: an answer says of who asked whether it is a scanner.
    pub fn sent(&self, message: &[u8], to: IpAddr) {
        self.ladders.pass(true, message);
        let outcome = Outcome::of(message);
        if outcome != Outcome::Neutral {
            self.sentry.guard().answered(to.to_canonical(), outcome, clock::now());
        }
    }
}

impl Sentry {
    pub fn new(limits: Limits, trunks: Trunks, residency: Residency, observed: Observed) -> Self {
        Self { guard: Mutex::new(Guard::new(limits)), trunks, residency, observed }
    }

    fn lets_in(&self, source: Source) -> bool {
        let ruling = self.guard().arrives(source.address, self.trusts(source), clock::now());
        self.carries_out(ruling, source).is_ok()
    }

    fn lets_begin(&self, source: Source, in_work: usize) -> Result<(), Option<Fault>> {
        let ruling = self.guard().begins(source.address, self.trusts(source), in_work, clock::now());
        self.carries_out(ruling, source)
    }

    /// Whether one more stream is taken.
    pub fn lets_connect(&self, source: Source, of_its_own: usize, of_all: usize) -> bool {
        let ruling = self.guard().connects(self.trusts(source), of_its_own, of_all);
        self.carries_out(ruling, source).is_ok()
    }

    /// A message, or a stream on which nothing can be read any more.
    pub fn cannot_read(&self, source: Source, fault: &Fault) {
        self.guard().malformed(source.address, clock::now());
        self.tell(source, Why::Malformed, Some(fault));
    }

    /// Either it goes on, or it does not: then with what its sender is told, if anything.
    fn carries_out(&self, ruling: Ruling, source: Source) -> Result<(), Option<Fault>> {
        match ruling {
            Ruling::In => Ok(()),
            Ruling::Refuse(why) => {
                self.tell(source, why, None);
                Err(Some(why.fault()))
            }
            Ruling::Drop(why) => {
                self.tell(source, why, None);
                Err(None)
            }
        }
    }

    /// Whether what follows a message may go to this address, to which the message leads: where a trunk's calls may have their sound, or where
    /// trunks may be. Nobody else leads us anywhere.
    fn may_lead(&self, source: Source, to: IpAddr) -> bool {
        self.trunks
            .at(source.address)
            .is_some_and(|trunk| self.residency.permits_call(&self.residency.networks_of_calls(&trunk.networks), to))
    }

    fn trusts(&self, source: Source) -> bool {
        self.trunks.at(source.address).is_some()
    }

    /// A figure each time, and a line for each reason at most every ten seconds.
    fn tell(&self, source: Source, why: Why, fault: Option<&Fault>) {
        self.observed.turned_away(why);
        let line = self.guard().line(why, clock::now());
        if let Some(messages) = line {
            let fault = fault.map(tracing::field::display);
            tracing::warn!(messages, from = %source, fault, "turned away at the SIP door: {why}");
        }
    }

    fn guard(&self) -> MutexGuard<'_, Guard> {
        // What a panic would leave half done is a count.
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport in our own words.
pub(super) const fn named(transport: Transport) -> crate::words::Transport {
    match transport {
        Transport::Udp => crate::words::Transport::Udp,
        Transport::Tcp | Transport::Sctp | Transport::Ws => crate::words::Transport::Tcp,
        Transport::Tls | Transport::TlsSctp | Transport::Wss => crate::words::Transport::Tls,
    }
}
