//! When a datagram came, by the kernel's clock (`SO_TIMESTAMPNS`): round trips are measured by reports, and those wait in their
//! socket for a tick or some.

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;

use super::clock;

/// From now on the kernel notes when datagrams come. Where it cannot, they come when they are read.
pub(super) fn ask_for_stamps(socket: &UdpSocket) {
    // Round trips are then some ticks too long.
    let _ = setsockopt(socket, ReceiveTimestampns, &true);
}

/// One moment by our clock and by that of the stamps.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    now: Instant,
    since_1970: Duration,
}

impl Moment {
    /// This one.
    pub(super) fn now() -> Self {
        Self { now: clock::now(), since_1970: clock::since_1970() }
    }
}

/// Reads datagrams with the moment at which each came.
pub(super) struct Reader {
    control: Vec<u8>,
    buffer: Box<[u8]>,
}

impl Reader {
    /// For datagrams up to so many bytes.
    pub(super) fn new(longest: usize) -> Self {
        Self { control: cmsg_space!(TimeSpec), buffer: vec![0; longest].into() }
    }

    /// The next datagram; `None` if none is there, or an ICMP answer to what we sent. `moment` is about now.
    pub(super) fn read(&mut self, socket: &UdpSocket, moment: Moment) -> Option<(&[u8], SocketAddr, Instant)> {
        let mut parts = [IoSliceMut::new(&mut self.buffer)];
        let came =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut self.control), MsgFlags::MSG_DONTWAIT);
        let came = came.ok()?;
        let from = came.address.as_ref().and_then(address)?;
        let stamp = came.cmsgs().ok().and_then(|mut notes| notes.find_map(stamp));
        let length = came.bytes;
        let waited = stamp.map_or(Duration::ZERO, |stamp| moment.since_1970.saturating_sub(stamp));
        Some((self.buffer.get(..length)?, from, moment.now.checked_sub(waited).unwrap_or(moment.now)))
    }
}

fn stamp(note: ControlMessageOwned) -> Option<Duration> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "the list of another crate; we asked for one kind")]
    match note {
        ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
        _ => None,
    }
}

fn address(from: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = from.as_sockaddr_in().map(|v4| SocketAddr::new(v4.ip().into(), v4.port()));
    v4.or_else(|| from.as_sockaddr_in6().map(|v6| SocketAddr::new(v6.ip().into(), v6.port())))
}
