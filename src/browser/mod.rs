//! One browser leg: offer and answer, ICE restart, leave. In: datagrams and messages. Out: the same.
