//! What `Dial` is told: `SIP/2001&PJSIP/2002@carrier,20,tr`. In: that. Out: telephones and the trunks that lead to them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Options;
use super::super::quote::named;
use super::read::arguments;
use super::tree::Callee;
use crate::dialplan::is_callee;
use crate::words::TrunkName;

/// A telephone, or another place of the dialplan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Device {
    Telephone(Callee),
    /// `Local/2001@amt`
    Local {
        number: String,
        context: String,
    },
}

/// What `Dial` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dial {
    /// Each, or the text of what is none.
    pub(super) devices: Vec<Result<Device, String>>,
    /// Without one it rings as long as the caller waits.
    pub(super) seconds: Option<u64>,
    /// Options that change what people notice.
    pub(super) options: String,
}

/// What rings, is passed on or is only for the log; we do it anyway, or nobody misses it.
const HARMLESS: &str = "trRTkKwWhHxXiIcgeEfFzm";

pub(super) fn read(args: &str, options: &Options) -> Dial {
    let mut args = arguments(args).into_iter();
    let devices = args.next().unwrap_or_default();
    let seconds =
        args.next().and_then(|seconds| seconds.split('^').next().and_then(|seconds| seconds.trim().parse().ok()));
    let mut depth = 0_u32;
    let mut odd: BTreeSet<char> = BTreeSet::new();
    for c in args.next().unwrap_or_default().chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 && c.is_ascii_alphabetic() && !HARMLESS.contains(c) => drop(odd.insert(c)),
            _ => {}
        }
    }
    let device = |text: &str| device(text.trim(), options).ok_or_else(|| text.trim().to_owned());
    let devices = devices.split('&').filter(|text| !text.trim().is_empty()).map(device).collect();
    Dial { devices, seconds, options: odd.into_iter().collect() }
}

/// `SIP/2001`, `PJSIP/2001@carrier`, `SIP/carrier/2001`, `DAHDI/g1/2001`, `Local/2001@amt/n`.
fn device(text: &str, options: &Options) -> Option<Device> {
    let (kind, rest) = text.split_once('/')?;
    let kind = kind.trim().to_ascii_uppercase();
    if kind == "LOCAL" {
        let (number, context) = rest.split_once('@')?;
        let context = context.split('/').next().unwrap_or_default();
        return Some(Device::Local { number: number.to_owned(), context: context.to_owned() });
    }
    let (user, peer) = match kind.as_str() {
        "SIP" | "PJSIP" | "IAX2" | "IAX" | "SCCP" | "H323" | "OOH323" => match rest.split_once('/') {
            Some((peer, address)) => {
                // `PJSIP/carrier/sip:2001@host`
                let address = address.strip_prefix("sip:").unwrap_or(address);
                (address.split('@').next().unwrap_or(address), Some(host(peer)))
            }
            None => match rest.split_once('@') {
                Some((user, peer)) => (user, Some(host(peer))),
                None => (rest, None),
            },
        },
        // A line, or a group of them, and the number that is dialled there.
        "DAHDI" | "ZAP" | "MISDN" | "CAPI" | "KHOMP" | "DONGLE" => {
            let (line, number) = rest.split_once('/')?;
            (number, Some(line))
        }
        _ => return None,
    };
    let trunk = match peer {
        None => options.trunk.clone(),
        Some(peer) => trunk_of(peer, &options.peers)?,
    };
    let user: String = user.chars().filter(|c| !c.is_whitespace() && *c != '#').collect();
    is_callee(&user).then_some(Device::Telephone(Callee { user, trunk }))
}

/// Without a name and a password before it, and a port behind it.
fn host(peer: &str) -> &str {
    let peer = peer.rsplit('@').next().unwrap_or(peer);
    peer.split([':', '/']).next().unwrap_or(peer)
}

/// The trunk that stands for a peer of the source.
pub(super) fn trunk_of(peer: &str, peers: &BTreeMap<String, TrunkName>) -> Option<TrunkName> {
    peers.get(peer).cloned().or_else(|| named(peer).parse().ok().filter(|_| !peer.is_empty() && !peer.contains('{')))
}

#[cfg(test)]
mod tests {
    use super::super::super::stories::options;
    use super::*;

    #[test]
    fn telephones_are_found_by_the_trunks_that_lead_to_them() {
        for (args, expected) in [
            ("SIP/2001,20,tr", "2001@pbx 20 "),
            ("PJSIP/2001&PJSIP/2002", "2001@pbx 2002@pbx - "),
            ("SIP/2001@sip.carrier.example,30", "2001@sip-carrier-example 30 "),
            ("SIP/carrier/+493012345,60,L(60000)", "+493012345@carrier 60 L"),
            ("PJSIP/{called:1}@Amt", "{called:1}@haus-2 - "),
            ("PJSIP/carrier/sip:2001@192.0.2.1:5060", "2001@carrier - "),
            ("IAX2/user:secret@hub/2001", "2001@hub - "),
            ("DAHDI/g1/{called}", "{called}@g1 - "),
            ("Local/2001@amt/n,10", "Local 2001 amt 10 "),
            ("DAHDI/1&Console/dsp", "?DAHDI/1 ?Console/dsp - "),
            ("", "- "),
        ] {
            let Dial { devices, seconds, options } = read(args, &options());
            let mut told = String::new();
            for device in devices {
                told.push_str(&match device {
                    Ok(Device::Telephone(callee)) => format!("{}@{} ", callee.user, callee.trunk),
                    Ok(Device::Local { number, context }) => format!("Local {number} {context} "),
                    Err(text) => format!("?{text} "),
                });
            }
            told.push_str(&format!("{} {options}", seconds.map_or(String::from("-"), |seconds| seconds.to_string())));
            assert_eq!(told, expected, "{args}");
        }
    }
}
