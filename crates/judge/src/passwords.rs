//! Password hashes.

use std::collections::BTreeMap;

use cloakroom_core::password::{
    Algorithm, Attribute, Hasher, Hashers, MakeError, Policy, Validators, Verification,
    is_password_usable, unusable_password,
};
use cloakroom_core::version::DjangoVersion;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::question::{Answer, Ask, Fault};
use crate::signing::unhex;

/// An entry of `PASSWORD_HASHERS`, and what its hashes cost where it is not as in the newest Django.
#[derive(Deserialize)]
struct Listed {
    hasher: String,
    #[serde(default)]
    options: BTreeMap<String, u32>,
}

fn hashers(listed: &[Listed]) -> Result<Hashers, Fault> {
    let hasher = |listed: &Listed| {
        let algorithm =
            Algorithm::parse(&listed.hasher).map_err(|error| Fault::new("hasher", error))?;
        let options = listed
            .options
            .iter()
            .map(|(name, value)| (name.as_str(), *value));
        let hasher = Hasher::new(algorithm, DjangoVersion::LATEST).with_options(options);
        hasher.map_err(|error| Fault::new("options", error))
    };
    let mut all = listed
        .iter()
        .map(hasher)
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    let first = all
        .next()
        .ok_or_else(|| Fault::new("hashers", "there are none"))?;
    Ok(Hashers::listed(first, all))
}

fn password(hex: &str) -> Result<Vec<u8>, Fault> {
    unhex(hex).ok_or_else(|| Fault::new("password", "not hexadecimal"))
}

#[derive(Deserialize)]
pub(crate) struct Make {
    password: String,
    salt: String,
    hashers: Vec<Listed>,
}

impl Ask for Make {
    fn answer(self) -> Answer {
        let made = hashers(&self.hashers)?.make_with_salt(&password(&self.password)?, &self.salt);
        Ok(json!(made.map_err(|error| {
            let what = match error {
                MakeError::UnfitForBcrypt => "password",
                _ => "salt",
            };
            Fault::new(what, error)
        })?))
    }
}

#[derive(Deserialize)]
pub(crate) struct Verify {
    password: String,
    encoded: String,
    /// The preferred one first.
    hashers: Vec<Listed>,
    /// The most rounds of PBKDF2 that are paid, where it is not the default.
    #[serde(default)]
    most: Option<u32>,
}

impl Ask for Verify {
    fn answer(self) -> Answer {
        let mut policy = Policy::DEFAULT;
        policy.iterations = self.most.unwrap_or(policy.iterations);
        let hashers = hashers(&self.hashers)?.with_policy(policy);
        Ok(
            match hashers.verify(&password(&self.password)?, &self.encoded) {
                Verification::Wrong => json!("wrong"),
                Verification::Correct => json!("correct"),
                Verification::CorrectButOutdated => json!("outdated"),
            },
        )
    }
}

#[derive(Deserialize)]
pub(crate) struct Usable {
    encoded: String,
}

impl Ask for Usable {
    fn answer(self) -> Answer {
        Ok(json!(is_password_usable(&self.encoded)))
    }
}

#[derive(Deserialize)]
pub(crate) struct Unusable {}

impl Ask for Unusable {
    fn answer(self) -> Answer {
        Ok(json!(
            unusable_password().map_err(|error| Fault::new("random", error))?
        ))
    }
}

/// `AUTH_PASSWORD_VALIDATORS`.
fn validators(setting: &Value) -> Result<Validators, Fault> {
    Validators::parse(setting).map_err(|error| Fault::new("validators", error))
}

#[derive(Deserialize)]
pub(crate) struct Validate {
    validators: Value,
    password: String,
    /// Name, name in messages, and value.
    user: Vec<(String, String, String)>,
}

impl Ask for Validate {
    /// Code and message of everything that is wrong.
    fn answer(self) -> Answer {
        let user: Vec<Attribute<'_>> = self
            .user
            .iter()
            .map(|(name, verbose_name, value)| Attribute {
                name,
                verbose_name,
                value,
            })
            .collect();
        let problems = validators(&self.validators)?.validate(&self.password, &user);
        let rows = problems
            .iter()
            .map(|problem| json!([problem.code, problem.message]));
        Ok(rows.collect())
    }
}

#[derive(Deserialize)]
pub(crate) struct HelpTexts {
    validators: Value,
}

impl Ask for HelpTexts {
    fn answer(self) -> Answer {
        Ok(json!(validators(&self.validators)?.help_texts()))
    }
}
