//! In which order the addresses of a target are tried (RFC 3263 section 4). In: what DNS says. Out: next hops, the best first.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::words::{Host, Target, Transport};

/// Where a request can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The address.
    pub address: SocketAddr,
    /// How to get there.
    pub transport: Transport,
}

/// What SRV says (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// A lower one is tried first.
    pub priority: u16,
    /// Among those of one priority, how often it is chosen.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The name of the host; `.` says that there is no such service.
    pub host: String,
}

/// What NAPTR says (RFC 3403).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// A lower one counts alone.
    pub order: u16,
    /// Among those of one order, a lower one is tried first.
    pub preference: u16,
    /// `SIP+D2U` and so on.
    pub service: String,
    /// Which SRV to ask for.
    pub replacement: String,
}

/// The ways of RFC 3263 in the order in which we would choose: the safest first.
const WAYS: [Transport; 3] = [Transport::Tls, Transport::Tcp, Transport::Udp];

/// Ways that a target leaves open, and the trunk allows.
pub fn ways(target: &Target, allowed: &[Transport]) -> Vec<Transport> {
    let may = |way: &Transport| allowed.is_empty() || allowed.contains(way);
    match target.transport {
        Some(transport) => vec![transport],
        None => WAYS.into_iter().filter(may).collect(),
    }
}

/// The way that is meant where DNS knows of none: UDP (section 4.1), if the trunk allows it.
pub fn plain_way(ways: &[Transport]) -> Transport {
    if ways.contains(&Transport::Udp) { Transport::Udp } else { ways.first().copied().unwrap_or(Transport::Udp) }
}

/// Where the service of a host is asked for.
pub fn service_name(transport: Transport, host: &str) -> String {
    match transport {
        Transport::Udp => format!("_sip._udp.{host}"),
        Transport::Tcp => format!("_sip._tcp.{host}"),
        Transport::Tls => format!("_sips._tcp.{host}"),
    }
}

/// RFC 3261 section 19.1.2.
pub const fn usual_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
    }
}

/// The pointers that lead to one of these ways, each with the name of its service.
pub fn pointed(mut pointers: Vec<Pointer>, ways: &[Transport]) -> Vec<(Transport, String)> {
    pointers.sort_by_key(|pointer| (pointer.order, pointer.preference));
    let way = |pointer: &Pointer| {
        let way = match pointer.service.to_ascii_uppercase().as_str() {
            "SIP+D2U" => Transport::Udp,
            "SIP+D2T" => Transport::Tcp,
            "SIPS+D2T" => Transport::Tls,
            _ => return None,
        };
        ways.contains(&way).then_some(way)
    };
    let usable: Vec<_> = pointers.into_iter().filter_map(|pointer| Some((way(&pointer)?, pointer))).collect();
    // RFC 3403 section 4.1: once one fits, those of another order are not looked at.
    let order = usable.first().map(|(_, pointer)| pointer.order);
    let of_that_order = usable.into_iter().filter(|(_, pointer)| Some(pointer.order) == order);
    of_that_order.map(|(way, pointer)| (way, pointer.replacement)).collect()
}

/// The services in the order in which they are tried (RFC 2782). `chance` gives a number below the one that it is given.
pub fn in_order(mut services: Vec<Service>, mut chance: impl FnMut(u32) -> u32) -> Vec<Service> {
    services.retain(|service| service.host != "." && !service.host.is_empty());
    // Those without weight come first into the lot, so that they can be drawn at all.
    services.sort_by_key(|service| (service.priority, service.weight > 0));
    let mut ordered = Vec::with_capacity(services.len());
    while let Some(priority) = services.first().map(|service| service.priority) {
        let end = services.partition_point(|service| service.priority == priority);
        let mut lot: Vec<Service> = services.drain(..end).collect();
        while !lot.is_empty() {
            let sum: u32 = lot.iter().map(|service| u32::from(service.weight)).sum();
            let mut drawn = chance(sum.saturating_add(1));
            let at = lot.iter().position(|service| {
                let is_it = drawn <= u32::from(service.weight);
                drawn = drawn.saturating_sub(u32::from(service.weight));
                is_it
            });
            ordered.push(lot.remove(at.unwrap_or(0)));
        }
    }
    ordered
}

/// What may be called of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hops {
    /// In the order in which they are tried.
    pub to_try: Vec<Hop>,
    /// Addresses that lie in none of the trunk's networks: never called.
    pub outside: Vec<IpAddr>,
}

impl Hops {
    /// Sorts out what lies elsewhere, and what comes twice.
    pub fn within(found: Vec<Hop>, networks: &[IpNet]) -> Self {
        let mut hops = Self::default();
        for hop in found {
            let ip = hop.address.ip().to_canonical();
            if !networks.iter().any(|network| network.contains(&ip)) {
                if !hops.outside.contains(&ip) {
                    hops.outside.push(ip);
                }
            } else if !hops.to_try.contains(&hop) && hops.to_try.len() < MOST {
                hops.to_try.push(hop);
            }
        }
        hops
    }

    /// The one hop of a target that needs no DNS.
    pub fn of_address(target: &Target) -> Option<Hop> {
        let Host::Address(address) = target.host else { return None };
        let transport = target.known_transport()?;
        Some(Hop { address: SocketAddr::new(address, target.port.unwrap_or(usual_port(transport))), transport })
    }
}

/// So many addresses of one target are tried; each may cost half a minute.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(text: &str) -> Target {
        text.parse().expect("a target")
    }

    fn service(priority: u16, weight: u16, host: &str) -> Service {
        Service { priority, weight, port: 5060, host: host.to_owned() }
    }

    fn hosts(services: &[Service]) -> Vec<&str> {
        services.iter().map(|service| service.host.as_str()).collect()
    }

    #[test]
    fn a_lower_priority_comes_first_and_weight_decides_how_often_within_it() {
        let services =
            vec![service(20, 0, "last"), service(10, 0, "never"), service(10, 9, "often"), service(10, 1, "seldom")];
        let drawn = |at: u32| in_order(services.clone(), move |sum| at.min(sum - 1));
        assert_eq!(hosts(&drawn(0)), ["never", "often", "seldom", "last"], "one without weight can be drawn, too");
        assert_eq!(hosts(&drawn(5))[0], "often");
        assert_eq!(hosts(&drawn(10))[0], "seldom");
        let mut seed = 1_u32;
        let mut first = 0;
        for _ in 0..1_000 {
            let order = in_order(services.clone(), |sum| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) % sum
            });
            first += u32::from(order[0].host == "often");
        }
        assert!((750..=880).contains(&first), "9 of 11: {first}");
    }

    #[test]
    fn a_service_that_is_denied_gives_no_hop() {
        assert_eq!(in_order(vec![service(0, 0, ".")], |_| 0), []);
    }

    #[test]
    fn only_pointers_that_lead_to_an_allowed_way_count_and_of_the_best_order() {
        let pointer = |order, preference, service: &str| Pointer {
            order,
            preference,
            service: service.to_owned(),
            replacement: format!("{service}.example"),
        };
        let pointers = vec![
            pointer(20, 1, "SIP+D2U"),
            pointer(10, 5, "sip+d2t"),
            pointer(10, 1, "SIPS+D2T"),
            pointer(1, 1, "E2U+sip"),
        ];
        let all = pointed(pointers.clone(), &WAYS);
        assert_eq!(all.iter().map(|(way, _)| *way).collect::<Vec<_>>(), [Transport::Tls, Transport::Tcp]);
        assert_eq!(pointed(pointers, &[Transport::Udp]), [(Transport::Udp, String::from("SIP+D2U.example"))]);
    }

    #[test]
    fn what_the_trunk_does_not_allow_is_no_way() {
        assert_eq!(ways(&target("sip:a.example"), &[Transport::Udp, Transport::Tls]), [Transport::Tls, Transport::Udp]);
        assert_eq!(ways(&target("sip:a.example;transport=tcp"), &[]), [Transport::Tcp]);
        assert_eq!(plain_way(&[Transport::Tls]), Transport::Tls);
        assert_eq!(plain_way(&WAYS), Transport::Udp);
    }

    #[test]
    fn an_address_outside_of_the_networks_is_never_tried() {
        let hop = |address: &str| Hop { address: address.parse().expect("an address"), transport: Transport::Udp };
        let found =
            vec![hop("192.0.2.1:5060"), hop("127.0.0.1:5060"), hop("192.0.2.1:5060"), hop("[::ffff:192.0.2.9]:5060")];
        let hops = Hops::within(found, &["192.0.2.0/24".parse().expect("a network")]);
        assert_eq!(hops.to_try, [hop("192.0.2.1:5060"), hop("[::ffff:192.0.2.9]:5060")]);
        assert_eq!(hops.outside, ["127.0.0.1".parse::<IpAddr>().expect("an address")]);
    }

    #[test]
    fn an_address_needs_no_dns() {
        let hop = |text: &str| Hops::of_address(&target(text)).map(|hop| (hop.address.to_string(), hop.transport));
        assert_eq!(hop("sip:192.0.2.1"), Some((String::from("192.0.2.1:5060"), Transport::Udp)));
        assert_eq!(hop("sips:[2001:db8::1]"), Some((String::from("[2001:db8::1]:5061"), Transport::Tls)));
        assert_eq!(hop("sip:a.example:5060"), None);
    }

    proptest! {
        #[test]
        fn every_service_is_tried_once_and_by_its_priority(
            weights in proptest::collection::vec((0_u16..4, any::<u16>()), 0..12), seed: u32,
        ) {
            let services: Vec<_> = weights.iter().enumerate().map(|(at, (p, w))| service(*p, *w, &format!("h{at}"))).collect();
            let mut seed = seed;
            let ordered = in_order(services.clone(), |sum| { seed = seed.wrapping_mul(69_069).wrapping_add(1); seed % sum });
            prop_assert_eq!(ordered.len(), services.len());
            prop_assert!(ordered.windows(2).all(|pair| pair[0].priority <= pair[1].priority));
            let mut names = hosts(&ordered);
            names.sort_unstable();
            names.dedup();
            prop_assert_eq!(names.len(), services.len());
        }
    }
}
