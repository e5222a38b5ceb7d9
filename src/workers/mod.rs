//! The media thread: it owns all sockets and all sound. In: commands, through a bounded queue, and datagrams, every 20 ms.
//! Out: datagrams, and events through a bounded queue (when that is full an event is dropped and counted, and sound goes on).
//!
//! A leg is private until it enters a room: nothing of any room can reach it before, by construction.

mod batch;
mod clock;
mod crowd;
mod line;
mod pages;
mod peers;
mod port;
mod ports;
mod reports;
mod stamp;
mod thread;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError, bounded};
use tokio::sync::mpsc;

use crate::connection::{Credentials, Transport};
use crate::media::codec::CodecError;
use crate::media::{BrowserLeg, Clip, PhoneLeg, Quality, Session};
use crate::room::Name;
use crate::words::{Digit, Family, LegId, Network, ParticipantId, PeerId, RoomId, Typed};

use ports::Ports;
pub use ports::{NoPorts, PortPair};

/// How the media thread works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where phone media is received: one address of each family at most.
    pub addresses: Vec<IpAddr>,
    /// The ports for it: RTP on even ones, RTCP on the odd one above.
    pub ports: std::ops::Range<u16>,
    /// A phone that sent nothing for this long is warned by a tone, at the half of it, and then its call is over.
    pub silence: Duration,
    /// Where browsers' media is received, with UDP and with TCP, and that of other gateways, with UDP: one port for all.
    pub browsers: Vec<SocketAddr>,
}

/// What the media thread is told to do.
pub enum Command {
    /// Takes a phone leg, which is private.
    AddPhone {
        /// Its name.
        leg: LegId,
        /// Its sockets.
        ports: PortPair,
        /// The leg, made on the caller's thread.
        phone: Box<PhoneLeg>,
    },
    /// Gives a phone leg sockets for text, which it keeps.
    GiveText {
        /// Which leg.
        leg: LegId,
        /// Its sockets.
        ports: PortPair,
    },
    /// Somebody else types: a phone that shows text is sent it.
    Write {
        /// To which leg.
        leg: LegId,
        /// Who.
        who: ParticipantId,
        /// As what they are shown.
        name: Name,
        /// What.
        text: Typed,
    },
    /// What of it was not sent yet is no longer meant.
    CutShort {
        /// To which leg.
        leg: LegId,
        /// Whose.
        who: ParticipantId,
    },
    /// A new offer was answered.
    Renegotiate {
        /// Which leg.
        leg: LegId,
        /// What holds now.
        session: Session,
    },
    /// Takes a browser's leg, which is private.
    AddBrowser {
        /// Its name.
        leg: LegId,
        /// Our half of its checks' name.
        ufrag: String,
        /// Its connection.
        transport: Box<Transport>,
        /// The leg, made on the caller's thread.
        browser: Box<BrowserLeg>,
    },
    /// A browser made a new offer for the same connection.
    Restart {
        /// Which leg.
        leg: LegId,
        /// What both sides show from now on.
        credentials: Credentials,
    },
    /// The leg hears the room and is heard, unless it is muted.
    Enter {
        /// Which leg.
        leg: LegId,
        /// Which room.
        room: RoomId,
    },
    /// The leg is private again.
    Exit {
        /// Which leg.
        leg: LegId,
    },
    /// The leg is not heard.
    Mute {
        /// Which leg.
        leg: LegId,
        /// On or off.
        on: bool,
    },
    /// Plays clips to one leg, in place of all else.
    Play {
        /// Which leg.
        leg: LegId,
        /// One after the other.
        clips: Vec<Clip>,
        /// Begin again after the last.
        repeat: bool,
        /// Comes back in [`Event::Played`].
        id: u64,
    },
    /// Plays clips to one leg again and again, but only while nobody else in its room is heard.
    PlayInSilence {
        /// Which leg.
        leg: LegId,
        /// One after the other.
        clips: Vec<Clip>,
    },
    /// Stops that.
    StopPlaying {
        /// Which leg.
        leg: LegId,
    },
    /// Presses a key to a phone, as a telephone event.
    Press {
        /// Which leg.
        leg: LegId,
        /// Which key.
        digit: Digit,
    },
    /// Plays clips to everybody in a room.
    PlayInRoom {
        /// Which room.
        room: RoomId,
        /// One after the other.
        clips: Vec<Clip>,
    },
    /// The call is over, or somebody on another gateway left.
    Remove {
        /// Which leg.
        leg: LegId,
    },
    /// Takes a connection to another gateway: one that dials ([`Transport::dialling`]) begins at once, one that answers
    /// ([`Transport::new`]) waits for checks.
    AddPeer {
        /// Its name.
        peer: PeerId,
        /// Our half of its checks' name.
        ufrag: String,
        /// The connection.
        transport: Box<Transport>,
        /// So many who speak are sent there at once; as many as there are, if nothing is said.
        speakers: Option<usize>,
    },
    /// That connection is over. Those who were heard through it keep their seats, and are silent.
    RemovePeer {
        /// Which.
        peer: PeerId,
    },
    /// From now on the peer is sent the room's speakers who are on this gateway.
    Relate {
        /// Which peer.
        peer: PeerId,
        /// Which room; it is kept until [`Command::Unrelate`].
        room: RoomId,
        /// Speakers on other gateways too, but for its own.
        relay: bool,
    },
    /// The peer is sent nothing of the room any more.
    Unrelate {
        /// Which peer.
        peer: PeerId,
        /// Which room.
        room: RoomId,
    },
    /// Takes in somebody on another gateway, who is inside the room at once. With a leg that there is: the same seat, whose sound
    /// comes from elsewhere from now on.
    AddDistant {
        /// Its name.
        leg: LegId,
        /// From where its sound comes. A peer that is not there may be added later.
        peer: PeerId,
        /// In which stream, on that connection.
        ssrc: u32,
        /// Which room.
        room: RoomId,
    },
    /// By this SSRC the leg is sent to peers, in whatever room it is; without one it is not sent.
    Stream {
        /// Which leg: a telephone, a browser, or somebody on another gateway who is relayed.
        leg: LegId,
        /// No other leg's at the same time.
        ssrc: u32,
    },
    /// Who speaks, as the room's home has decided. The list is heard here, and while it is not full, whoever else is loud enough. Our own
    /// speakers are sent to peers in any case. With `None` we decide alone.
    Choose {
        /// Which room; with a list it is kept until there is none.
        room: RoomId,
        /// The list.
        chosen: Option<Vec<LegId>>,
    },
}

/// What the media thread tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key was pressed.
    Digit {
        /// On which leg.
        leg: LegId,
        /// Which.
        digit: Digit,
    },
    /// Something was typed on a phone.
    Typed {
        /// On which leg.
        leg: LegId,
        /// What.
        text: Typed,
        /// So many letters more were too many at once, and are lost.
        beyond: usize,
    },
    /// All clips of a [`Command::Play`] have been played.
    Played {
        /// To which leg.
        leg: LegId,
        /// Which play.
        id: u64,
    },
    /// Other people speak than before.
    Speaking {
        /// In which room.
        room: RoomId,
        /// Who does now.
        legs: Vec<LegId>,
    },
    /// Sound can pass between us and this browser.
    Connected {
        /// Which leg.
        leg: LegId,
    },
    /// How a leg fares, every five seconds or so.
    Quality {
        /// Which leg.
        leg: LegId,
        /// Since it began.
        quality: Quality,
    },
    /// A leg was removed.
    Over {
        /// Which leg.
        leg: LegId,
        /// How it fared.
        quality: Quality,
    },
    /// Sound can pass between us and another gateway, for the first time or again.
    PeerConnected {
        /// Which.
        peer: PeerId,
    },
    /// It sends checks from where it has nothing to do: they are not answered. Told once of each connection.
    PeerElsewhere {
        /// Which.
        peer: PeerId,
        /// From there.
        address: IpAddr,
    },
    /// It cannot, for three seconds or so, or never will: the key exchange failed. One that comes back by itself is connected again.
    PeerLost {
        /// Which.
        peer: PeerId,
    },
    /// How the line to another gateway fares, every five seconds or so: what was lost both ways, how unevenly it comes.
    PeerQuality {
        /// Which.
        peer: PeerId,
        /// Since it began.
        quality: Quality,
    },
    /// Nothing has come from this leg for too long: a phone's call is over; a browser may come back.
    Lost {
        /// Which leg.
        leg: LegId,
    },
}

/// How the thread fares, in numbers since its start.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Ticks.
    pub ticks: Arc<AtomicU64>,
    /// Ticks that began more than a whole tick late: sound was missing.
    pub missed_ticks: Arc<AtomicU64>,
    /// Events that nobody took in time.
    pub dropped_events: Arc<AtomicU64>,
    /// Legs now.
    pub legs: Arc<AtomicU64>,
    /// Datagrams that came, whatever became of them.
    pub received: Arc<AtomicU64>,
    /// Datagrams that were sent.
    pub sent: Arc<AtomicU64>,
}

/// The media thread is busier than its queue is long, or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the media thread takes no more commands")]
pub struct Full;

/// No leg could be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CannotAdd {
    /// See [`Full`].
    #[error(transparent)]
    Full(#[from] Full),
    /// See [`CodecError`].
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// The handle on the media thread. The thread ends when the last handle is dropped.
#[derive(Clone)]
pub struct Pool {
    commands: Sender<Command>,
    ports: Arc<Mutex<Vec<Ports>>>,
    figures: Figures,
    thread: Arc<Thread>,
}

struct Thread(Mutex<Option<JoinHandle<()>>>);

/// So many commands may wait: 200 callers who enter at once need four each.
const QUEUE: usize = 4_096;

impl Pool {
    /// Starts the thread. Events go to `events`.
    ///
    /// # Errors
    /// The operating system gives no thread, or the browsers' port is taken.
    pub fn start(config: &Config, events: mpsc::Sender<Event>) -> std::io::Result<Self> {
        let (commands, queue) = bounded(QUEUE);
        let figures = Figures::default();
        let port = port::Port::open(&config.browsers, figures.clone())?;
        let worker = thread::Worker::new(queue, events, figures.clone(), config.silence, crowd::Crowd::new(port));
        let thread = std::thread::Builder::new().name("media".to_owned()).spawn(move || worker.run())?;
        let ports = config.addresses.iter().map(|address| Ports::new(*address, config.ports.clone())).collect();
        let ports = Arc::new(Mutex::new(ports));
        Ok(Self { commands, ports, figures, thread: Arc::new(Thread(Mutex::new(Some(thread)))) })
    }

    /// A pool whose thread is gone.
    #[cfg(test)]
    pub(crate) fn gone() -> Self {
        let ports = Arc::new(Mutex::new(Vec::new()));
        let (commands, _) = bounded(1);
        Self { commands, ports, figures: Figures::default(), thread: Arc::new(Thread(Mutex::new(None))) }
    }

    /// Whether phone media is received at an address of this family.
    pub fn has(&self, family: Family) -> bool {
        self.ports.lock().is_ok_and(|ports| ports.iter().any(|ports| ports.family() == family))
    }

    /// Binds a pair of ports for one leg, at the address of a family.
    ///
    /// # Errors
    /// All are taken, or there is no such address.
    pub fn reserve_ports(&self, family: Family) -> Result<PortPair, NoPorts> {
        let mut ports = self.ports.lock().map_err(|_| NoPorts)?;
        ports.iter_mut().find(|ports| ports.family() == family).ok_or(NoPorts)?.reserve()
    }

    /// Makes a private leg of what was negotiated; if there are `networks`, it is at none of the addresses outside.
    ///
    /// # Errors
    /// The codec does not start, or the thread takes no more.
    pub fn add_phone(
        &self,
        leg: LegId,
        ports: PortPair,
        session: Session,
        networks: Option<Vec<Network>>,
        chance: [u8; 32],
    ) -> Result<(), CannotAdd> {
        let mut phone = Box::new(PhoneLeg::new(session, chance, clock::now())?);
        if let Some(networks) = networks {
            phone.take_from(networks);
        }
        Ok(self.send(Command::AddPhone { leg, ports, phone })?)
    }

    /// Queues a command; they are carried out in order.
    ///
    /// # Errors
    /// The queue is full.
    pub fn send(&self, command: Command) -> Result<(), Full> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Full,
        })
    }

    /// How it fares.
    pub const fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Ends the thread and waits for it.
    pub fn stop(self) {
        let Self { commands, thread, .. } = self;
        drop(commands);
        if let Ok(mut place) = thread.0.lock()
            && let Some(handle) = place.take()
        {
            let _ = handle.join();
        }
    }
}

fn count(figure: &AtomicU64) {
    figure.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
