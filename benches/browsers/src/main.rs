//! What browsers cost: 100 connections in one room with three speakers, on loopback, beside str0m forwarding the same packets
//! in the same run.
//!
//! Every connection is real: ICE, DTLS-SRTP and Opus, its microphone open, a packet every 20 ms with its level (RFC 6464).
//! The load is made here by str0m as the client; each server is a process of its own, so that neither its CPU time nor its
//! memory contains the load's. Servers take turns. A packet counts as forwarded when it has arrived and was decrypted.

mod figures;
mod gateway;
mod load;
mod reference;
mod server;

use std::process::ExitCode;

use server::Server;

/// Connections in the room, and how many of them speak.
const CONNECTIONS: usize = 100;
const SPEAKERS: usize = 3;
const ROUNDS: usize = 3;

/// What one server needed.
#[derive(Clone, Copy)]
struct Cost {
    micros_per_packet: f64,
    kib_per_connection: f64,
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("serve-gateway") => gateway::serve(),
        Some("serve-str0m") => reference::serve(),
        Some(_) | None => return compare(),
    }
    ExitCode::SUCCESS
}

/// Runs both in turns. Fails if the gateway needs more CPU than str0m, or more memory than a connection may have.
fn compare() -> ExitCode {
    println!("{CONNECTIONS} browsers in one room, {SPEAKERS} of them speak; server's thread and memory only");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        for (role, costs) in [("serve-gateway", &mut ours), ("serve-str0m", &mut theirs)] {
            let cost = measure(role);
            println!(
                "round {round}  {role:<14} {:6.2} us of CPU per packet forwarded  {:4.0} KiB per connection",
                cost.micros_per_packet, cost.kib_per_connection
            );
            costs.push(cost);
        }
    }
    let (our_cpu, their_cpu) = (median(&ours, |cost| cost.micros_per_packet), median(&theirs, |cost| cost.micros_per_packet));
    let memory = median(&ours, |cost| cost.kib_per_connection);
    println!(
        "median   einwahl {our_cpu:.2} us, str0m {their_cpu:.2} us: ratio {:.2}   einwahl {memory:.0} KiB, str0m {:.0} KiB per connection",
        our_cpu / their_cpu,
        median(&theirs, |cost| cost.kib_per_connection),
    );
    if our_cpu > their_cpu || memory > 250.0 {
        println!("WRONG: at most str0m's CPU time, and at most 250 KiB per connection");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn measure(role: &str) -> Cost {
    let mut server = Server::start(role);
    let empty = server.figures();
    let mut load = load::Load::connect(&mut server, CONNECTIONS, SPEAKERS);
    load.talks(load::WARM_UP);
    let (before, heard) = (server.figures(), load.heard());
    load.talks(load::MEASURED);
    let after = server.figures();
    let heard = load.heard() - heard;
    let expected = load::expected(CONNECTIONS, SPEAKERS);
    assert!(heard > expected * 9 / 10, "{role}: {heard} packets of about {expected} arrived");
    Cost {
        micros_per_packet: (after.cpu_nanos - before.cpu_nanos) as f64 / 1e3 / heard as f64,
        kib_per_connection: after.rss_kib.saturating_sub(empty.rss_kib) as f64 / CONNECTIONS as f64,
    }
}

fn median(costs: &[Cost], figure: impl Fn(&Cost) -> f64) -> f64 {
    let mut figures: Vec<f64> = costs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
