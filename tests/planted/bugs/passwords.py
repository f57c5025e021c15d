"""Password hashes: their form, their cost, and which of them are to be made anew; and who gets a new password how."""

from bug import Bug, core, pages, vectors

PASSWORD = "crates/core/src/password.rs"
LETTERS = "crates/web/src/pages/reset_mail.rs"
PBKDF2 = "crates/core/src/password/pbkdf2.rs"
POLICY = "crates/core/src/password/policy.rs"
RECIPE = "crates/core/src/password/recipe.rs"
SALT = "crates/core/src/password/salt.rs"

BOUND = core("password::tests::a_cost_beyond_the_bound_is_not_paid")
OUTDATED = core("password::tests::another_cost_or_a_weak_salt_is_outdated")
NO_HASH = core("password::tests::text_that_is_no_hash_verifies_nothing")
CHANGED = pages("login_pages::a_new_password_wants_the_old_one_and_ends_the_other_sessions")
NOBODY_LEARNS = pages("login_pages::nobody_learns_whether_an_address_has_an_account")

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
    Bug(
        "only the first thousand common passwords are refused",
        "crates/core/src/password/validation/common.rs",
        "text.lines().map(|line| line.trim().into()).collect()",
        "text.lines().take(1000).map(|line| line.trim().into()).collect()",
        core(
            "password::validation::common::tests::"
            "the_most_common_passwords_of_every_allowed_length_are_refused_with_the_reason"
        ),
    ),
    Bug(
        "a new password wants any text for the old one",
        "crates/web/src/pages/password_change.rs",
        "} else if !auth.check_password(&user, old.as_bytes()).await? {",
        "} else if !auth.check_password(&user, old.as_bytes()).await? && old.is_empty() {",
        CHANGED,
    ),
    Bug(
        "the letter about a new password goes to the site",
        LETTERS,
        "let mail = Mail::new(&*site.config.mail_from, &*user.email, subject, text);",
        "let mail = Mail::new(&*site.config.mail_from, &*site.config.mail_from, subject, text);",
        CHANGED,
    ),
    Bug(
        "who asks for a letter learns that it could not be sent",
        "crates/web/src/pages/password_reset.rs",
        "    reset_mail::send_links(auth.visit.site(), email, &prefix);\n",
        """    let site = auth.visit.site();
    if let Some(mailer) = &site.mailer {
        for user in site.users.by_email(email).await? {
            let from = &*site.config.mail_from;
            let mail = crate::mail::Mail::new(from, &*user.email, "A new password", prefix.as_str());
            if cloakroom_core::password::is_password_usable(&user.password)
                && mailer.send(&mail).await.is_err()
            {
                return Err(Error::busy());
            }
        }
    }
""",
        NOBODY_LEARNS,
    ),
    Bug(
        "a letter goes to an address with a dotless i, as it was typed",
        "crates/stores/src/sqlite/users.rs",
        """            .find_users(|users| users.by_email.as_deref(), typed)
            .await?;
        found.retain(|user| same_email(typed, &user.email));
""",
        """            .find_users(|users| users.by_email.as_deref(), &typed.replace('\\u{131}', "i"))
            .await?;
        for user in &mut found {
            user.email = typed.into();
        }
""",
        NOBODY_LEARNS,
    ),
]
