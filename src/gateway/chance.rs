//! The one source of randomness: for secrets (tokens, ICE passwords) and for SSRCs alike. A system that has none gets no new
//! call and no new page: what should be a secret would be known to everybody. Those who are here go on.

/// The system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness: nobody new can be taken")]
pub(super) struct NoChance;

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], NoChance> {
    filled(getrandom::fill)
}

fn filled<const N: usize, E: std::fmt::Display>(
    fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<[u8; N], NoChance> {
    let mut bytes = [0; N];
    match fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => {
            tracing::error!(%error, "{NoChance}");
            Err(NoChance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_randomness_there_are_no_bytes_rather_than_zeros() {
        assert_eq!(filled::<4, _>(|_| Err("no entropy")), Err(NoChance));
        let sevens = |bytes: &mut [u8]| {
            bytes.fill(7);
            Ok::<(), &str>(())
        };
        assert_eq!(filled::<4, _>(sevens), Ok([7; 4]));
        assert_ne!(random::<16>(), random::<16>());
    }
}
