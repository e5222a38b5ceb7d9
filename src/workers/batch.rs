//! Datagrams of one socket that leave together: one system call for many (sendmmsg). In: datagrams. Out: the same, when the
//! batch is full or the tick ends.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;

use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg as _;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

/// So many datagrams leave at once; none waits for more than these.
const MOST: usize = 64;

/// See the module. Its memory is kept from tick to tick.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    waiting: Vec<(Range<usize>, SocketAddrAny)>,
}

impl Batch {
    /// Takes a datagram; sends all if that makes the batch full.
    pub(super) fn push(&mut self, datagram: &[u8], target: SocketAddr, socket: &UdpSocket) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(datagram);
        self.waiting.push((start..self.bytes.len(), target.as_any()));
        if self.waiting.len() >= MOST {
            self.flush(socket);
        }
    }

    /// Sends all. What cannot be sent now is not worth sending later.
    pub(super) fn flush(&mut self, socket: &UdpSocket) {
        if self.waiting.is_empty() {
            return;
        }
        let parts: Vec<[IoSlice<'_>; 1]> = self
            .waiting
            .iter()
            .map(|(range, _)| [IoSlice::new(self.bytes.get(range.clone()).unwrap_or_default())])
            .collect();
        let mut nothing: Vec<SendAncillaryBuffer<'_, '_, '_>> = Vec::new();
        nothing.resize_with(parts.len(), SendAncillaryBuffer::default);
        let mut messages: Vec<MMsgHdr<'_>> = self
            .waiting
            .iter()
            .zip(&parts)
            .zip(&mut nothing)
            .map(|(((_, target), part), nothing)| MMsgHdr::new_with_addr(target, part, nothing))
            .collect();
        let mut rest = messages.as_mut_slice();
        while !rest.is_empty() {
            let done = match sendmmsg(socket, rest, SendFlags::empty()) {
                Ok(count) => count.max(1),
                // The socket's buffer is full.
                Err(Errno::AGAIN) => break,
                // The first cannot go where it should: the others may.
                Err(_) => 1,
            };
            rest = rest.get_mut(done..).unwrap_or_default();
        }
        drop(messages);
        self.waiting.clear();
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn socket() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
        let here = socket.local_addr().expect("bound");
        (socket, here)
    }

    #[test]
    fn every_datagram_arrives_whole_where_it_should_though_one_cannot_be_sent() {
        let ((from, _), (one, to_one), (other, to_other)) = (socket(), socket(), socket());
        let mut batch = Batch::default();
        // Port 0 is no target, and IPv6 none for this socket.
        for bad in [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "[::1]:9".parse().expect("an address")] {
            batch.push(b"lost", bad, &from);
        }
        for number in 0..100_u8 {
            let target = if number % 2 == 0 { to_one } else { to_other };
            batch.push(&vec![number; usize::from(number) + 1], target, &from);
        }
        batch.flush(&from);
        let mut datagram = [0; 200];
        for number in 0..100_u8 {
            let socket = if number % 2 == 0 { &one } else { &other };
            let length = socket.recv(&mut datagram).expect("a datagram");
            assert_eq!(datagram[..length], vec![number; usize::from(number) + 1]);
        }
    }
}
