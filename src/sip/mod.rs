//! The door for telephones: SIP over UDP, TCP and TLS. In: messages. Out: inputs of `call`.
