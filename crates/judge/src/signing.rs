//! Signatures and signed objects.

use std::time::Duration;

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::signing::{
    BadSignature, Compression, LoadError, ObjectSigner, Signer, SigningError, TimestampSigner,
};
use cloakroom_core::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::question::{Answer, Ask, Fault};

/// Secret keys in hexadecimal; the first signs.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Keys(Vec<String>);

impl Keys {
    pub(crate) fn secrets(&self) -> Result<Secrets, Fault> {
        let mut keys = Vec::new();
        for text in &self.0 {
            let bytes = unhex(text).ok_or_else(|| Fault::new("key", "not hexadecimal"))?;
            keys.push(SecretKey::insecure_new(bytes).map_err(|error| Fault::new("key", error))?);
        }
        if keys.is_empty() {
            return Err(Fault::new("key", "there is none"));
        }
        let fallbacks = keys.split_off(1);
        let [key] = <[SecretKey; 1]>::try_from(keys).map_err(|_| Fault::new("key", "no key"))?;
        Ok(Secrets::new(key).with_fallbacks(fallbacks))
    }
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    digits?
        .chunks(2)
        .map(|pair| u8::try_from(pair.first()? << 4 | pair.get(1)?).ok())
        .collect()
}

/// Microseconds since 1970.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(crate) struct Now(i64);

impl Now {
    pub(crate) const fn timestamp(self) -> Timestamp {
        Timestamp::from_unix_micros(self.0)
    }
}

pub(crate) fn age(seconds: f64) -> Result<Duration, Fault> {
    Duration::try_from_secs_f64(seconds).map_err(|error| Fault::new("age", error))
}

pub(crate) fn fault(error: SigningError) -> Fault {
    let kind = match error {
        SigningError::BadSignature(BadSignature::NoSeparator) => "no_separator",
        SigningError::BadSignature(_) => "mismatch",
        SigningError::Expired => "expired",
        SigningError::NoTimestamp => "no_timestamp",
        _ => "other",
    };
    Fault::new(kind, error)
}

fn load_fault(error: LoadError) -> Fault {
    match error {
        LoadError::Signing(error) => fault(error),
        _ => Fault::new("malformed", error),
    }
}

#[derive(Deserialize)]
pub(crate) struct Sign {
    keys: Keys,
    salt: String,
    value: String,
}

impl Ask for Sign {
    fn answer(self) -> Answer {
        let signer = Signer::new(&self.keys.secrets()?, &self.salt);
        Ok(json!(signer.sign(&self.value)))
    }
}

#[derive(Deserialize)]
pub(crate) struct Unsign {
    keys: Keys,
    salt: String,
    signed: String,
}

impl Ask for Unsign {
    fn answer(self) -> Answer {
        let signer = Signer::new(&self.keys.secrets()?, &self.salt);
        let value = signer
            .unsign(&self.signed)
            .map_err(|error| fault(SigningError::BadSignature(error)))?;
        Ok(json!(value))
    }
}

#[derive(Deserialize)]
pub(crate) struct SignDated {
    keys: Keys,
    salt: String,
    value: String,
    now: Now,
}

impl Ask for SignDated {
    fn answer(self) -> Answer {
        let signer = TimestampSigner::new(&self.keys.secrets()?, &self.salt);
        Ok(json!(signer.sign(&self.value, self.now.timestamp())))
    }
}

#[derive(Deserialize)]
pub(crate) struct UnsignDated {
    keys: Keys,
    salt: String,
    signed: String,
    max_age: Option<f64>,
    now: Now,
}

impl Ask for UnsignDated {
    fn answer(self) -> Answer {
        let signer = TimestampSigner::new(&self.keys.secrets()?, &self.salt);
        let value = match self.max_age {
            None => signer.unsign(&self.signed),
            Some(seconds) => {
                signer.unsign_within(&self.signed, age(seconds)?, self.now.timestamp())
            }
        };
        Ok(json!(value.map_err(fault)?))
    }
}

#[derive(Deserialize)]
pub(crate) struct Dumps {
    keys: Keys,
    salt: String,
    json: String,
    compress: bool,
    now: Now,
}

impl Ask for Dumps {
    fn answer(self) -> Answer {
        let compression = if self.compress {
            Compression::Always
        } else {
            Compression::Never
        };
        let signer = ObjectSigner::new(&self.keys.secrets()?, &self.salt, compression);
        Ok(json!(signer.dumps(&self.json, self.now.timestamp())))
    }
}

#[derive(Deserialize)]
pub(crate) struct Loads {
    keys: Keys,
    salt: String,
    signed: String,
    max_age: Option<f64>,
    now: Now,
}

impl Ask for Loads {
    /// The payload's bytes as Latin-1 text.
    fn answer(self) -> Answer {
        let signer = ObjectSigner::new(&self.keys.secrets()?, &self.salt, Compression::Always);
        let bytes = match self.max_age {
            None => signer.loads(&self.signed),
            Some(seconds) => signer.loads_within(&self.signed, age(seconds)?, self.now.timestamp()),
        };
        let bytes = bytes.map_err(load_fault)?;
        Ok(json!(bytes.into_iter().map(char::from).collect::<String>()))
    }
}
