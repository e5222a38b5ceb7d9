//! What is to become of each message, and why where the RFC leaves a choice.

/// What the sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is a call: the gateway is asked, with this called name or number, and this caller's number.
    Call {
        /// The user of the Request-URI.
        called: &'static str,
        /// The caller's number.
        caller: Option<&'static str>,
    },
    /// It passes the gate, and the door answers so.
    Stack(u16),
    /// The gate answers so.
    Gate(u16),
    /// It is a response that belongs to nothing here: it passes the gate, and nobody is told anything.
    Response,
    /// Nothing: it is a response that cannot be used.
    Nothing,
}

use Told::{Gate, Nothing, Response, Stack};

const fn call(called: &'static str) -> Told {
    Told::Call { called, caller: None }
}

/// 405 is what the door says to REGISTER and MESSAGE: it is no registrar, and takes no messages.
pub const VERDICTS: &[(&str, Told)] = &[
    // RFC 4475, section 3.1.1: valid messages.
    ("rfc4475/wsinv", Stack(481)), // its To has a tag: inside a call that nobody knows
    ("rfc4475/intmeth", Gate(501)),
    ("rfc4475/esc01", call("sips:user@example.com")),
    ("rfc4475/escnull", Stack(405)),
    ("rfc4475/esc02", Gate(501)), // an escape in a method is none: it is not REGISTER
    ("rfc4475/lwsdisp", Stack(200)),
    ("rfc4475/longreq", call("user")),
    ("rfc4475/dblreq", Stack(405)), // the INVITE behind it in the datagram is noise
    ("rfc4475/semiuri", Stack(200)),
    ("rfc4475/transports", Stack(200)),
    ("rfc4475/mpart01", Stack(405)),
    ("rfc4475/unreason", Response),
    ("rfc4475/noreason", Response),
    // Section 3.1.2: invalid messages.
    ("rfc4475/badinv01", Gate(400)),
    ("rfc4475/clerr", Gate(400)),
    ("rfc4475/ncl", Gate(400)),
    ("rfc4475/scalar02", Gate(400)),
    ("rfc4475/scalarlg", Nothing),
    ("rfc4475/quotbal", Gate(400)),
    ("rfc4475/ltgtruri", call("user")), // brackets that mean nothing may be ignored
    ("rfc4475/lwsruri", Gate(400)),
    ("rfc4475/lwsstart", call("user")), // so may white space
    ("rfc4475/trws", Stack(200)),
    ("rfc4475/escruri", Gate(400)),
    ("rfc4475/baddate", call("user")), // nobody here reads Date
    ("rfc4475/regbadct", Stack(405)),  // refused before anybody reads its Contact
    ("rfc4475/badaspec", Stack(200)),  // as many telephones write it
    ("rfc4475/baddn", Stack(200)),     // likewise
    ("rfc4475/badvers", Gate(505)),
    ("rfc4475/mismatch01", Gate(400)),
    ("rfc4475/mismatch02", Gate(501)),
    ("rfc4475/bigcode", Nothing),
    // Section 3.2: transaction layer.
    ("rfc4475/badbranch", Gate(400)),
    // Section 3.3: application layer.
    ("rfc4475/insuf", Gate(400)),
    ("rfc4475/unkscm", Gate(416)),
    ("rfc4475/novelsc", Gate(416)),
    ("rfc4475/unksm2", Stack(405)),
    ("rfc4475/bext01", Gate(420)),
    ("rfc4475/invut", Gate(415)),
    ("rfc4475/regaut01", Stack(405)),
    ("rfc4475/multi01", Gate(400)),
    ("rfc4475/mcl01", Gate(400)),
    ("rfc4475/bcast", Response),
    ("rfc4475/zeromf", Stack(200)), // it has arrived where it was to go
    ("rfc4475/cparam01", Stack(405)),
    ("rfc4475/cparam02", Stack(405)),
    ("rfc4475/regescrt", Stack(405)),
    ("rfc4475/sdp01", Gate(406)),
    // Section 3.4: backward compatibility.
    ("rfc4475/inv2543", Told::Call { called: "UserB", caller: Some("+13035551111") }),
    // RFC 5118.
    ("rfc5118/ipv6-good", Stack(405)),
    ("rfc5118/ipv6-bad", Gate(400)),
    ("rfc5118/port-ambiguous", Stack(405)), // the port is part of the address: valid, if not what was meant
    ("rfc5118/port-unambiguous", Stack(405)),
    ("rfc5118/via-received-param-with-delim", Stack(481)),
    ("rfc5118/via-received-param-no-delim", Stack(481)),
    ("rfc5118/ipv6-in-sdp", call("user")),
    ("rfc5118/mult-ip-in-header", Stack(481)),
    ("rfc5118/mult-ip-in-sdp", call("user")),
    ("rfc5118/ipv4-mapped-ipv6", call("user")),
    ("rfc5118/ipv6-bug-abnf-3-colons", Gate(400)),
];
