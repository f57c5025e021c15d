//! One key, and what it signs: `header.payload.signature`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::secret::{SecretKey, same};
use crate::signing::SaltedHmac;

/// The signing key of a site that names none: for the `SIGNING_KEY` of a Django beside it, 43 characters.
///
/// It is derived from the secret key, so there is one secret to keep; and it is not the secret key, so that what a
/// token service knows signs no session.
#[must_use]
pub fn derived_signing_key(secret: &SecretKey) -> String {
    let mac = SaltedHmac::new(b"cloakroom.auth.jwt", secret).mac(b"SIGNING_KEY");
    URL_SAFE_NO_PAD.encode(mac)
}

/// A key of HS256.
#[derive(Clone)]
pub(super) struct Key {
    hmac: Hmac<Sha256>,
    /// Tells the site's keys apart, and nothing about them.
    id: String,
    /// The header of every token that this key signs, as it stands there.
    header: String,
}

impl Key {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let hmac = Hmac::<Sha256>::new_from_slice(bytes).expect("HMAC takes keys of any length");
        let mut named = hmac.clone();
        // No token begins so: there is no dot in it.
        named.update(b"kid");
        let id = URL_SAFE_NO_PAD.encode(&named.finalize().into_bytes()[..9]);
        let header = format!(r#"{{"alg":"HS256","kid":"{id}","typ":"JWT"}}"#);
        let header = URL_SAFE_NO_PAD.encode(header);
        Self { hmac, id, header }
    }

    pub(super) fn derived(secret: &SecretKey) -> Self {
        Self::new(zeroize::Zeroizing::new(derived_signing_key(secret)).as_bytes())
    }

    #[cfg(test)]
    pub(super) fn kid(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, payload: &str) -> String {
        let mut token = format!("{}.", self.header);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.signature(&token);
        token.push('.');
        token.push_str(&signature);
        token
    }

    fn signature(&self, text: &str) -> String {
        let mut hmac = self.hmac.clone();
        hmac.update(text.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes())
    }

    /// The payload, if this key signed it as HS256. Nothing is decoded before its signature has been verified.
    pub(super) fn verified(&self, token: &str) -> Option<Vec<u8>> {
        let (text, signature) = token.rsplit_once('.')?;
        if !same(self.signature(text).as_bytes(), signature.as_bytes()) {
            return None;
        }
        let (header, payload) = text.split_once('.')?;
        let header = URL_SAFE_NO_PAD.decode(header).ok()?;
        let header = serde_json::from_slice::<Map<String, Value>>(&header).ok()?;
        // Who has the key says nothing else, but a header that asks for something must not be half obeyed.
        let known = header.iter().all(|(name, value)| match name.as_str() {
            "alg" => value == "HS256",
            "typ" => value
                .as_str()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("JWT")),
            "kid" => value == self.id.as_str(),
            _ => false,
        });
        if !known || !header.contains_key("alg") {
            return None;
        }
        URL_SAFE_NO_PAD.decode(payload).ok()
    }
}
