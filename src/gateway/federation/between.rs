//! The media connections between gateways: one with each member that we meet. The gateway with the lower domain offers and dials, the
//! other answers (docs/federation.md, "Media").

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::super::chance::random;
use super::super::{Gateway, clock};
use crate::cascade::{Media, Message};
use crate::connection::{Called, Candidate, Credentials, Fingerprint, Transport};
use crate::meeting::Terms;
use crate::member::{Domain, Member, Registry};
use crate::words::PeerId;
use crate::workers;

/// All of them.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Between {
    by_member: BTreeMap<Domain, Line>,
    last: u64,
}

/// One.
#[derive(Debug)]
struct Line {
    peer: PeerId,
    attempt: u64,
    /// What we have shown, while an answer is waited for.
    offered: Option<String>,
    connected: bool,
}

impl Between {
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether sound passes between us and a member.
    pub(super) fn passes(&self, member: &Domain) -> bool {
        self.by_member.get(member).is_some_and(|line| line.connected)
    }

    fn of(&self, peer: PeerId) -> Option<Domain> {
        self.by_member.iter().find(|(_, line)| line.peer == peer).map(|(domain, _)| domain.clone())
    }
}

impl Gateway {
    /// The link to a member is up: is there no sound, the lower of the two begins.
    pub(super) fn meets(&mut self, member: &Domain) {
        let Some(shards) = self.shards.as_ref() else { return };
        if !shards.between.passes(member) {
            self.offer_sound(member);
        }
    }

    /// A member has lost its memory, and with it the connection.
    pub(super) fn meets_anew(&mut self, member: &Domain) {
        self.offer_sound(member);
    }

    /// Sound passes between us and another gateway.
    pub(in crate::gateway) fn peer_connected(&mut self, peer: PeerId) {
        let Some(shards) = self.shards.as_mut() else { return };
        let Some(member) = shards.between.of(peer) else { return };
        if let Some(line) = shards.between.by_member.get_mut(&member) {
            line.connected = true;
        }
        tracing::info!(%member, %peer, "sound passes to and from a member");
    }

    /// It does not any more.
    pub(in crate::gateway) fn peer_lost(&mut self, peer: PeerId) {
        let Some(shards) = self.shards.as_mut() else { return };
        let Some(member) = shards.between.of(peer) else { return };
        if let Some(line) = shards.between.by_member.get_mut(&member) {
            line.connected = false;
        }
        tracing::warn!(%member, %peer, "no sound passes to or from a member");
        if shards.cascade.linked().contains(&member) {
            self.offer_sound(&member);
        }
    }

    /// The name of the connection with a member.
    pub(super) fn peer_id(&self, member: &Domain) -> Option<PeerId> {
        self.shards.as_ref()?.between.by_member.get(member).map(|line| line.peer)
    }

    fn offer_sound(&mut self, member: &Domain) {
        let Some(us) = self.federation.as_ref().map(|federation| federation.us.clone()) else { return };
        if us >= *member {
            return;
        }
        let Ok(chance) = random() else { return };
        let Credentials { ufrag, password, .. } = Credentials::new(&chance, "");
        let Some(shards) = self.shards.as_mut() else { return };
        let attempt = shards.between.number();
        let former = shards.between.by_member.get(member).map(|line| line.peer);
        let peer = PeerId(attempt);
        let line = Line { peer, attempt, offered: Some(ufrag.clone()), connected: false };
        shards.between.by_member.insert(member.clone(), line);
        if let Some(peer) = former {
            self.tell_media(workers::Command::RemovePeer { peer });
        }
        let media = self.our_media(attempt, ufrag, password);
        self.say_to_peer(member, &Message::Offer(media));
    }

    /// A member says how sound can pass.
    pub(super) fn on_media_told(&mut self, member: &Domain, media: Media, answers: bool) {
        let Some(us) = self.federation.as_ref().map(|federation| federation.us.clone()) else { return };
        let Some(fingerprint) = Fingerprint::read(&media.fingerprint) else {
            let why = String::from("for sound it shows no certificate that can be used");
            return self.saying_refused(member, "fingerprint", why);
        };
        match answers {
            true if us < *member => self.dial_peer(member, media, fingerprint),
            false if us > *member => self.answer_sound(member, media, fingerprint),
            true | false => {
                let why = String::from("it offers or answers a connection for sound where it is not its turn");
                self.saying_refused(member, "turn", why);
            }
        }
    }

    /// Our offer was answered: we dial.
    fn dial_peer(&mut self, member: &Domain, media: Media, fingerprint: Fingerprint) {
        let Some(address) = media.addresses.iter().copied().find(|address| self.may_send_to(member, address.ip()))
        else {
            let told = media.addresses.len();
            return tracing::warn!(%member, told, "no address for sound lies in the member's networks: none passes");
        };
        let Some(line) = self.shards.as_mut().and_then(|shards| shards.between.by_member.get_mut(member)) else {
            return;
        };
        let Some(ufrag) = line.offered.take().filter(|_| line.attempt == media.attempt) else { return };
        let peer = line.peer;
        let Media { ufrag: theirs, password, .. } = media;
        let called = Called { address, ufrag: theirs, password, fingerprint };
        let transport = Transport::dialling(&self.identity, &ufrag, called, clock::now());
        self.add_peer(member, peer, ufrag, transport);
    }

    /// A member offers: we answer, and wait for its checks.
    fn answer_sound(&mut self, member: &Domain, media: Media, fingerprint: Fingerprint) {
        let Ok(chance) = random() else { return };
        let credentials = Credentials::new(&chance, &media.ufrag);
        let (ufrag, password) = (credentials.ufrag.clone(), credentials.password.clone());
        let Some(networks) = self.member_of(member).map(|member| member.media.clone()) else { return };
        let mut transport = Transport::new(&self.identity, credentials, fingerprint, clock::now());
        transport.take_from(networks);
        let Some(shards) = self.shards.as_mut() else { return };
        let peer = PeerId(shards.between.number());
        let line = Line { peer, attempt: media.attempt, offered: None, connected: false };
        if let Some(former) = shards.between.by_member.insert(member.clone(), line) {
            self.tell_media(workers::Command::RemovePeer { peer: former.peer });
        }
        self.add_peer(member, peer, ufrag.clone(), transport);
        let ours = self.our_media(media.attempt, ufrag, password);
        self.say_to_peer(member, &Message::Answered(ours));
    }

    fn add_peer(&mut self, member: &Domain, peer: PeerId, ufrag: String, transport: Transport) {
        let terms = self.federation.as_ref().and_then(|federation| federation.terms_of(member));
        let speakers = terms.and_then(Terms::speakers);
        self.tell_media(workers::Command::AddPeer { peer, ufrag, transport: Box::new(transport), speakers });
        if let Some(shards) = self.shards.as_mut() {
            shards.cascade.media_anew(member);
        }
    }

    fn our_media(&self, attempt: u64, ufrag: String, password: String) -> Media {
        let udp = |candidate: &Candidate| match candidate {
            Candidate::Udp(address) => Some(*address),
            Candidate::Tcp(_) => None,
        };
        let addresses: Vec<SocketAddr> = self.candidates.iter().filter_map(udp).collect();
        let fingerprint = format!("sha-256 {}", self.identity.fingerprint());
        Media { attempt, addresses, fingerprint, ufrag, password }
    }

    /// Another registry counts: with whoever is no member any more, or is elsewhere now, there is no sound.
    pub(super) fn meet_no_others(&mut self, former: Option<&Registry>) {
        let Some(shards) = self.shards.as_ref() else { return };
        let is_elsewhere = |domain: &Domain| {
            let former = former.and_then(|held| held.member(domain, clock::moment()));
            self.member_of(domain).map(|member| &member.media) != former.map(|member| &member.media)
        };
        let met = shards.between.by_member.iter().map(|(member, line)| (member.clone(), line.peer));
        let changed: Vec<_> = met.filter(|(member, _)| is_elsewhere(member)).collect();
        for (member, peer) in changed {
            if let Some(shards) = self.shards.as_mut() {
                shards.between.by_member.remove(&member);
            }
            self.tell_media(workers::Command::RemovePeer { peer });
            if self.shards.as_ref().is_some_and(|shards| shards.cascade.linked().contains(&member)) {
                self.offer_sound(&member);
            }
        }
    }

    /// A member's checks come from where it has nothing to do: nothing is sent there.
    pub(in crate::gateway) fn peer_is_elsewhere(&self, peer: PeerId, address: IpAddr) {
        let Some(member) = self.shards.as_ref().and_then(|shards| shards.between.of(peer)) else { return };
        let may = self.may_send_to(&member, address);
        tracing::warn!(%member, %peer, may, "a member wants sound at an address that is not in its networks");
    }

    /// Whether a member's sound may go there: its own networks, after the registry.
    fn may_send_to(&self, member: &Domain, address: IpAddr) -> bool {
        let may = |member: &Member| self.config.residency.permit_member(member, None, address).is_ok();
        self.member_of(member).is_some_and(may)
    }

    pub(in crate::gateway) fn member_of(&self, domain: &Domain) -> Option<&Member> {
        self.federation.as_ref()?.held.as_ref()?.member(domain, clock::moment())
    }
}
