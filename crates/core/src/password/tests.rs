use std::time::{Duration, Instant};

use super::*;

const SALT: &str = "seasalt1234567890abcdef";

/// Hashers that are quick enough for a test.
fn hashers(iterations: u32) -> Hashers {
    Hashers::new(DjangoVersion::LATEST).with_iterations(NonZeroU32::new(iterations).unwrap())
}

#[test]
fn a_hash_is_django_s() {
    assert_eq!(
        hashers(1_500_000).make_with_salt("lètmein".as_bytes(), SALT),
        Ok(format!(
            "pbkdf2_sha256$1500000${SALT}$NObDYa6voe825lhLDo08aJm78gtZYbCVrW5XBo1FIPU="
        ))
    );
}

#[test]
fn the_cost_follows_the_release() {
    for (version, iterations) in [("4.2.30", 600_000), ("5.2", 1_000_000), ("6.1", 1_500_000)] {
        let hashers = Hashers::new(version.parse().unwrap());
        assert_eq!(hashers.iterations.get(), iterations);
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
    let bounded = hashers(10).with_most_iterations(NonZeroU32::new(20).unwrap());
    for (iterations, expected) in [
        (20, Verification::CorrectButOutdated),
        (21, Verification::Wrong),
    ] {
        let encoded = hashers(iterations).make_with_salt(b"word", SALT).unwrap();
        assert_eq!(bounded.verify(b"word", &encoded), expected, "{iterations}");
    }
    let before = Instant::now();
    let encoded = format!("pbkdf2_sha256$4294967295${SALT}$hash");
    assert_eq!(hashers(10).verify(b"word", &encoded), Verification::Wrong);
    // Minutes if it were paid.
    assert!(before.elapsed() < Duration::from_secs(5));
    let own = hashers(30).with_most_iterations(NonZeroU32::new(20).unwrap());
    let encoded = own.make(b"word").unwrap();
    assert_eq!(own.verify(b"word", &encoded), Verification::Correct);
}

#[test]
fn salts_that_would_move_the_parts_are_refused() {
    for salt in ["", "$", "a$b"] {
        assert_eq!(hashers(1).make_with_salt(b"word", salt), Err(BadSalt));
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
    let accepting = hashers(10).insecure_accepting_md5();
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
    let accepting = hashers(10).insecure_accepting_md5();
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
