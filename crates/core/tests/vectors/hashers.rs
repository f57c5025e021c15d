//! Every hasher of a release, at costs at which a table of rows takes no time (`vectors/hashers.py`).

use cloakroom_core::password::{Algorithm, Hasher, Hashers, MakeError, Verification};
use cloakroom_core::version::DjangoVersion;

use crate::rows::{Answer, Release, Row};

pub(crate) fn make(row: &Row, release: &Release) -> Answer {
    let (class, password, salt) = (row.text("hasher"), row.text("password"), row.text("salt"));
    let options = row.value("options").as_object().unwrap().iter();
    let options = options.map(|(name, value)| (name.as_str(), whole(value)));
    let hasher = of_release(class, release.version)
        .with_options(options)
        .unwrap();
    let made = Hashers::listed(hasher, []).make_with_salt(password.as_bytes(), salt);
    let ours = match made {
        Ok(encoded) => encoded,
        Err(MakeError::UnfitForBcrypt) if password.contains('\0') => "unfit".to_owned(),
        // Django has one word for a salt and for a password that do not do.
        Err(_) => "ValueError".to_owned(),
    };
    let django = row
        .maybe_text("error")
        .unwrap_or_else(|| row.text("encoded"));
    Answer::new(format!("{class} {password}"), django, ours)
}

pub(crate) fn verify(row: &Row, release: &Release) -> Answer {
    let (password, encoded) = (row.text("password"), row.text("encoded"));
    let preferred = row.text("preferred");
    // Django dropped the last three.
    let known = if release.name == "4.2" { 10 } else { 7 };
    let all = COSTS[..known].iter().map(|(class, _)| at_costs(class));
    let hashers = Hashers::listed(at_costs(preferred), all);
    let ours = match hashers.verify(password.as_bytes(), encoded) {
        Verification::Wrong => "wrong",
        Verification::Correct => "correct",
        Verification::CorrectButOutdated => "correct, renewed",
    };
    if row.has("error") {
        let long = password.len() > 72;
        let what = if long { "too long" } else { "damaged" };
        return Answer::new(format!("{preferred}: {what}"), "raises", ours);
    }
    let django = match (row.flag("correct"), row.flag("renewed")) {
        (false, false) => "wrong",
        (true, false) => "correct",
        (true, true) => "correct, renewed",
        (false, true) => "wrong, renewed",
    };
    Answer::new(format!("{password} {encoded}"), django, ours)
}

/// As in `vectors/hashers.py`.
const COSTS: [(&str, &[(&str, u32)]); 10] = [
    ("PBKDF2PasswordHasher", &[("iterations", 3)]),
    ("PBKDF2SHA1PasswordHasher", &[("iterations", 3)]),
    (
        "Argon2PasswordHasher",
        &[("time_cost", 2), ("memory_cost", 16), ("parallelism", 2)],
    ),
    ("BCryptSHA256PasswordHasher", &[("rounds", 5)]),
    ("BCryptPasswordHasher", &[("rounds", 5)]),
    (
        "ScryptPasswordHasher",
        &[("work_factor", 8), ("block_size", 2), ("parallelism", 2)],
    ),
    ("MD5PasswordHasher", &[]),
    ("SHA1PasswordHasher", &[]),
    ("UnsaltedMD5PasswordHasher", &[]),
    ("UnsaltedSHA1PasswordHasher", &[]),
];

fn at_costs(class: &str) -> Hasher {
    let costs = COSTS.iter().find(|(known, _)| *known == class).unwrap().1;
    of_release(class, DjangoVersion::LATEST)
        .with_options(costs.iter().copied())
        .unwrap()
}

fn of_release(class: &str, version: DjangoVersion) -> Hasher {
    let path = format!("django.contrib.auth.hashers.{class}");
    Hasher::new(Algorithm::parse(&path).unwrap(), version)
}

fn whole(value: &serde_json::Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}
