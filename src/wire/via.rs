//! The way that a request has come (RFC 3261 section 20.42), and how its answer finds back (sections 18.2.1 and 18.2.2,
//! RFC 3581).

use std::net::IpAddr;

use super::split::split_outside;
use super::{Origin, uri};

/// One hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Via {
    transport: String,
    sent_by: String,
    parameters: Vec<String>,
}

impl Via {
    /// Reads all hops of one header field.
    pub fn read_list(text: &str) -> Option<Vec<Self>> {
        split_outside(text, ',')?.into_iter().map(Self::read).collect()
    }

    fn read(text: &str) -> Option<Self> {
        let parts = split_outside(text, ';')?;
        let (first, rest) = parts.split_first()?;
        let mut protocol = first.splitn(3, '/').map(str::trim);
        let (name, version, rest_of_it) = (protocol.next()?, protocol.next()?, protocol.next()?);
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return None;
        }
        let (transport, sent_by) = rest_of_it.split_once(char::is_whitespace)?;
        let sent_by: String = sent_by.split_whitespace().collect();
        if transport.is_empty() || !uri::is_host_and_port(&sent_by) {
            return None;
        }
        Some(Self { transport: transport.to_owned(), sent_by, parameters: uri::parameters(rest)? })
    }

    /// The branch, if there is one.
    pub fn branch(&self) -> Option<&str> {
        self.value("branch")
    }

    /// Notes where the request really came from. Behind a translator of addresses the port counts too, asked or not; a
    /// system that sends from another port than it listens at is answered where it listens.
    pub fn stamp(&mut self, from: &Origin) {
        let asked =
            self.value("rport").is_some() || self.parameters.iter().any(|one| one.eq_ignore_ascii_case("rport"));
        self.parameters.retain(|one| !["rport", "received"].iter().any(|name| is_named(one, name)));
        let (ip, port) = (from.address.ip().to_canonical(), from.address.port());
        let elsewhere = self.host().is_none_or(|host| host.to_canonical() != ip);
        if elsewhere || asked {
            self.parameters.push(format!("received={ip}"));
        }
        if asked || (elsewhere && !from.stream) {
            self.parameters.push(format!("rport={port}"));
        }
    }

    fn host(&self) -> Option<IpAddr> {
        match self.sent_by.strip_prefix('[') {
            Some(rest) => rest.split(']').next()?.parse().ok(),
            None => self.sent_by.split(':').next()?.parse().ok(),
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|one| is_named(one, name))?;
        found.split_once('=').map(|(_, value)| value)
    }
}

fn is_named(parameter: &str, name: &str) -> bool {
    parameter.split('=').next().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

impl std::fmt::Display for Via {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.sent_by)?;
        self.parameters.iter().try_for_each(|parameter| write!(f, ";{parameter}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(via: &str, from: &str, stream: bool) -> String {
        let mut via = Via::read(via).expect("a Via");
        via.stamp(&Origin { address: from.parse().expect("an address"), stream });
        via.to_string()
    }

    #[test]
    fn two_values_on_one_line_are_two_hops() {
        let hops = Via::read_list("SIP / 2.0 / UDP a.example : 5070 ; branch = z9hG4bK1 , SIP/2.0/TCP [2001:db8::1]")
            .expect("hops");
        let hops: Vec<_> = hops.iter().map(ToString::to_string).collect();
        assert_eq!(hops, ["SIP/2.0/UDP a.example:5070;branch=z9hG4bK1", "SIP/2.0/TCP [2001:db8::1]"]);
        for bad in [
            "SIP/2.0/UDP",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/3.0/UDP a",
            "HTTP/2.0/UDP a",
            "SIP/2.0/UDP 2001:db8::1",
        ] {
            assert_eq!(Via::read_list(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_answer_finds_back() {
        let direct = "SIP/2.0/UDP 192.0.2.1:5060;branch=1";
        assert_eq!(stamped(direct, "192.0.2.1:5060", false), direct);
        assert_eq!(stamped(direct, "192.0.2.1:40000", false), direct, "it listens elsewhere than it sends from");
        assert_eq!(
            stamped("SIP/2.0/UDP 10.0.0.1;branch=1", "192.0.2.1:40000", false),
            "SIP/2.0/UDP 10.0.0.1;branch=1;received=192.0.2.1;rport=40000"
        );
        assert_eq!(
            stamped("SIP/2.0/UDP 192.0.2.1;rport;branch=1;received=6.6.6.6", "192.0.2.1:40000", false),
            "SIP/2.0/UDP 192.0.2.1;branch=1;received=192.0.2.1;rport=40000"
        );
        assert_eq!(
            stamped("SIP/2.0/UDP pbx.example;branch=1", "[2001:db8::1]:5060", false),
            "SIP/2.0/UDP pbx.example;branch=1;received=2001:db8::1;rport=5060"
        );
        assert_eq!(
            stamped("SIP/2.0/TCP pbx.example;branch=1", "192.0.2.1:40000", true),
            "SIP/2.0/TCP pbx.example;branch=1;received=192.0.2.1"
        );
    }
}
