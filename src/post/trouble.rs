//! Why mail is not taken.

/// Why. What a server says of somebody may name them: `told` is for who has named them first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nothing may be sent there.
    #[error("the mail server is not asked: {0}")]
    NotPermitted(String),
    /// It cannot be reached, or has broken off.
    #[error("the mail server does not answer: {0}")]
    Unreachable(String),
    /// It offers no TLS, or none that we may use.
    #[error("the mail server does not protect what it is told: {0}")]
    Unprotected(String),
    /// It is not whom we mean.
    #[error("the mail server does not prove who it is: {0}")]
    Untrusted(String),
    /// It does not take our name and password.
    #[error("the mail server does not let us in ({code}): check user and password_file of [mail]")]
    NotLetIn {
        /// What it answered.
        code: u16,
    },
    /// It does not take this letter.
    #[error("the mail server says {code}: {told}")]
    Declined {
        /// What it answered.
        code: u16,
        /// In its words.
        told: String,
    },
    /// It was tried for long enough.
    #[error("the mail server has not taken it for so long that it is tried no more")]
    GivenUp,
}

impl Trouble {
    /// One word for it, which names nobody.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotPermitted(_) => "notPermitted",
            Self::Unreachable(_) => "unreachable",
            Self::Unprotected(_) => "unprotected",
            Self::Untrusted(_) => "untrusted",
            Self::NotLetIn { .. } => "notLetIn",
            Self::Declined { .. } => "declined",
            Self::GivenUp => "givenUp",
        }
    }

    /// The same as a sentence that names nobody who was to get mail.
    pub fn of_server(&self) -> String {
        match self {
            Self::Declined { code, .. } => format!("the mail server says {code}"),
            Self::NotPermitted(_)
            | Self::Unreachable(_)
            | Self::Unprotected(_)
            | Self::Untrusted(_)
            | Self::NotLetIn { .. }
            | Self::GivenUp => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_somebody_stays_out_of_what_is_noted() {
        let trouble = Trouble::Declined { code: 550, told: String::from("<erika@stadt.example>: no such user") };
        assert!(trouble.to_string().contains("erika"));
        assert_eq!((trouble.name(), trouble.of_server().as_str()), ("declined", "the mail server says 550"));
    }
}
