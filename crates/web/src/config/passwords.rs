//! The settings of passwords: which hashers, what they cost, what a new password must be.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use cloakroom_core::password::{Algorithm, Hasher, Hashers, Validators};

use super::apply::Profile;
use super::settings::of;
use super::{Config, ConfigError, Settings};

impl Config {
    /// After `DJANGO_VERSION`, whose costs are the defaults.
    pub(super) fn apply_passwords(
        &mut self,
        settings: &Settings,
        profile: Profile,
    ) -> Result<(), ConfigError> {
        let costs = Costs::read(settings)?;
        let algorithms = listed(settings)?.unwrap_or_else(|| {
            let mut algorithms = Algorithm::DJANGO.to_vec();
            // Who has said what PBKDF2 is to cost wants new hashes of it.
            if profile == Profile::Strict && costs.iterations.is_none() {
                algorithms.insert(0, Algorithm::Argon2);
            }
            algorithms
        });
        if let Some(stray) = costs.stray(&algorithms) {
            let problem = format!("names {}, which is not listed", stray.name());
            return Err(ConfigError::new("PASSWORD_HASHER_OPTIONS", problem));
        }
        let mut hashers = Vec::new();
        for algorithm in algorithms {
            let default = match (profile, algorithm) {
                (Profile::Strict, Algorithm::Argon2) => Hasher::ARGON2ID,
                _ => Hasher::new(algorithm, self.django_version),
            };
            hashers.push(costs.apply(default)?);
        }
        let mut hashers = hashers.into_iter();
        let preferred = hashers
            .next()
            .ok_or_else(|| ConfigError::new("PASSWORD_HASHERS", "wants at least one hasher"))?;
        if costs.names(preferred.algorithm()) {
            self.login.rehashes = true;
        }
        self.login.hashers = Hashers::listed(preferred, hashers);
        if let Some(validators) = settings.value("AUTH_PASSWORD_VALIDATORS") {
            self.login.validators = of("AUTH_PASSWORD_VALIDATORS", Validators::parse(validators))?;
        }
        Ok(())
    }
}

/// `PASSWORD_HASHERS`.
fn listed(settings: &Settings) -> Result<Option<Vec<Algorithm>>, ConfigError> {
    let paths: Option<Vec<String>> = settings.parsed("PASSWORD_HASHERS", "a list of texts")?;
    let parse = |paths: Vec<String>| {
        let algorithms = paths.iter().map(|path| Algorithm::parse(path));
        of("PASSWORD_HASHERS", algorithms.collect())
    };
    paths.map(parse).transpose()
}

/// What the settings say that hashes are to cost: `PBKDF2_ITERATIONS`, and `PASSWORD_HASHER_OPTIONS` by algorithm.
struct Costs {
    iterations: Option<NonZeroU32>,
    options: Vec<(Algorithm, BTreeMap<String, u32>)>,
}

impl Costs {
    fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let wanted = "an object of objects, such as {\"argon2\": {\"time_cost\": 3}}";
        let given: Option<BTreeMap<String, BTreeMap<String, u32>>> =
            settings.parsed("PASSWORD_HASHER_OPTIONS", wanted)?;
        let mut options = Vec::new();
        for (name, of_one) in given.unwrap_or_default() {
            options.push((
                of("PASSWORD_HASHER_OPTIONS", Algorithm::parse(&name))?,
                of_one,
            ));
        }
        Ok(Self {
            iterations: settings.parsed("PBKDF2_ITERATIONS", "a number above 0")?,
            options,
        })
    }

    /// An algorithm with options that is not among these.
    fn stray(&self, listed: &[Algorithm]) -> Option<Algorithm> {
        let mut named = self.options.iter().map(|(algorithm, _)| *algorithm);
        named.find(|algorithm| !listed.contains(algorithm))
    }

    /// Whether anything is said about this algorithm.
    fn names(&self, algorithm: Algorithm) -> bool {
        let by_iterations = self.iterations.is_some() && is_pbkdf2(algorithm);
        by_iterations || self.options.iter().any(|(named, _)| *named == algorithm)
    }

    fn apply(&self, hasher: Hasher) -> Result<Hasher, ConfigError> {
        let algorithm = hasher.algorithm();
        let iterations = self.iterations.filter(|_| is_pbkdf2(algorithm));
        let iterations = iterations.map(|iterations| ("iterations", iterations.get()));
        let hasher = of("PBKDF2_ITERATIONS", hasher.with_options(iterations))?;
        let own = self.options.iter().filter(|(named, _)| *named == algorithm);
        let own = own.flat_map(|(_, options)| options);
        let own = own.map(|(name, value)| (name.as_str(), *value));
        of("PASSWORD_HASHER_OPTIONS", hasher.with_options(own))
    }
}

/// Django's class for SHA-1 inherits the number of rounds from the one for SHA-256.
fn is_pbkdf2(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1)
}

#[cfg(test)]
mod tests {
    use cloakroom_core::secret::{SecretKey, Secrets};
    use cloakroom_core::version::DjangoVersion;
    use serde_json::{Value, json};

    use super::*;

    fn login(profile: &str, values: &[(&str, Value)]) -> super::super::LoginConfig {
        let key = SecretKey::new("fifty random characters that nobody else knows, say").unwrap();
        let mut settings = Settings::default().with_secrets(&Secrets::new(key));
        settings.set("PROFILE", json!(profile));
        for (name, value) in values {
            settings.set(*name, value.clone());
        }
        Config::from_settings(&settings).unwrap().login
    }

    fn latest(algorithm: Algorithm) -> Hasher {
        Hasher::new(algorithm, DjangoVersion::LATEST)
    }

    /// P3.
    #[test]
    fn strict_prefers_argon2_and_reads_what_django_reads() {
        let [first, ..] = Algorithm::DJANGO;
        let django = Hashers::listed(latest(first), Algorithm::DJANGO.map(latest));
        assert_eq!(login("shared", &[]).hashers, django);
        assert_eq!(login("django", &[]).hashers, django);
        assert_eq!(
            login("strict", &[]).hashers,
            django.preferring(Hasher::ARGON2ID)
        );
        let made = login("strict", &[]).hashers.make(b"word").unwrap();
        assert!(
            made.starts_with("argon2$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
    }

    #[test]
    fn who_says_what_pbkdf2_costs_gets_pbkdf2() {
        for profile in ["strict", "shared", "django"] {
            let login = login(profile, &[("PBKDF2_ITERATIONS", json!(7))]);
            let made = login.hashers.make(b"word").unwrap();
            assert!(made.starts_with("pbkdf2_sha256$7$"), "{made}");
            assert!(login.rehashes, "{profile}");
        }
    }

    #[test]
    fn the_list_and_its_costs_are_as_set() {
        let path = "django.contrib.auth.hashers.ScryptPasswordHasher";
        let options = json!({"scrypt": {"work_factor": 4, "parallelism": 1}});
        let login = login(
            "shared",
            &[
                ("PASSWORD_HASHERS", json!([path, "md5"])),
                ("PASSWORD_HASHER_OPTIONS", options),
            ],
        );
        let scrypt = latest(Algorithm::Scrypt)
            .with_options([("work_factor", 4), ("parallelism", 1)])
            .unwrap();
        assert_eq!(
            login.hashers,
            Hashers::listed(scrypt, [latest(Algorithm::Md5)])
        );
        assert!(login.rehashes);
    }

    #[test]
    fn beside_a_django_nothing_is_hashed_anew_unless_the_preferred_cost_is_set() {
        let rows = [
            (vec![], false),
            (vec![("PASSWORD_HASHERS", json!(["argon2", "md5"]))], false),
            (
                vec![(
                    "PASSWORD_HASHER_OPTIONS",
                    json!({"argon2": {"time_cost": 3}}),
                )],
                false,
            ),
            (
                vec![(
                    "PASSWORD_HASHER_OPTIONS",
                    json!({"pbkdf2_sha256": {"iterations": 9}}),
                )],
                true,
            ),
            (
                vec![
                    ("PASSWORD_HASHERS", json!(["argon2", "pbkdf2_sha256"])),
                    ("PBKDF2_ITERATIONS", json!(9)),
                ],
                false,
            ),
        ];
        for (values, rehashes) in rows {
            assert_eq!(login("shared", &values).rehashes, rehashes, "{values:?}");
            assert!(login("strict", &values).rehashes);
        }
    }

    /// P1.
    #[test]
    fn strict_asks_for_twelve_characters_and_others_for_what_is_set() {
        assert_eq!(login("strict", &[]).validators, Validators::strict());
        assert_eq!(login("shared", &[]).validators, Validators::default());
        assert_eq!(login("django", &[]).validators, Validators::default());
        let name = "django.contrib.auth.password_validation.MinimumLengthValidator";
        let list = json!([{"NAME": name, "OPTIONS": {"min_length": 3}}]);
        for profile in ["strict", "shared"] {
            let login = login(profile, &[("AUTH_PASSWORD_VALIDATORS", list.clone())]);
            assert_eq!(login.validators, Validators::parse(&list).unwrap());
            let none = super::tests::login(profile, &[("AUTH_PASSWORD_VALIDATORS", json!([]))]);
            assert_eq!(none.validators, Validators::default());
        }
    }
}
