//! The certificate by which this gateway is known to other members. In: PEM files, or a key of our own in the folder of what is
//! kept. Out: what a handshake shows, and the pin for the registry.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};
use ring::hmac;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use zeroize::Zeroizing;

use super::{Pair, Unusable, read_chain, read_key};
use crate::member::Spki;

/// Our certificate with its key.
#[derive(Debug)]
pub struct Own {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    pin: Spki,
}

impl Clone for Own {
    fn clone(&self) -> Self {
        let (chain, key) = self.pair();
        Self { chain, key, pin: self.pin }
    }
}

impl Own {
    /// Of PEM files.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, Unusable> {
        Self::of(read_chain(certificate)?, read_key(key)?)
    }

    /// Of the key in this file, which is made if there is none. Only the key counts: the certificate around it is made at each start.
    ///
    /// # Errors
    /// The file can be neither read nor made, or others can read it.
    pub fn kept(file: &Path, name: &str) -> Result<Self, Unusable> {
        let fails = |why: String| Unusable::File { file: file.to_owned(), why };
        let pem = match fs::read_to_string(file) {
            Ok(pem) => Zeroizing::new(pem),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let pem = Zeroizing::new(new_key()?.serialize_pem());
                write(file, &pem).map_err(|error| fails(error.to_string()))?;
                pem
            }
            Err(error) => return Err(fails(error.to_string())),
        };
        let mode = fs::metadata(file).map_err(|error| fails(error.to_string()))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(fails(format!("others can read this key (mode {mode:o}): chmod 600 it")));
        }
        Self::around(&KeyPair::from_pem(&pem).map_err(|error| fails(error.to_string()))?, name)
    }

    /// A new one that is kept nowhere.
    ///
    /// # Errors
    /// None can be made.
    pub fn made(name: &str) -> Result<Self, Unusable> {
        Self::around(&new_key()?, name)
    }

    /// By what the registry recognises it.
    pub const fn pin(&self) -> Spki {
        self.pin
    }

    /// A secret of our own for a purpose, the same for as long as the key is: a pseudorandom function of the key (RFC 5869, with one
    /// step).
    pub fn derived(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.secret_der());
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(hmac::sign(&key, purpose.as_bytes()).as_ref());
        secret
    }

    pub(super) fn pair(&self) -> Pair {
        (self.chain.clone(), self.key.clone_key())
    }

    fn around(key: &KeyPair, name: &str) -> Result<Self, Unusable> {
        let unusable = |error: rcgen::Error| Unusable::Pair(error.to_string());
        let mut certificate = CertificateParams::new(vec![name.to_owned()]).map_err(unusable)?;
        // RFC 5922 section 7.1: by this other systems know for which domain we speak.
        let uri = format!("sip:{name}").try_into().map_err(unusable)?;
        certificate.subject_alt_names.push(SanType::URI(uri));
        let certificate = certificate.self_signed(key).map_err(unusable)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|why| Unusable::Pair(why.to_owned()))?;
        Self::of(vec![certificate.der().clone()], key)
    }

    fn of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Unusable> {
        let first = chain.first().ok_or_else(|| Unusable::Pair(String::from("there is no certificate in it")))?;
        let pin = pin_of(first).map_err(|error| Unusable::Pair(error.to_string()))?;
        Ok(Self { chain, key, pin })
    }
}

/// What recognises a certificate's key.
///
/// # Errors
/// It is no certificate.
pub fn pin_of(certificate: &CertificateDer<'_>) -> Result<Spki, rustls::Error> {
    Ok(Spki::of(ParsedCertificate::try_from(certificate)?.subject_public_key_info().as_ref()))
}

fn new_key() -> Result<KeyPair, Unusable> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| Unusable::Pair(error.to_string()))
}

/// Only for us, and only if nobody has made it meanwhile.
fn write(file: &Path, pem: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    made.write_all(pem.as_bytes())?;
    made.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_our_own_is_the_same_after_a_restart_and_nobody_else_may_read_it() {
        let folder = std::env::temp_dir().join(format!("einwahl-own-key-{}", std::process::id()));
        let file = folder.join("data").join("federation.key");
        let pin = Own::kept(&file, "stadt-a.example").expect("made").pin();
        assert_eq!(Own::kept(&file, "stadt-a.example").expect("read").pin(), pin);
        assert_ne!(Own::made("stadt-a.example").expect("made").pin(), pin);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
        let error = Own::kept(&file, "stadt-a.example").expect_err("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        fs::write(&file, "nothing").expect("written");
        assert!(Own::kept(&file, "stadt-a.example").is_err());
        fs::remove_dir_all(folder).expect("removed");
    }
}
