//! What is wrong with a message, and what its sender is told.

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Nothing that looks like SIP: a scanner for something else, or a stray datagram.
    #[error("it is not SIP")]
    NotSip,
    /// Longer than [`super::LONGEST`], or with more header fields than anybody needs.
    #[error("it is too long")]
    TooLong,
    /// No empty line ends the header.
    #[error("no empty line ends its header")]
    NoEnd,
    /// The first line is not `METHOD URI SIP/2.0`.
    #[error("its first line is none of a request")]
    RequestLine,
    /// The first line of a response is not `SIP/2.0 NNN phrase`.
    #[error("its first line is none of a response")]
    StatusLine,
    /// A version other than 2.0.
    #[error("it has another version of SIP")]
    Version,
    /// A Request-URI that cannot be read.
    #[error("its Request-URI cannot be read")]
    RequestUri,
    /// A Request-URI that is none of sip, sips, tel.
    #[error("the scheme of its Request-URI is unknown")]
    Scheme,
    /// A header field that every request has is not there.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// A header field that may be there once is there twice.
    #[error("it has {0} twice")]
    Twice(&'static str),
    /// A header field whose value cannot be read.
    #[error("its {0} cannot be read")]
    Unreadable(&'static str),
    /// The CSeq names another method.
    #[error("its CSeq is that of another method")]
    OtherMethod,
    /// The body is shorter than its Content-Length.
    #[error("it is cut off")]
    CutOff,
    /// A method that no telephone of ours knows.
    #[error("its method is unknown")]
    UnknownMethod,
    /// It requires extensions that the gateway does not have.
    #[error("it requires {0}")]
    Extension(String),
    /// A body that the gateway does not read.
    #[error("the type of its body is unknown")]
    BodyType,
    /// A body in an encoding that the gateway does not read.
    #[error("the encoding of its body is unknown")]
    BodyEncoding,
    /// It does not take SDP for an answer.
    #[error("it takes no SDP for an answer")]
    NoSdp,
    /// It does not agree on TLS.
    #[error("it does not agree on TLS")]
    NoTls,
    /// The stack does not take it.
    #[error("the stack does not take it")]
    Unusable,
    /// Its sender sends more than a telephone system does.
    #[error("its sender sends too much")]
    Flood,
    /// So many requests are in work that no further one is taken.
    #[error("too much is in work")]
    Full,
}

impl Fault {
    /// The status and the phrase for the sender; RFC 3261 section 21.4.1 wants the phrase of a 400 to name the problem.
    pub(super) fn status(&self) -> (u16, String) {
        let bad = |what: &str| (400, what.to_owned());
        match self {
            Self::Empty | Self::NotSip | Self::NoTls | Self::Unusable => bad("Bad Request"),
            Self::TooLong => (513, "Message Too Large".to_owned()),
            Self::NoEnd => bad("No Empty Line After Header Fields"),
            Self::RequestLine => bad("Malformed Request-Line"),
            Self::StatusLine => bad("Malformed Status-Line"),
            Self::Version => (505, "Version Not Supported".to_owned()),
            Self::RequestUri => bad("Malformed Request-URI"),
            Self::Scheme => (416, "Unsupported URI Scheme".to_owned()),
            Self::Missing(what) => bad(&format!("Missing {what} Header Field")),
            Self::Twice(what) => bad(&format!("More Than One {what} Header Field")),
            Self::Unreadable(what) => bad(&format!("Malformed {what} Header Field")),
            Self::OtherMethod => bad("CSeq of Another Method"),
            Self::CutOff => bad("Body Shorter Than Content-Length"),
            Self::UnknownMethod => (501, "Not Implemented".to_owned()),
            Self::Extension(_) => (420, "Bad Extension".to_owned()),
            Self::BodyType | Self::BodyEncoding => (415, "Unsupported Media Type".to_owned()),
            Self::NoSdp => (406, "Not Acceptable".to_owned()),
            Self::Flood | Self::Full => (503, "Service Unavailable".to_owned()),
        }
    }

    /// Header fields that belong to the answer.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::UnknownMethod => vec![("Allow", super::METHODS.to_owned())],
            Self::Extension(which) => vec![("Unsupported", which.clone())],
            Self::BodyType => vec![("Accept", super::BODIES.to_owned())],
            Self::BodyEncoding => vec![("Accept-Encoding", "identity".to_owned())],
            Self::Flood => vec![("Retry-After", "60".to_owned())],
            Self::Full => vec![("Retry-After", "10".to_owned())],
            Self::Empty
            | Self::NotSip
            | Self::TooLong
            | Self::NoEnd
            | Self::RequestLine
            | Self::StatusLine
            | Self::Version
            | Self::RequestUri
            | Self::Scheme
            | Self::Missing(_)
            | Self::Twice(_)
            | Self::Unreadable(_)
            | Self::OtherMethod
            | Self::CutOff
            | Self::NoSdp
            | Self::NoTls
            | Self::Unusable => Vec::new(),
        }
    }
}
