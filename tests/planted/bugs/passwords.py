"""Password hashes: their form, their cost, and which of them are to be made anew."""

from bug import Bug, core, vectors

PASSWORD = "crates/core/src/password.rs"

BOUND = core("password::tests::a_cost_beyond_the_bound_is_not_paid")
OUTDATED = core("password::tests::another_cost_or_a_weak_salt_is_outdated")
NO_HASH = core("password::tests::text_that_is_no_hash_verifies_nothing")

BUGS = [
    Bug(
        "the hash of a password is not padded",
        PASSWORD,
        "STANDARD.encode_string(*hash, &mut encoded)",
        "base64::engine::general_purpose::STANDARD_NO_PAD.encode_string(*hash, &mut encoded)",
        core("password::tests::a_hash_is_django_s"),
    ),
    Bug(
        "the hash of a password is in the alphabet for URLs",
        PASSWORD,
        "STANDARD.encode_string(*hash, &mut encoded)",
        "base64::engine::general_purpose::URL_SAFE.encode_string(*hash, &mut encoded)",
        vectors(),
    ),
    Bug(
        "passwords are hashed once more than is said",
        "crates/core/src/password/pbkdf2.rs",
        "for _ in 1..rounds.get() {",
        "for _ in 0..rounds.get() {",
        core("password::pbkdf2::tests::a_published_vector_agrees"),
    ),
    Bug(
        "any number of rounds is paid",
        PASSWORD,
        "stored.iterations <= self.most_iterations",
        "stored.iterations <= NonZeroU32::MAX",
        BOUND,
    ),
    Bug(
        "a hash with as many rounds as allowed is refused",
        PASSWORD,
        "stored.iterations <= self.most_iterations",
        "stored.iterations < self.most_iterations",
        BOUND,
    ),
    Bug(
        "salts have fewer than 128 bits",
        PASSWORD,
        "random::text(ALPHABET, SALT_LENGTH)?",
        "random::text(ALPHABET, 12)?",
        core("password::tests::each_hash_has_a_salt_of_its_own"),
    ),
    Bug(
        "a hash with more rounds than new ones is not outdated",
        PASSWORD,
        "stored.iterations != self.iterations",
        "stored.iterations < self.iterations",
        OUTDATED,
    ),
    Bug(
        "a salt of 128 bits is weak",
        PASSWORD,
        "self.salt.chars().count() < SALT_LENGTH",
        "self.salt.chars().count() <= SALT_LENGTH",
        OUTDATED,
    ),
    Bug(
        "the strength of a salt is that of its bytes",
        PASSWORD,
        "self.salt.chars().count() < SALT_LENGTH",
        "self.salt.len() < SALT_LENGTH",
        OUTDATED,
    ),
    Bug(
        "the beginning of a hash is enough",
        PASSWORD,
        "same(again.as_bytes(), encoded.as_bytes())",
        "again.starts_with(encoded)",
        NO_HASH,
    ),
    Bug(
        "only the last part of a hash is compared",
        PASSWORD,
        "same(again.as_bytes(), encoded.as_bytes())",
        "again.rsplit('$').next() == encoded.rsplit('$').next()",
        core("password::tests::nothing_stands_between_the_parts_of_a_hash"),
    ),
    Bug(
        "new hashes have the rounds of an older Django",
        "crates/core/src/version.rs",
        "_ => 1_500_000,",
        "_ => 1_200_000,",
        core("password::tests::the_cost_follows_the_release"),
    ),
]
