//! Asks the institution's own sign-in, an OpenID provider (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0). In: what
//! was drawn for a journey, and the code that came back from it. Out: where to send a browser, and who somebody is. It blocks: to be
//! called where nobody waits.
//!
//! What the provider publishes of itself is kept; fetched anew, when a browser is to be sent there and it is older than a minute, and
//! when the provider signs with a key that is not known. The crate
//! verifies the ID token: signature, issuer, audience, times and nonce.

mod place;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType, CoreIdToken,
    CoreIdTokenVerifier, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    LogoutProviderMetadata, LogoutRequest, Nonce, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadata, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse as _,
};
use serde::{Deserialize, Serialize};

use crate::account::oidc::{Arrived, CALLBACK, Claims, Drawn, Stopped};
use crate::https::{Bounds, Https, Trouble};
use crate::names::Names;
use crate::residency::Purpose;
use crate::tls::Unusable;
use crate::words::Secret;

pub use place::{Issuer, NoPlace, Origin};

/// Which provider, and who we are to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its name, which is its address.
    pub issuer: Issuer,
    /// Ours there.
    pub client_id: String,
    /// What proves that.
    pub client_secret: Secret,
    /// What we ask for beside `openid`.
    pub scopes: Vec<String>,
    /// Where browsers reach us.
    pub console: Origin,
    /// The authorities that vouch for it, as a PEM file; those of this machine, if none is named.
    pub ca: Option<PathBuf>,
}

/// Where a browser is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Led {
    /// There.
    pub to: String,
    /// The provider says that its answer will name it (RFC 9207).
    pub names_issuer: bool,
}

/// Who somebody is, by the provider's word.
#[derive(Clone, Debug)]
pub struct Person {
    /// What it says of them.
    pub claims: Claims,
    /// That word, as it was signed.
    pub proof: Secret,
}

/// One provider.
pub struct Provider {
    config: Config,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    https: Https,
    known: Mutex<Option<Known>>,
}

/// What a provider says of itself beside what the crate reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct More {
    /// RFC 9207 section 3.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    LogoutProviderMetadata<More>,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

#[derive(Clone)]
struct Known {
    metadata: Arc<Metadata>,
    since: Instant,
}

/// What a provider said so long ago is asked for anew before a browser is sent there: one that is down is noticed here, where there
/// is a page that says so.
const FRESH: Duration = Duration::from_secs(60);

/// Those that prove who has signed: none that a shared secret could make.
const SIGNED_BY: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CannotAsk {
    /// See [`NoPlace`].
    #[error(transparent)]
    Place(#[from] NoPlace),
    /// See [`Unusable`].
    #[error(transparent)]
    Authorities(#[from] Unusable),
}

impl Provider {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// The authorities cannot be used.
    pub fn new(config: Config, names: Names) -> Result<Self, CannotAsk> {
        let issuer = IssuerUrl::new(config.issuer.as_str().to_owned()).map_err(|_| NoPlace::Address)?;
        let redirect = RedirectUrl::new(config.console.at(CALLBACK)).map_err(|_| NoPlace::Address)?;
        let https = Https::new(Purpose::Oidc, config.ca.as_deref(), names, Bounds::default())?;
        Ok(Self { config, issuer, redirect, https, known: Mutex::new(None) })
    }

    /// Its name.
    pub fn issuer(&self) -> &str {
        self.config.issuer.as_str()
    }

    /// Where to send a browser.
    ///
    /// # Errors
    /// The provider is not known, and does not say who it is.
    pub fn lead(&self, drawn: &Drawn, now: Instant) -> Result<Led, Stopped> {
        let metadata = match self.kept() {
            Some(known) if now.saturating_duration_since(known.since) < FRESH => known.metadata,
            Some(_) | None => self.fetch(now)?,
        };
        let (state, nonce) = (drawn.state.expose().to_owned(), drawn.nonce.expose().to_owned());
        let verifier = PkceCodeVerifier::new(drawn.verifier.expose().to_owned());
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (to, _, _) = self
            .client(&metadata)
            .authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce))
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        if to.scheme() != "https" {
            return Err(self.makes_no_sense("it sends browsers to an address without https"));
        }
        let names_issuer =
            metadata.additional_metadata().additional_metadata.authorization_response_iss_parameter_supported;
        Ok(Led { to: to.into(), names_issuer })
    }

    /// Who somebody is who is back.
    ///
    /// # Errors
    /// The provider does not say, or what it says does not hold.
    pub fn redeem(&self, arrived: &Arrived, now: Instant) -> Result<Person, Stopped> {
        let metadata = self.kept().map_or_else(|| self.fetch(now), |known| Ok(known.metadata))?;
        let tokens = self
            .client(&metadata)
            .exchange_code(AuthorizationCode::new(arrived.code.expose().to_owned()))
            .map_err(|_| self.makes_no_sense("it names no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(arrived.verifier.expose().to_owned()))
            .request(&|request| self.https.ask(request));
        let tokens = tokens.map_err(|error| match error {
            RequestTokenError::ServerResponse(told) => Stopped::Declined(told.error().to_string()),
            RequestTokenError::Request(trouble) => of_trouble(&trouble),
            // What stands there may be a token.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                self.makes_no_sense("its answer to a code cannot be read")
            }
        })?;
        let token = tokens.id_token().ok_or_else(|| Stopped::Untrusted(String::from("there is no ID token")))?;
        let nonce = Nonce::new(arrived.nonce.expose().to_owned());
        self.verify(token, &nonce, &metadata, now)?;
        let proof = Secret::new(token.to_string());
        let claims =
            claims_of(proof.expose()).ok_or_else(|| Stopped::Untrusted(String::from("the ID token is no object")))?;
        Ok(Person { claims, proof })
    }

    /// Where a browser is signed out there, too; nowhere, if the provider offers nothing like that.
    pub fn sign_out_at(&self, proof: &Secret) -> Option<String> {
        let known = self.kept()?;
        let end = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        let back = PostLogoutRedirectUrl::new(self.config.console.at("/admin")).ok()?;
        let request = LogoutRequest::from(end).set_client_id(self.client_id()).set_post_logout_redirect_uri(back);
        let mut to = request.http_get_url();
        to.query_pairs_mut().append_pair("id_token_hint", proof.expose());
        (to.scheme() == "https").then(|| to.into())
    }

    /// A key that is not known may be a new one: it is asked for once.
    fn verify(&self, token: &CoreIdToken, nonce: &Nonce, metadata: &Metadata, now: Instant) -> Result<(), Stopped> {
        match token.claims(&self.verifier(metadata), nonce) {
            Ok(_) => Ok(()),
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let metadata = self.fetch(now)?;
                token.claims(&self.verifier(&metadata), nonce).map(drop).map_err(|why| untrusted(&why))
            }
            Err(why) => Err(untrusted(&why)),
        }
    }

    fn verifier(&self, metadata: &Metadata) -> CoreIdTokenVerifier<'static> {
        let keys = metadata.jwks().clone();
        CoreIdTokenVerifier::new_public_client(self.client_id(), self.issuer.clone(), keys).set_allowed_algs(SIGNED_BY)
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let secret = ClientSecret::new(self.config.client_secret.expose().to_owned());
        let shown = metadata.token_endpoint_auth_methods_supported();
        let in_body = shown.is_some_and(|all| {
            !all.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && all.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        CoreClient::from_provider_metadata(metadata.clone(), self.client_id(), Some(secret))
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.config.client_id.clone())
    }

    fn kept(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fetch(&self, now: Instant) -> Result<Arc<Metadata>, Stopped> {
        let found = Metadata::discover(&self.issuer, &|request| self.https.ask(request));
        let metadata = found.map(Arc::new).map_err(|error| {
            // The crate may tell more kinds of errors apart some day.
            if let DiscoveryError::Request(trouble) = &error {
                of_trouble(trouble)
            } else {
                self.makes_no_sense(&chain(&error))
            }
        })?;
        let known = Known { metadata: Arc::clone(&metadata), since: now };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(metadata)
    }

    fn makes_no_sense(&self, why: &str) -> Stopped {
        Stopped::Unreachable(format!("{} is no OpenID provider that can be used: {why}", self.issuer()))
    }
}

/// The claims of an ID token that has been verified: the crate's own reading sorts them into the known and the rest.
fn claims_of(token: &str) -> Option<Claims> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let more: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&payload).ok()?;
    let subject = more.get("sub")?.as_str()?.to_owned();
    Some(Claims { subject, more })
}

fn of_trouble(trouble: &Trouble) -> Stopped {
    match trouble {
        Trouble::Refused { .. } => Stopped::NotPermitted(trouble.to_string()),
        Trouble::Silent { .. } => Stopped::Unreachable(trouble.to_string()),
    }
}

fn untrusted(why: &ClaimsVerificationError) -> Stopped {
    Stopped::Untrusted(chain(why))
}

/// An error with what it rests on, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        told = format!("{told}: {inner}");
        source = inner.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_of_a_token_are_all_of_them() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"4711","preferred_username":"erika","groups":["telefonie"]}"#);
        let claims = claims_of(&format!("e30.{payload}.c2ln")).expect("claims");
        assert_eq!((claims.subject.as_str(), claims.name("preferred_username").as_str()), ("4711", "erika"));
        assert_eq!(claims.texts("groups"), ["telefonie"]);
        for none in ["", "a", "a.b", "e30.e30.e30", "e30.!.e30"] {
            assert!(claims_of(none).is_none(), "{none}");
        }
    }

    #[test]
    fn an_error_is_told_with_what_it_rests_on() {
        let error: Result<u8, _> = serde_json::from_str::<u8>("x");
        let inner = crate::names::Unresolved::NoSuchName(String::from("login.stadt.example"));
        assert_eq!(chain(&inner), "DNS knows no name login.stadt.example");
        assert!(chain(&error.expect_err("no number")).starts_with("expected value"));
    }
}
