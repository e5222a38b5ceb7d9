//! One browser leg: offer and answer, ICE, DTLS, SRTP. In: datagrams and time. Out: datagrams and sound.
