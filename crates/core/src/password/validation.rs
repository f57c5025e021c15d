//! What a new password must be (`AUTH_PASSWORD_VALIDATORS`), in Django's words.

mod common;
mod length;
mod numeric;
mod similarity;

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use self::similarity::Similarity;

/// The validators of a site, in order.
///
/// ```
/// use cloakroom_core::password::Validators;
///
/// let validators = Validators::parse(&serde_json::json!([
///     {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
///      "OPTIONS": {"min_length": 12}},
///     {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
/// ]))?;
/// let problems = validators.validate("qwerty", &[]);
/// assert_eq!(problems[0].code, "password_too_short");
/// assert_eq!(problems[1].message, "This password is too common.");
/// assert!(validators.validate("a coat for every peg", &[]).is_empty());
/// # Ok::<(), cloakroom_core::password::BadValidators>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Validators(Vec<Validator>);

#[derive(Clone, Debug, PartialEq)]
enum Validator {
    MinimumLength(usize),
    Similarity(Similarity),
    Common,
    Numeric,
}

/// What a user's row says about its user: a password that repeats it is guessed first.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by whoever has a user")]
pub struct Attribute<'a> {
    /// As `user_attributes` names it, such as `first_name`.
    pub name: &'a str,
    /// As messages name it, such as `first name`.
    pub verbose_name: &'a str,
    /// The user's.
    pub value: &'a str,
}

/// One thing that is wrong with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Django's code, such as `password_too_short`.
    pub code: &'static str,
    /// A sentence for the user.
    pub message: String,
}

impl Validators {
    /// All four of Django's, with at least 12 characters.
    ///
    /// NIST (SP 800-63B) asks for 15 where the password is all there is and for 8 otherwise; 12 is what people bear
    /// from a login page, and a list of common passwords counts for more.
    #[must_use]
    pub fn strict() -> Self {
        Self(vec![
            Validator::Similarity(Similarity::default()),
            Validator::MinimumLength(12),
            Validator::Common,
            Validator::Numeric,
        ])
    }

    /// Reads Django's setting: a list of `{"NAME": …, "OPTIONS": {…}}`.
    ///
    /// # Errors
    /// It is no such list, or names a validator or an option that there is not.
    pub fn parse(setting: &Value) -> Result<Self, BadValidators> {
        let entries = Vec::<Entry>::deserialize(setting).map_err(|_| BadValidators::Form)?;
        let validators = entries.into_iter().map(Entry::validator);
        validators.collect::<Result<_, _>>().map(Self)
    }

    /// All that is wrong with this password, in the order of the validators. Nothing is what a good one gets.
    ///
    /// Without attributes, as for a user who is not known yet, similarity is not looked at.
    #[must_use]
    pub fn validate(&self, password: &str, user: &[Attribute<'_>]) -> Vec<Problem> {
        let problem = |validator: &Validator| match validator {
            Validator::MinimumLength(least) => length::problem(password, *least),
            Validator::Similarity(similarity) => similarity.problem(password, user),
            Validator::Common => common::problem(password),
            Validator::Numeric => numeric::problem(password),
        };
        self.0.iter().filter_map(problem).collect()
    }

    /// A sentence for each rule, to be shown beside the form (`password_validators_help_texts`).
    #[must_use]
    pub fn help_texts(&self) -> Vec<String> {
        let text = |validator: &Validator| match validator {
            Validator::MinimumLength(least) => length::help(*least),
            Validator::Similarity(_) => similarity::HELP.to_owned(),
            Validator::Common => common::HELP.to_owned(),
            Validator::Numeric => numeric::HELP.to_owned(),
        };
        self.0.iter().map(text).collect()
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "NAME")]
    name: String,
    #[serde(rename = "OPTIONS", default)]
    options: Map<String, Value>,
}

impl Entry {
    fn validator(self) -> Result<Validator, BadValidators> {
        let class = self.name.strip_prefix(MODULE);
        let mut options = self.options;
        let validator = match class {
            Some("MinimumLengthValidator") => {
                let least = options.remove("min_length").map_or(Some(8), |value| {
                    value.as_u64().and_then(|least| usize::try_from(least).ok())
                });
                let wanted = "min_length wants a whole number";
                Validator::MinimumLength(least.ok_or(BadValidators::Option(wanted))?)
            }
            Some("UserAttributeSimilarityValidator") => {
                Validator::Similarity(Similarity::of(&mut options)?)
            }
            Some("CommonPasswordValidator") => Validator::Common,
            Some("NumericPasswordValidator") => Validator::Numeric,
            _ => return Err(BadValidators::Unknown),
        };
        if options.is_empty() {
            Ok(validator)
        } else {
            Err(BadValidators::Option(
                "there are min_length, user_attributes and max_similarity, each for its own validator",
            ))
        }
    }
}

/// The setting cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadValidators {
    /// It is no list of objects with a `NAME`.
    Form,
    /// No validator has this name.
    Unknown,
    /// A validator has no such option, or not with this value.
    Option(&'static str),
}

impl fmt::Display for BadValidators {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => formatter.write_str(
                r#"every entry should be an object such as {"NAME": "…", "OPTIONS": {…}}"#,
            ),
            Self::Unknown => {
                formatter.write_str("not every NAME is known; there are")?;
                for (number, class) in CLASSES.iter().enumerate() {
                    let comma = if number == 0 { " " } else { ", " };
                    write!(formatter, "{comma}{MODULE}{class}")?;
                }
                Ok(())
            }
            Self::Option(wanted) => write!(formatter, "an option is not known: {wanted}"),
        }
    }
}

impl std::error::Error for BadValidators {}

const MODULE: &str = "django.contrib.auth.password_validation.";
const CLASSES: [&str; 4] = [
    "UserAttributeSimilarityValidator",
    "MinimumLengthValidator",
    "CommonPasswordValidator",
    "NumericPasswordValidator",
];

#[cfg(test)]
mod tests;
