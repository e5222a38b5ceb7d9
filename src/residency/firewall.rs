//! The same rules for the kernel's firewall. In: where something may go. Out: a file for `nft -f`.
//!
//! A second fence: what the gateway refuses by itself cannot leave the machine either, whoever starts it.

use std::fmt::Write as _;

use super::processor::Purpose;
use super::report::{Permitted, Report};

/// A table that lets the account `user` open connections to declared processors in the EEA, members and trunks alone. Answers to those who
/// came to us, and loopback, are free.
pub fn nftables(report: &Report, user: &str) -> String {
    let mut text = String::from(
        "#!/usr/sbin/nft -f\n# Made by `einwahl residency nftables`: make it anew when [[processors]], [[trunks]] or the registry of members change.\n\n",
    );
    text.push_str("table inet einwahl\ndelete table inet einwahl\ntable inet einwahl {\n\tchain output {\n");
    text.push_str("\t\ttype filter hook output priority filter; policy accept;\n");
    // Writing to a String does not fail.
    let _ = writeln!(text, "\t\tmeta skuid != \"{}\" accept", user.replace(['"', '\n', '\\'], ""));
    text.push_str("\t\toifname \"lo\" accept\n\t\tct state established,related accept\n");
    report.permitted.iter().for_each(|one| rules(&mut text, one));
    text.push_str("\t\tcounter log prefix \"einwahl refused: \" reject with icmpx admin-prohibited\n\t}\n}\n");
    text
}

fn rules(text: &mut String, one: &Permitted) {
    let purposes: Vec<&str> = one.purposes.iter().map(|purpose| purpose.name()).collect();
    let whom: String = one.whom.chars().filter(|c| c.is_alphanumeric() || " -.".contains(*c)).collect();
    // nft takes 128 bytes.
    let comment: String = format!("{whom}: {}", purposes.join(" ")).chars().take(60).collect();
    for network in one.networks.iter().filter(|network| !network.0.addr().is_loopback()) {
        let family = if network.0.addr().is_ipv4() { "ip" } else { "ip6" };
        for ports in one.purposes.iter().map(|purpose| ports(*purpose)) {
            let _ = writeln!(text, "\t\t{family} daddr {network} {ports} accept comment \"{comment}\"");
        }
    }
}

/// What a purpose needs. Trunks and members send media too, from and to any port.
const fn ports(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Trunk | Purpose::Member | Purpose::Turn => "meta l4proto { tcp, udp }",
        Purpose::Registry | Purpose::Oidc | Purpose::Webhook | Purpose::Telemetry => "meta l4proto tcp",
        Purpose::Smtp => "tcp dport { 25, 465, 587 }",
        Purpose::Dns => "meta l4proto { tcp, udp } th dport { 53, 853 }",
        Purpose::Ntp => "udp dport { 123, 4460 }",
    }
}
