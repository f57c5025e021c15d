//! The `JWT_…` settings: access and refresh tokens.

use cloakroom_core::auth::JwtRules;
use cloakroom_core::secret::{SecretKey, Secrets};

use super::apply::assign;
use super::{ConfigError, Settings};

/// The settings of `SIMPLE_JWT` in a Django site's settings, with `JWT_` before their names.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JwtConfig {
    /// `JWT_SIGNING_KEY`; `None` for [one derived](cloakroom_core::auth::derived_signing_key) from each secret key.
    pub signing_key: Option<SecretKey>,
    /// `JWT_ACCESS_TOKEN_LIFETIME` in seconds, from 1 to 300.
    pub access_token_lifetime: i64,
    /// `JWT_REFRESH_TOKEN_LIFETIME` in seconds.
    pub refresh_token_lifetime: i64,
    /// `JWT_FAMILY_LIFETIME` in seconds: so long after its login the exchange of refresh tokens ends. `None`: it goes on
    /// for ever, as in simplejwt.
    pub family_lifetime: Option<i64>,
    /// `JWT_ISSUER`; if there is one, a token must name it.
    pub issuer: Option<String>,
    /// `JWT_AUDIENCE`; if there is one, a token must name it, otherwise none.
    pub audience: Option<String>,
    /// `JWT_USER_ID_CLAIM`.
    pub user_id_claim: String,
    /// `JWT_CHECK_REVOKE_TOKEN`: tokens have, and must have, simplejwt's claim of the password's hash.
    pub check_revoke_token: bool,
    /// `JWT_ACCEPT_FOREIGN_REFRESH`: refresh tokens that a Django has made are exchanged for ours.
    pub accept_foreign_refresh: bool,
}

impl JwtConfig {
    pub(super) fn new() -> Self {
        Self {
            signing_key: None,
            access_token_lifetime: JwtRules::LONGEST_ACCESS,
            refresh_token_lifetime: JwtRules::REFRESH_LIFETIME,
            family_lifetime: None,
            issuer: None,
            audience: None,
            user_id_claim: JwtRules::USER_ID_CLAIM.to_owned(),
            check_revoke_token: false,
            accept_foreign_refresh: false,
        }
    }

    pub(super) fn apply(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        self.signing_key.clone_from(&settings.jwt_signing_key);
        let seconds = [
            ("JWT_ACCESS_TOKEN_LIFETIME", &mut self.access_token_lifetime),
            (
                "JWT_REFRESH_TOKEN_LIFETIME",
                &mut self.refresh_token_lifetime,
            ),
        ];
        for (name, field) in seconds {
            assign(settings, name, "a number of seconds", field)?;
        }
        assign(
            settings,
            "JWT_FAMILY_LIFETIME",
            "a number of seconds, or null",
            &mut self.family_lifetime,
        )?;
        for (name, field) in [
            ("JWT_ISSUER", &mut self.issuer),
            ("JWT_AUDIENCE", &mut self.audience),
        ] {
            assign(settings, name, "a text, or null", field)?;
        }
        assign(
            settings,
            "JWT_USER_ID_CLAIM",
            "a text",
            &mut self.user_id_claim,
        )?;
        let switches = [
            ("JWT_CHECK_REVOKE_TOKEN", &mut self.check_revoke_token),
            (
                "JWT_ACCEPT_FOREIGN_REFRESH",
                &mut self.accept_foreign_refresh,
            ),
        ];
        for (name, field) in switches {
            assign(settings, name, "true or false", field)?;
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=JwtRules::LONGEST_ACCESS).contains(&self.access_token_lifetime) {
            return Err(ConfigError::new(
                "JWT_ACCESS_TOKEN_LIFETIME",
                "wants 1 to 300 seconds: so long an access token outlives a logout",
            ));
        }
        let lifetimes = [
            (
                "JWT_REFRESH_TOKEN_LIFETIME",
                Some(self.refresh_token_lifetime),
            ),
            ("JWT_FAMILY_LIFETIME", self.family_lifetime),
        ];
        for (name, lifetime) in lifetimes {
            if lifetime.is_some_and(|seconds| seconds < 1) {
                return Err(ConfigError::new(name, "wants at least 1 second"));
            }
        }
        let taken = ["token_type", "exp", "iat", "nbf", "jti", "iss", "aud", ""];
        if taken.contains(&self.user_id_claim.as_str()) {
            return Err(ConfigError::new(
                "JWT_USER_ID_CLAIM",
                "wants a name that no other claim has",
            ));
        }
        Ok(())
    }

    pub(crate) fn rules(&self, secrets: &Secrets) -> JwtRules {
        let mut rules = JwtRules::new(secrets)
            .with_lifetimes(self.access_token_lifetime, self.refresh_token_lifetime)
            .with_family_lifetime(self.family_lifetime)
            .with_issuer_and_audience(self.issuer.clone(), self.audience.clone())
            .with_user_id_claim(self.user_id_claim.clone());
        if let Some(key) = &self.signing_key {
            rules = rules.with_signing_key(key);
        }
        if self.check_revoke_token {
            rules = rules.checking_revoke_token();
        }
        rules
    }
}
