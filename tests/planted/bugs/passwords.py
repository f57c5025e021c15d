"""Password hashes: their form, their cost, and which of them are to be made anew."""

from bug import Bug, core, vectors

PASSWORD = "crates/core/src/password.rs"
PBKDF2 = "crates/core/src/password/pbkdf2.rs"
POLICY = "crates/core/src/password/policy.rs"
RECIPE = "crates/core/src/password/recipe.rs"
SALT = "crates/core/src/password/salt.rs"

BOUND = core("password::tests::a_cost_beyond_the_bound_is_not_paid")
OUTDATED = core("password::tests::another_cost_or_a_weak_salt_is_outdated")
NO_HASH = core("password::tests::text_that_is_no_hash_verifies_nothing")

BUGS = [
    Bug(
        "the hash of a password is not padded",
        PBKDF2,
        "STANDARD.encode_string(&*Zeroizing::new(hash), &mut encoded)",
        "base64::engine::general_purpose::STANDARD_NO_PAD.encode_string(&*Zeroizing::new(hash), &mut encoded)",
        core("password::tests::a_hash_is_django_s"),
    ),
    Bug(
        "the hash of a password is in the alphabet for URLs",
        PBKDF2,
        "STANDARD.encode_string(&*Zeroizing::new(hash), &mut encoded)",
        "base64::engine::general_purpose::URL_SAFE.encode_string(&*Zeroizing::new(hash), &mut encoded)",
        vectors(),
    ),
    Bug(
        "passwords are hashed once more than is said",
        "crates/core/src/password/pbkdf2/sha256.rs",
        "for _ in 1..rounds.get() {",
        "for _ in 0..rounds.get() {",
        core("password::pbkdf2::sha256::tests::a_published_vector_agrees"),
    ),
    Bug(
        "any number of rounds is paid",
        POLICY,
        "iterations.get() <= self.iterations,",
        "iterations.get() <= u32::MAX,",
        BOUND,
    ),
    Bug(
        "a hash with as many rounds as allowed is refused",
        POLICY,
        "iterations.get() <= self.iterations,",
        "iterations.get() < self.iterations,",
        BOUND,
    ),
    Bug(
        "salts have fewer than 128 bits",
        SALT,
        "random::text(ALPHABET, LENGTH)",
        "random::text(ALPHABET, 12)",
        core("password::tests::each_hash_has_a_salt_of_its_own"),
    ),
    Bug(
        "a hash with more rounds than new ones is not outdated",
        RECIPE,
        "form || self.cost() != preferred",
        "form || matches!((self.cost(), preferred), (Cost::Pbkdf2 { iterations: one }, Cost::Pbkdf2 { iterations: other }) if one < other)",
        OUTDATED,
    ),
    Bug(
        "a salt of 128 bits is weak",
        SALT,
        "characters < LENGTH",
        "characters <= LENGTH",
        OUTDATED,
    ),
    Bug(
        "the strength of a salt is that of its bytes",
        RECIPE,
        "salt::is_weak(recipe.salt.chars().count())",
        "salt::is_weak(recipe.salt.len())",
        OUTDATED,
    ),
    Bug(
        "the beginning of a hash is enough",
        PASSWORD,
        "same(Zeroizing::new(again).as_bytes(), stored.as_bytes())",
        "again.starts_with(stored)",
        NO_HASH,
    ),
    Bug(
        "only the last part of a hash is compared",
        PASSWORD,
        "same(Zeroizing::new(again).as_bytes(), stored.as_bytes())",
        "again.rsplit('$').next() == stored.rsplit('$').next()",
        core("password::tests::nothing_stands_between_the_parts_of_a_hash"),
    ),
    Bug(
        "plain bcrypt reads the first 72 bytes",
        "crates/core/src/password/bcrypt.rs",
        "password.len() > LONGEST || password.contains(&0)",
        "password.contains(&0)",
        core("password::tests::plain_bcrypt_refuses_what_it_would_not_read"),
    ),
    Bug(
        "what Argon2 wrote stays in the memory that is kept",
        "crates/core/src/password/argon2/memory.rs",
        "piece.fill(Block::new());",
        "",
        core("password::argon2::memory::tests::what_new_hashes_need_is_kept_wiped_and_given_back_when_asked"),
    ),
    Bug(
        "scrypt's memory has no bound",
        POLICY,
        "Cost::Scrypt(cost) => cost.memory() <= self.memory && cost.work() <= self.scrypt_work,",
        "Cost::Scrypt(cost) => cost.work() <= self.scrypt_work,",
        core("password::tests::each_algorithm_has_its_bound"),
    ),
    Bug(
        "an Argon2 hash of an older version is not outdated",
        "crates/core/src/password/argon2.rs",
        "&& self.version == Version::V0x13",
        "",
        vectors(),
    ),
    Bug(
        "an algorithm that is not listed verifies",
        PASSWORD,
        ".filter(|algorithm| self.all().any(|hasher| hasher.algorithm == *algorithm));",
        ".filter(|_| true);",
        core("password::tests::every_hasher_reads_what_it_makes_and_is_outdated_beside_another"),
    ),
    Bug(
        "a common password in upper case is not common",
        "crates/core/src/password/validation/common.rs",
        "password.to_lowercase()",
        "password.to_owned()",
        core("password::validation::tests::messages_are_django_s_in_the_singular_and_the_plural"),
    ),
    Bug(
        "only the first problem of a password is told",
        "crates/core/src/password/validation.rs",
        "self.0.iter().filter_map(problem).collect()",
        "self.0.iter().filter_map(problem).take(1).collect()",
        core("password::validation::tests::every_problem_is_told_in_order"),
    ),
    Bug(
        "new hashes have the rounds of an older Django",
        "crates/core/src/version.rs",
        "_ => 1_500_000,",
        "_ => 1_200_000,",
        core("password::tests::the_cost_follows_the_release"),
    ),
]
