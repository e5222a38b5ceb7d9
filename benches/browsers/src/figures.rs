//! What a server's process has used so far, as the kernel counts it.

use std::fs::{read_dir, read_to_string};

#[derive(Clone, Copy)]
pub struct Figures {
    pub cpu_nanos: u64,
    pub rss_kib: u64,
}

impl Figures {
    /// CPU time of the threads with this name, and the memory of the whole process.
    pub fn of(thread: &str) -> Self {
        Self { cpu_nanos: cpu(thread), rss_kib: memory() }
    }
}

fn cpu(name: &str) -> u64 {
    let threads = read_dir("/proc/self/task").expect("Linux").flatten();
    threads
        .filter(|thread| read_to_string(thread.path().join("comm")).is_ok_and(|comm| comm.trim() == name))
        .filter_map(|thread| {
            let figures = read_to_string(thread.path().join("schedstat")).ok()?;
            figures.split(' ').next()?.parse::<u64>().ok()
        })
        .sum()
}

fn memory() -> u64 {
    let status = read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a figure");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
