//! What the benches measure with.
#![allow(dead_code, reason = "each bench takes what it needs")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};

/// Sockets on loopback that do not wait.
pub fn sockets(count: usize) -> Vec<UdpSocket> {
    (0..count)
        .map(|_| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
            socket.set_nonblocking(true).expect("a socket that does not wait");
            socket
        })
        .collect()
}

/// The threads of this process with this name.
pub fn threads_named(name: &str) -> BTreeSet<u64> {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux");
    let is_named = |thread: &std::fs::DirEntry| {
        std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    threads.flatten().filter(is_named).filter_map(|thread| thread.file_name().to_str()?.parse().ok()).collect()
}

/// CPU time of a thread of this process, in nanoseconds.
pub fn cpu_of_thread(thread: u64) -> u64 {
    let figures = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).unwrap_or_default();
    figures.split(' ').next().and_then(|on_cpu| on_cpu.parse().ok()).unwrap_or(0)
}

/// CPU time of all threads with this name, in nanoseconds.
pub fn cpu_of(name: &str) -> u64 {
    threads_named(name).into_iter().map(cpu_of_thread).sum()
}
