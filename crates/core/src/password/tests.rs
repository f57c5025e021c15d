use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

type Options = &'static [(&'static str, u32)];

const SALT: &str = "seasalt1234567890abcdef";
const BCRYPT_SALT: &str = "abcdefghijklmnopqrstuu";

/// Hashers that are quick enough for a test.
fn hashers(iterations: u32) -> Hashers {
    Hashers::new(DjangoVersion::LATEST).with_iterations(NonZeroU32::new(iterations).unwrap())
}

fn latest(algorithm: &str) -> Hasher {
    Hasher::new(Algorithm::parse(algorithm).unwrap(), DjangoVersion::LATEST)
}

/// Every hasher at a cost that is quick enough for a test.
fn quick(algorithm: Algorithm) -> Hasher {
    let options: &[(&str, u32)] = match algorithm {
        Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 => &[("iterations", 3)],
        Algorithm::Argon2 => &[("time_cost", 1), ("memory_cost", 16), ("parallelism", 2)],
        Algorithm::BcryptSha256 | Algorithm::Bcrypt => &[("rounds", 4)],
        Algorithm::Scrypt => &[("work_factor", 4), ("block_size", 2), ("parallelism", 1)],
        _ => &[],
    };
    let hasher = Hasher::new(algorithm, DjangoVersion::LATEST);
    hasher.with_options(options.iter().copied()).unwrap()
}

#[test]
fn a_hash_is_django_s() {
    let rows = [
        (
            "pbkdf2_sha256",
            SALT,
            "pbkdf2_sha256$1500000$seasalt1234567890abcdef$NObDYa6voe825lhLDo08aJm78gtZYbCVrW5XBo1FIPU=",
        ),
        (
            "pbkdf2_sha1",
            SALT,
            "pbkdf2_sha1$1500000$seasalt1234567890abcdef$f9ofXR1qR+RhjsImprTbvZq+lI4=",
        ),
        (
            "scrypt",
            SALT,
            "scrypt$16384$seasalt1234567890abcdef$8$5$37GaH0rgpyCbGmjOcfhgNAG9FpXy+6FDDVrevAmPLLMYlqcm5huqAUNwFrMHjFxz0hZEDc10CYVdzUCnhyY79g==",
        ),
        (
            "argon2",
            SALT,
            "argon2$argon2id$v=19$m=102400,t=2,p=8$c2Vhc2FsdDEyMzQ1Njc4OTBhYmNkZWY$jl9orhXMysiIJn44PtM3qlIWF0ZjcXHqCwevKvNFSkc",
        ),
        (
            "bcrypt_sha256",
            BCRYPT_SALT,
            "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuuVrQ4zCyEDfwKOXCre954in7jn/y/.ua",
        ),
        (
            "bcrypt",
            BCRYPT_SALT,
            "bcrypt$$2b$12$abcdefghijklmnopqrstuupd4kvGe1RE7cUAJBlAgNLjj8dnLUqIu",
        ),
        (
            "md5",
            SALT,
            "md5$seasalt1234567890abcdef$e9f0a2f6bccca530b61391c046a2c75c",
        ),
        (
            "sha1",
            SALT,
            "sha1$seasalt1234567890abcdef$b88afb6c0da391a72a9d9057bc527f8ff2e052b4",
        ),
        ("unsalted_md5", "", "88a434c88cca4e900f7874cd98123f43"),
        (
            "unsalted_sha1",
            "",
            "sha1$$6d138ca3ae545631b3abd71a4f076ce759c5700b",
        ),
    ];
    for (name, salt, encoded) in rows {
        let hashers = Hashers::listed(latest(name), []);
        let made = hashers.make_with_salt("lètmein".as_bytes(), salt).unwrap();
        assert_eq!(made, encoded);
        let verify = |password: &str| hashers.verify(password.as_bytes(), encoded);
        assert_eq!(verify("lètmein"), Verification::Correct, "{encoded}");
        assert_eq!(verify("lètmeim"), Verification::Wrong, "{encoded}");
    }
}

#[test]
fn the_cost_follows_the_release() {
    for (version, iterations, parallelism) in [
        ("4.2.30", 600_000, 1),
        ("5.0.14", 720_000, 1),
        ("5.1", 870_000, 5),
        ("5.2", 1_000_000, 5),
        ("6.1", 1_500_000, 5),
    ] {
        let hashers = Hashers::new(version.parse().unwrap());
        let expected = |algorithm: &str, options: &[(&str, u32)]| {
            latest(algorithm)
                .with_options(options.iter().copied())
                .unwrap()
        };
        let expected = [
            expected("pbkdf2_sha256", &[("iterations", iterations)]),
            expected("pbkdf2_sha1", &[("iterations", iterations)]),
            expected(
                "argon2",
                &[
                    ("time_cost", 2),
                    ("memory_cost", 102_400),
                    ("parallelism", 8),
                ],
            ),
            expected("bcrypt_sha256", &[("rounds", 12)]),
            expected(
                "scrypt",
                &[
                    ("work_factor", 16_384),
                    ("block_size", 8),
                    ("parallelism", parallelism),
                ],
            ),
        ];
        assert!(hashers.all().eq(expected), "{version}");
    }
}

#[test]
fn what_was_made_verifies_and_nothing_else_does() {
    let hashers = hashers(3);
    let long = [b'a'; 4096];
    let mut almost = long;
    almost[4095] = b'b';
    let passwords: [&[u8]; 8] = [
        b"",
        b"a",
        b"\0a",
        b"a\0b",
        "pässwörd".as_bytes(),
        b"\xff\xfe",
        &long,
        &almost,
    ];
    for password in passwords {
        let encoded = hashers.make(password).unwrap();
        for other in passwords {
            let expected = if other == password {
                Verification::Correct
            } else {
                Verification::Wrong
            };
            assert_eq!(hashers.verify(other, &encoded), expected);
        }
    }
}

#[test]
fn a_nul_at_the_end_does_not_count_as_in_django() {
    // HMAC fills a short key with zeros, so PBKDF2 itself cannot tell these apart.
    let encoded = hashers(3).make(b"word").unwrap();
    assert_eq!(
        hashers(3).verify(b"word\0", &encoded),
        Verification::Correct
    );
    assert_eq!(hashers(3).verify(b"\0word", &encoded), Verification::Wrong);
}

#[test]
fn each_hash_has_a_salt_of_its_own() {
    let one = hashers(1).make(b"word").unwrap();
    let two = hashers(1).make(b"word").unwrap();
    assert_ne!(one, two);
    let parts: Vec<&str> = one.split('$').collect();
    assert_eq!(parts[..2], ["pbkdf2_sha256", "1"]);
    assert_eq!(parts[2].len(), 22);
    assert!(parts[2].bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(parts[3].len(), 44);
}

/// P3.
#[test]
fn another_cost_or_a_weak_salt_is_outdated() {
    let rows = [
        (10, SALT, Verification::Correct),
        (9, SALT, Verification::CorrectButOutdated),
        (11, SALT, Verification::CorrectButOutdated),
        (10, "aaaaaaaaaaaaaaaaaaaaaa", Verification::Correct),
        (
            10,
            "aaaaaaaaaaaaaaaaaaaaa",
            Verification::CorrectButOutdated,
        ),
        (10, "éééééééééééé", Verification::CorrectButOutdated),
        (10, "s", Verification::CorrectButOutdated),
    ];
    for (iterations, salt, expected) in rows {
        let encoded = hashers(iterations).make_with_salt(b"word", salt).unwrap();
        assert_eq!(hashers(10).verify(b"word", &encoded), expected, "{encoded}");
        assert_eq!(hashers(10).verify(b"sword", &encoded), Verification::Wrong);
    }
}

#[test]
fn text_that_is_no_hash_verifies_nothing() {
    let good = hashers(10).make_with_salt(b"word", SALT).unwrap();
    let respelled = |iterations: &str| good.replacen("$10$", &format!("${iterations}$"), 1);
    assert_eq!(respelled("10"), good);
    let texts = [
        String::new(),
        "!".to_owned(),
        format!("!{good}"),
        unusable_password().unwrap(),
        "word".to_owned(),
        "$".to_owned(),
        "$$$".to_owned(),
        "pbkdf2_sha256".to_owned(),
        "pbkdf2_sha256$".to_owned(),
        "pbkdf2_sha256$10$".to_owned(),
        format!("pbkdf2_sha256$10${SALT}"),
        format!("pbkdf2_sha256$10${SALT}$"),
        "pbkdf2_sha256$10$$hash".to_owned(),
        good.replacen("sha256", "sha1", 1),
        good.replacen("sha256", "sha512", 1),
        good.replacen("pbkdf2", "PBKDF2", 1),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}$"),
        format!("{good}="),
        good.trim_end_matches('=').to_owned(),
        respelled("0"),
        respelled("010"),
        respelled("+10"),
        respelled("-10"),
        respelled(" 10"),
        respelled("1_0"),
        respelled("١٠"),
        respelled(""),
        respelled("10.0"),
        respelled("4294967295"),
        respelled("4294967296"),
        respelled("18446744073709551626"),
        "md5$salt$hash".to_owned(),
        "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
        "argon2$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdA$aGFzaA".to_owned(),
        "\u{1f9e5}".repeat(32),
    ];
    for text in texts {
        for password in [b"word".as_slice(), b"", text.as_bytes()] {
            assert_eq!(
                hashers(10).verify(password, &text),
                Verification::Wrong,
                "{text}"
            );
        }
    }
}

#[test]
fn nothing_stands_between_the_parts_of_a_hash() {
    let good = hashers(10).make_with_salt(b"word", SALT).unwrap();
    let (head, hash) = good.rsplit_once('$').unwrap();
    assert_eq!(hashers(10).verify(b"word", &good), Verification::Correct);
    for between in ["$", "$$", "x$"] {
        let text = format!("{head}${between}{hash}");
        assert_eq!(
            hashers(10).verify(b"word", &text),
            Verification::Wrong,
            "{text}"
        );
    }
}

#[test]
fn a_cost_beyond_the_bound_is_not_paid() {
    let mut policy = Policy::DEFAULT;
    policy.iterations = 20;
    let bounded = hashers(10).with_policy(policy);
    for (iterations, expected) in [
        (20, Verification::CorrectButOutdated),
        (21, Verification::Wrong),
    ] {
        let encoded = hashers(iterations).make_with_salt(b"word", SALT).unwrap();
        // The other hashers of the list cost more than this policy pays.
        let pbkdf2 = Hashers::listed(bounded.preferred, []).with_policy(policy);
        assert_eq!(pbkdf2.verify(b"word", &encoded), expected, "{iterations}");
    }
    let own = Hashers::listed(hashers(30).preferred, []).with_policy(policy);
    let encoded = own.make(b"word").unwrap();
    assert_eq!(own.verify(b"word", &encoded), Verification::Correct);
}

/// CVE-2022-22976.
#[test]
fn each_algorithm_has_its_bound() {
    let policy = Policy {
        iterations: 3,
        memory: 16 << 10,
        argon2_work: 32,
        scrypt_work: 66,
        bcrypt_rounds: 5,
    };
    let rows: [(&str, Options, bool); 12] = [
        ("pbkdf2_sha256", &[("iterations", 3)], true),
        ("pbkdf2_sha1", &[("iterations", 4)], false),
        ("argon2", &[("memory_cost", 16), ("parallelism", 1)], true),
        (
            "argon2",
            &[("memory_cost", 17), ("parallelism", 1), ("time_cost", 1)],
            false,
        ),
        (
            "argon2",
            &[("memory_cost", 16), ("parallelism", 1), ("time_cost", 3)],
            false,
        ),
        ("bcrypt_sha256", &[("rounds", 5)], true),
        ("bcrypt", &[("rounds", 6)], false),
        (
            "scrypt",
            &[("work_factor", 16), ("block_size", 4), ("parallelism", 1)],
            true,
        ),
        (
            "scrypt",
            &[("work_factor", 16), ("block_size", 4), ("parallelism", 2)],
            false,
        ),
        (
            "scrypt",
            &[("work_factor", 32), ("block_size", 4), ("parallelism", 1)],
            false,
        ),
        (
            "scrypt",
            &[("work_factor", 2), ("block_size", 32), ("parallelism", 1)],
            true,
        ),
        (
            "scrypt",
            &[("work_factor", 2), ("block_size", 33), ("parallelism", 1)],
            false,
        ),
    ];
    for (name, options, paid) in rows {
        let hasher = latest(name).with_options(options.iter().copied()).unwrap();
        assert_eq!(policy.pays(hasher.cost), paid, "{name} {options:?}");
        assert!(
            policy.paying(hasher.cost).pays(hasher.cost),
            "{name} {options:?}"
        );
    }
}

/// CVE-2022-22976.
#[test]
fn what_asks_for_too_much_is_refused_at_once() {
    // With a preferred hasher that takes no time, what is left is what the texts cost.
    let hashers = Algorithm::ALL
        .into_iter()
        .map(|algorithm| Hasher::new(algorithm, DjangoVersion::LATEST))
        .fold(
            Hashers::listed(quick(Algorithm::Md5), []),
            Hashers::accepting,
        );
    let hash = "A".repeat(43);
    for encoded in [
        format!("argon2$argon2id$v=19$m=4294967295,t=1,p=1$c2Vhc2FsdHNlYXNhbHQ${hash}"),
        format!("argon2$argon2id$v=19$m=8,t=4294967295,p=1$c2Vhc2FsdHNlYXNhbHQ${hash}"),
        format!(
            "argon2$argon2id$v=19$m=4294967295,t=4294967295,p=16777215$c2Vhc2FsdHNlYXNhbHQ${hash}"
        ),
        format!("pbkdf2_sha256$4294967295${SALT}${hash}="),
        format!("pbkdf2_sha1$4294967295${SALT}$AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        format!("bcrypt$$2b$31${BCRYPT_SALT}{}", &hash[..31]),
        format!("bcrypt_sha256$$2b$31${BCRYPT_SALT}{}", &hash[..31]),
        format!("scrypt$1073741824${SALT}$8$1${hash}{hash}=="),
        format!("scrypt$2147483648${SALT}$4294967295$4294967295${hash}{hash}=="),
        format!("scrypt$16384${SALT}$8$4294967295${hash}{hash}=="),
        format!("scrypt$2${SALT}$4294967295$1${hash}{hash}=="),
    ] {
        let before = Instant::now();
        for _ in 0..1000 {
            assert_eq!(hashers.verify(b"word", &encoded), Verification::Wrong);
        }
        // A millisecond each; the cheapest of them would take seconds if it were paid.
        assert!(before.elapsed() < Duration::from_secs(1), "{encoded}");
    }
}

/// CVE-2013-1443: a long password is digested once, and not in each round.
#[test]
fn a_megabyte_of_password_costs_little_more_than_a_word() {
    let megabyte = vec![b'x'; 1 << 20];
    let costly = [
        (Algorithm::Pbkdf2Sha256, [("iterations", 20_000)].as_slice()),
        (Algorithm::Pbkdf2Sha1, &[("iterations", 20_000)]),
        (Algorithm::BcryptSha256, &[("rounds", 8)]),
        (Algorithm::Argon2, &[("memory_cost", 1024)]),
        (Algorithm::Scrypt, &[("work_factor", 1024)]),
    ];
    for (algorithm, options) in costly {
        let hasher = quick(algorithm).with_options(options.iter().copied());
        let hashers = Hashers::listed(hasher.unwrap(), []);
        let before = Instant::now();
        let encoded = hashers.make(&megabyte).unwrap();
        assert_eq!(hashers.verify(&megabyte, &encoded), Verification::Correct);
        assert_eq!(
            hashers.verify(&megabyte[1..], &encoded),
            Verification::Wrong
        );
        // Twenty thousand megabytes would take a minute.
        assert!(before.elapsed() < Duration::from_secs(5), "{algorithm:?}");
    }
}

#[test]
fn memory_is_what_the_policy_allows() {
    let version = DjangoVersion::LATEST;
    assert_eq!(Hashers::new(version).memory(), Policy::DEFAULT.memory);
    let only = |hasher: Hasher| Hashers::listed(hasher, []);
    assert_eq!(only(latest("pbkdf2_sha256")).memory(), FRUGAL);
    assert_eq!(only(latest("bcrypt")).memory(), FRUGAL);
    let options = [("memory_cost", 1 << 20)];
    let large = latest("argon2").with_options(options).unwrap();
    assert_eq!(only(large).memory(), 1 << 30);
    let mut policy = Policy::DEFAULT;
    policy.memory = 0;
    assert_eq!(
        only(Hasher::ARGON2ID).with_policy(policy).memory(),
        19 << 20
    );
}

#[test]
fn salts_that_would_move_the_parts_are_refused() {
    for salt in ["", "$", "a$b"] {
        for algorithm in [
            "pbkdf2_sha256",
            "pbkdf2_sha1",
            "argon2",
            "scrypt",
            "md5",
            "sha1",
        ] {
            if algorithm == "argon2" && !salt.is_empty() {
                continue;
            }
            let made = Hashers::listed(quick(Algorithm::parse(algorithm).unwrap()), [])
                .make_with_salt(b"word", salt);
            assert!(
                matches!(made, Err(MakeError::BadSalt)),
                "{algorithm} {salt}"
            );
        }
    }
}

#[test]
fn an_unusable_password_is_django_s() {
    let encoded = unusable_password().unwrap();
    assert_eq!(encoded.len(), 41);
    assert!(encoded.starts_with('!'));
    assert!(
        encoded[1..]
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
    );
    assert_ne!(encoded, unusable_password().unwrap());
    for (text, usable) in [("!", false), ("!abc", false), ("", true), ("a!", true)] {
        assert_eq!(is_password_usable(text), usable, "{text}");
    }
}

#[test]
fn md5_verifies_where_it_is_accepted_and_is_always_outdated() {
    let accepting = hashers(10).accepting(latest("md5"));
    // Django's `MD5PasswordHasher`.
    let rows = [
        ("lètmein", "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3"),
        (
            "lètmein",
            "md5$seasalt1234567890abcdef$e9f0a2f6bccca530b61391c046a2c75c",
        ),
        (
            "",
            "md5$seasalt1234567890abcdef$f886cb25427c672dc39022830b5c82d9",
        ),
    ];
    for (password, encoded) in rows {
        let verify =
            |hashers: &Hashers, password: &str| hashers.verify(password.as_bytes(), encoded);
        assert_eq!(
            verify(&accepting, password),
            Verification::CorrectButOutdated
        );
        assert_eq!(verify(&accepting, "letmein"), Verification::Wrong);
        assert_eq!(
            verify(&hashers(10), password),
            Verification::Wrong,
            "off by default"
        );
    }
    assert!(
        accepting
            .make(b"word")
            .unwrap()
            .starts_with("pbkdf2_sha256$10$")
    );
}

#[test]
fn text_that_is_no_md5_hash_verifies_nothing() {
    let accepting = hashers(10).accepting(latest("md5"));
    for encoded in [
        "md5$$b75bd008d5fecb1f50cf026532e8ae67",
        "md5$seasalt$3F86D0D3D465B7B458C231BF3555C0E3",
        "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3$",
        "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e",
        "md5$seasalt$",
        "md5$seasalt",
        "md5$",
        "md5",
        "3f86d0d3d465b7b458c231bf3555c0e3",
    ] {
        let verification = accepting.verify("lètmein".as_bytes(), encoded);
        assert_eq!(verification, Verification::Wrong, "{encoded}");
    }
}

#[test]
fn every_hasher_reads_what_it_makes_and_is_outdated_beside_another() {
    for algorithm in Algorithm::ALL {
        let own = Hashers::listed(quick(algorithm), []);
        let encoded = own.make(b"word").unwrap();
        let before = hashers(10);
        let other = before.clone().accepting(quick(algorithm));
        assert_eq!(
            own.verify(b"word", &encoded),
            Verification::Correct,
            "{encoded}"
        );
        assert_eq!(
            own.verify(b"sword", &encoded),
            Verification::Wrong,
            "{encoded}"
        );
        let expected = Verification::CorrectButOutdated;
        assert_eq!(other.verify(b"word", &encoded), expected, "{encoded}");
        assert_eq!(other.verify(b"sword", &encoded), Verification::Wrong);
        let listed = Algorithm::DJANGO.contains(&algorithm);
        assert_eq!(
            before.verify(b"word", &encoded) == expected,
            listed,
            "{encoded}"
        );
    }
}

#[test]
fn another_cost_of_any_kind_is_outdated() {
    let rows: [(&str, &[(&str, u32)]); 9] = [
        ("pbkdf2_sha1", &[("iterations", 4)]),
        ("argon2", &[("time_cost", 2)]),
        ("argon2", &[("memory_cost", 24)]),
        ("argon2", &[("parallelism", 1)]),
        ("bcrypt", &[("rounds", 5)]),
        ("bcrypt_sha256", &[("rounds", 5)]),
        ("scrypt", &[("work_factor", 8)]),
        ("scrypt", &[("block_size", 1)]),
        ("scrypt", &[("parallelism", 2)]),
    ];
    for (name, options) in rows {
        let hasher = quick(Algorithm::parse(name).unwrap());
        let another = hasher.with_options(options.iter().copied()).unwrap();
        for (one, other) in [(hasher, another), (another, hasher)] {
            let encoded = Hashers::listed(one, []).make(b"word").unwrap();
            let found = Hashers::listed(other, []).verify(b"word", &encoded);
            assert_eq!(found, Verification::CorrectButOutdated, "{encoded}");
        }
    }
}

/// CVE-2025-22228.
#[test]
fn plain_bcrypt_refuses_what_it_would_not_read() {
    let plain = Hashers::listed(quick(Algorithm::Bcrypt), []);
    let longest = [b'a'; 72];
    let encoded = plain.make(&longest).unwrap();
    assert_eq!(plain.verify(&longest, &encoded), Verification::Correct);
    assert_eq!(plain.verify(&longest[1..], &encoded), Verification::Wrong);
    for unfit in [[b'a'; 73].as_slice(), b"a\0a", b"\0"] {
        let made = plain.make(unfit);
        assert!(matches!(made, Err(MakeError::UnfitForBcrypt)));
        for fit in [longest.as_slice(), b"a", b""] {
            let encoded = plain.make(fit).unwrap();
            assert_eq!(plain.verify(unfit, &encoded), Verification::Wrong);
        }
        plain.spend(unfit);
        let hashed = Hashers::listed(quick(Algorithm::BcryptSha256), []);
        let encoded = hashed.make(unfit).unwrap();
        assert_eq!(hashed.verify(unfit, &encoded), Verification::Correct);
        assert_eq!(hashed.verify(&longest, &encoded), Verification::Wrong);
    }
}

#[test]
fn entries_are_django_s_paths_or_names() {
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::parse(algorithm.name()), Ok(algorithm));
        let path = UnknownHasher.to_string();
        let mut paths = path.split(", ").filter_map(|word| word.rsplit(' ').next());
        assert!(paths.any(|path| Algorithm::parse(path) == Ok(algorithm)));
    }
    for unknown in [
        "",
        "Argon2PasswordHasher",
        "django.contrib.auth.hashers.",
        "django.contrib.auth.hashers.argon2",
        "django.contrib.auth.hashers.CryptPasswordHasher",
        "site.hashers.Argon2PasswordHasher",
        "ARGON2",
    ] {
        assert_eq!(Algorithm::parse(unknown), Err(UnknownHasher), "{unknown}");
    }
}

#[test]
fn the_form_of_a_text_tells_its_algorithm() {
    let digits = "5f4dcc3b5aa765d61d8327deb882cf99";
    let rows = [
        (digits.to_owned(), Some(Algorithm::UnsaltedMd5)),
        ("é".repeat(32), Some(Algorithm::UnsaltedMd5)),
        (format!("md5$${digits}"), Some(Algorithm::UnsaltedMd5)),
        (format!("md5$${digits}0"), Some(Algorithm::Md5)),
        (format!("md5$${}", &digits[1..]), Some(Algorithm::Md5)),
        (format!("md5$s${}", &digits[1..]), Some(Algorithm::Md5)),
        (
            format!("sha1$${digits}01234567"),
            Some(Algorithm::UnsaltedSha1),
        ),
        (format!("sha1$${digits}0123456"), Some(Algorithm::Sha1)),
        ("sha1".to_owned(), Some(Algorithm::Sha1)),
        (digits[1..].to_owned(), None),
        (format!("${}", &digits[1..]), None),
        ("crypt$$x".to_owned(), None),
        (String::new(), None),
    ];
    for (text, expected) in rows {
        assert_eq!(Algorithm::identify(&text), expected, "{text}");
    }
}

#[test]
fn options_are_those_of_django_s_class_or_an_error() {
    let rows: [(&str, &[(&str, u32)]); 13] = [
        ("pbkdf2_sha256", &[("iterations", 0)]),
        ("pbkdf2_sha256", &[("rounds", 12)]),
        ("argon2", &[("iterations", 3)]),
        ("argon2", &[("time_cost", 0)]),
        ("argon2", &[("memory_cost", 63)]),
        ("argon2", &[("parallelism", 0)]),
        ("argon2", &[("parallelism", u32::MAX)]),
        ("bcrypt", &[("rounds", 3)]),
        ("bcrypt_sha256", &[("rounds", 32)]),
        ("scrypt", &[("work_factor", 1)]),
        ("scrypt", &[("work_factor", 16_383)]),
        ("scrypt", &[("parallelism", 0)]),
        ("md5", &[("iterations", 1)]),
    ];
    for (name, options) in rows {
        let result = latest(name).with_options(options.iter().copied());
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name} takes ")), "{error}");
    }
}

#[test]
fn what_is_listed_twice_counts_once_and_the_first_of_it() {
    let three = quick(Algorithm::Pbkdf2Sha256);
    let four = three.with_options([("iterations", 4)]).unwrap();
    let md5 = quick(Algorithm::Md5);
    assert_eq!(
        Hashers::listed(three, [md5, four, md5]),
        Hashers::listed(three, [md5])
    );
    assert_eq!(
        Hashers::listed(three, [md5]).preferring(four),
        Hashers::listed(four, [md5])
    );
    assert_eq!(
        Hashers::listed(three, []).accepting(four),
        Hashers::listed(three, [])
    );
    assert_ne!(Hashers::listed(three, [md5]), Hashers::listed(md5, [three]));
}

proptest! {
    #[test]
    fn a_text_whatever_it_is_neither_panics_nor_verifies(
        name in select(Algorithm::ALL.to_vec()),
        rest in "[$0-9a-zA-Z=,+/. ]{0,80}|\\PC{0,40}",
        password in "\\PC{0,20}",
    ) {
        let hashers = Algorithm::ALL
            .into_iter()
            .map(quick)
            .fold(Hashers::listed(quick(Algorithm::Md5), []), Hashers::accepting)
            .with_policy(Policy {
                iterations: 3,
                memory: 64 << 10,
                argon2_work: 256,
                scrypt_work: 256,
                bcrypt_rounds: 4,
            });
        let text = format!("{}${rest}", name.name());
        prop_assert_eq!(hashers.verify(password.as_bytes(), &text), Verification::Wrong);
        prop_assert_eq!(hashers.verify(password.as_bytes(), &rest), Verification::Wrong);
    }
}
