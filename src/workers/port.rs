//! The one port that all browsers and other gateways share, with UDP and with TCP (RFC 6544, framed as in RFC 4571). In: datagrams and where
//! they came from. Out: datagrams. Nothing here blocks.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::stamp::{Moment, Reader, ask_for_stamps};
use super::{Figures, count};
use crate::connection::{Path, Via};

/// TCP connections at once; a further one is closed.
const MOST_STREAMS: usize = 512;

/// A connection that has not shown in this time that it belongs to a browser is closed.
const TIME_TO_PROVE: Duration = Duration::from_secs(10);

/// Bytes that may wait for a slow connection; then whole datagrams are dropped.
const MOST_WAITING: usize = 64 * 1_024;

/// The longest datagram that is taken.
const LONGEST: usize = 2_048;

pub(super) struct Port {
    sockets: Vec<(UdpSocket, Batch)>,
    listeners: Vec<TcpListener>,
    streams: BTreeMap<u64, Stream>,
    last_stream: u64,
    reader: Reader,
    buffer: Box<[u8; LONGEST]>,
    figures: Figures,
}

struct Stream {
    socket: TcpStream,
    peer: SocketAddr,
    since: Instant,
    /// A check with the right password came over it.
    proven: bool,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    broken: bool,
}

impl Port {
    /// Opens it at each address.
    #[allow(clippy::disallowed_methods, reason = "media workers open media sockets")]
    pub(super) fn open(addresses: &[SocketAddr], figures: Figures) -> std::io::Result<Self> {
        let named = |address: &SocketAddr| {
            let address = *address;
            move |error: std::io::Error| std::io::Error::new(error.kind(), format!("{address} (browsers): {error}"))
        };
        let (mut sockets, mut listeners) = (Vec::new(), Vec::new());
        for address in addresses {
            let socket = UdpSocket::bind(address).map_err(named(address))?;
            socket.set_nonblocking(true)?;
            ask_for_stamps(&socket);
            sockets.push((socket, Batch::default()));
            let listener = TcpListener::bind(address).map_err(named(address))?;
            listener.set_nonblocking(true)?;
            listeners.push(listener);
        }
        let (streams, reader, buffer) = (BTreeMap::new(), Reader::new(LONGEST), Box::new([0; LONGEST]));
        Ok(Self { sockets, listeners, streams, last_stream: 0, reader, buffer, figures })
    }

    /// Calls `take` with each datagram that has come, and when it did, `most` at a time.
    pub(super) fn receive(&mut self, most: usize, now: Instant, mut take: impl FnMut(&[u8], Path, Instant)) {
        let received = self.figures.received.clone();
        let mut take = |datagram: &[u8], path: Path, came: Instant| {
            count(&received);
            take(datagram, path, came);
        };
        let moment = Moment::now();
        for (number, (socket, _)) in self.sockets.iter().enumerate() {
            for _ in 0..most {
                let Some((datagram, peer, came)) = self.reader.read(socket, moment) else { break };
                take(datagram, Path { peer, via: Via::Udp(number) }, came);
            }
        }
        self.accept(now);
        for (number, stream) in &mut self.streams {
            let take = &mut |datagram: &[u8], path: Path| take(datagram, path, now);
            stream.receive(Via::Tcp(*number), self.buffer.as_mut_slice(), take);
        }
        self.streams.retain(|_, stream| stream.is_alive(now));
    }

    /// Sends, at the latest at the next [`Self::flush`]; what cannot be sent then is not worth sending later.
    pub(super) fn send(&mut self, datagram: &[u8], path: Path) {
        count(&self.figures.sent);
        match path.via {
            Via::Udp(number) => {
                if let Some((socket, batch)) = self.sockets.get_mut(number) {
                    batch.push(datagram, path.peer, socket);
                }
            }
            Via::Tcp(number) => {
                if let Some(stream) = self.streams.get_mut(&number) {
                    stream.send(datagram);
                }
            }
        }
    }

    /// The ways from here to an address: from each of our sockets of its family.
    pub(super) fn ways_to(&self, peer: SocketAddr) -> Vec<Path> {
        let ours = |socket: &UdpSocket| socket.local_addr().is_ok_and(|ours| ours.is_ipv4() == peer.is_ipv4());
        let numbered = self.sockets.iter().enumerate().filter(|(_, (socket, _))| ours(socket));
        numbered.map(|(number, _)| Path { peer, via: Via::Udp(number) }).collect()
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self) {
        for (socket, batch) in &mut self.sockets {
            batch.flush(socket);
        }
    }

    /// This way a browser has shown that it is one.
    pub(super) fn prove(&mut self, via: Via) {
        if let Via::Tcp(number) = via
            && let Some(stream) = self.streams.get_mut(&number)
        {
            stream.proven = true;
        }
    }

    fn accept(&mut self, now: Instant) {
        for listener in &self.listeners {
            for _ in 0..16 {
                let Ok((socket, peer)) = listener.accept() else { break };
                if self.streams.len() >= MOST_STREAMS || socket.set_nonblocking(true).is_err() {
                    continue;
                }
                // Without it the kernel would hold small packets back; with it failing, sound is only later.
                let _ = socket.set_nodelay(true);
                self.last_stream += 1;
                let (incoming, outgoing) = (Vec::new(), Vec::new());
                let stream = Stream { socket, peer, since: now, proven: false, incoming, outgoing, broken: false };
                self.streams.insert(self.last_stream, stream);
            }
        }
    }
}

impl Stream {
    fn is_alive(&self, now: Instant) -> bool {
        !self.broken && (self.proven || now.saturating_duration_since(self.since) < TIME_TO_PROVE)
    }

    fn receive(&mut self, via: Via, buffer: &mut [u8], take: &mut impl FnMut(&[u8], Path)) {
        for _ in 0..16 {
            match self.socket.read(buffer) {
                Ok(0) => self.broken = true,
                Ok(length) => {
                    self.incoming.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    self.unframe(via, take);
                    continue;
                }
                Err(error) => self.broken |= error.kind() != ErrorKind::WouldBlock,
            }
            break;
        }
        self.flush();
    }

    /// Two bytes of length before each datagram (RFC 4571 section 2).
    fn unframe(&mut self, via: Via, take: &mut impl FnMut(&[u8], Path)) {
        let mut start = 0;
        while let Some(&[l0, l1]) = self.incoming.get(start..).and_then(|rest| rest.first_chunk::<2>()) {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            if length > LONGEST {
                self.broken = true;
                break;
            }
            let Some(datagram) = self.incoming.get(start + 2..start + 2 + length) else { break };
            take(datagram, Path { peer: self.peer, via });
            start += 2 + length;
        }
        self.incoming.drain(..start);
    }

    fn send(&mut self, datagram: &[u8]) {
        let Ok(length) = u16::try_from(datagram.len()) else { return };
        if self.outgoing.len() + datagram.len() + 2 <= MOST_WAITING {
            self.outgoing.extend_from_slice(&length.to_be_bytes());
            self.outgoing.extend_from_slice(datagram);
        }
        self.flush();
    }

    fn flush(&mut self) {
        while !self.outgoing.is_empty() && !self.broken {
            match self.socket.write(&self.outgoing) {
                Ok(0) => self.broken = true,
                Ok(sent) => drop(self.outgoing.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.broken = true,
            }
        }
    }
}
