//! Password hashes.

use std::num::NonZeroU32;

use cloakroom_core::password::{Hashers, Verification, is_password_usable};
use cloakroom_core::version::DjangoVersion;
use serde::Deserialize;
use serde_json::json;

use crate::question::{Answer, Ask, Fault};
use crate::signing::unhex;

fn hashers(iterations: NonZeroU32) -> Hashers {
    Hashers::new(DjangoVersion::LATEST).with_iterations(iterations)
}

fn password(hex: &str) -> Result<Vec<u8>, Fault> {
    unhex(hex).ok_or_else(|| Fault::new("password", "not hexadecimal"))
}

#[derive(Deserialize)]
pub(crate) struct Make {
    password: String,
    salt: String,
    iterations: NonZeroU32,
}

impl Ask for Make {
    fn answer(self) -> Answer {
        let encoded =
            hashers(self.iterations).make_with_salt(&password(&self.password)?, &self.salt);
        Ok(json!(encoded.map_err(|error| Fault::new("salt", error))?))
    }
}

#[derive(Deserialize)]
pub(crate) struct Verify {
    password: String,
    encoded: String,
    /// What new hashes cost.
    iterations: NonZeroU32,
    /// The most that is paid.
    most: NonZeroU32,
    accepts_md5: bool,
}

impl Ask for Verify {
    fn answer(self) -> Answer {
        let mut hashers = hashers(self.iterations).with_most_iterations(self.most);
        if self.accepts_md5 {
            hashers = hashers.insecure_accepting_md5();
        }
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
