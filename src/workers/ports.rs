//! Ports for phone media. In: a range. Out: pairs of bound sockets, RTP on an even port and RTCP above it (RFC 3550
//! section 11).

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::Range;

use crate::words::Family;

/// The sockets of one leg.
#[derive(Debug)]
pub struct PortPair {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    address: SocketAddr,
}

impl PortPair {
    /// Where RTP is received; RTCP one port above.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Every pair in the range is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no pair of media ports is free: widen the range, or look for calls that never end")]
pub struct NoPorts;

#[derive(Debug)]
pub(super) struct Ports {
    address: IpAddr,
    range: Range<u16>,
    /// The next to be tried: a port rests before it is used again, so that late packets meet nobody.
    next: u16,
}

impl Ports {
    pub(super) fn new(address: IpAddr, range: Range<u16>) -> Self {
        let start = range.start.saturating_add(range.start % 2);
        Self { address, range: start..range.end, next: start }
    }

    pub(super) fn family(&self) -> Family {
        Family::of(self.address)
    }

    pub(super) fn reserve(&mut self) -> Result<PortPair, NoPorts> {
        for _ in 0..self.range.len() / 2 {
            let port = self.next;
            let after = port.saturating_add(2);
            self.next = if after.saturating_add(1) < self.range.end { after } else { self.range.start };
            if let Ok(pair) = bind(self.address, port) {
                return Ok(pair);
            }
        }
        Err(NoPorts)
    }
}

#[allow(clippy::disallowed_methods, reason = "media workers open media sockets")]
fn bind(address: IpAddr, port: u16) -> std::io::Result<PortPair> {
    let rtp = UdpSocket::bind((address, port))?;
    let rtcp = UdpSocket::bind((address, port.saturating_add(1)))?;
    rtp.set_nonblocking(true)?;
    rtcp.set_nonblocking(true)?;
    super::stamp::ask_for_stamps(&rtcp);
    Ok(PortPair { rtp, rtcp, address: SocketAddr::new(address, port) })
}
