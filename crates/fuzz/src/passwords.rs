//! The password column, whatever stands in it: bounded work, and nothing verifies but what was made.

use cloakroom_core::password::{
    Algorithm, Hasher, Hashers, MakeError, Policy, Verification, is_password_usable,
};
use cloakroom_core::version::DjangoVersion;

use crate::parts::Parts;

/// Flags, a password, a salt, a number that chooses hasher and cost, and what stands in the column.
pub fn password_hash(input: &[u8]) {
    let mut parts = Parts::of(input);
    let flags = parts.flags();
    let (password, salt) = (parts.bytes(), parts.text());
    let number = usize::try_from(parts.number()).unwrap_or_default();
    let encoded = parts.text();
    let algorithm = Algorithm::ALL[number % Algorithm::ALL.len()];
    let cost = u32::try_from(number / Algorithm::ALL.len() % 3).unwrap_or_default();
    let own = Hashers::listed(cheap(algorithm, cost), []).with_policy(low());
    let mut all = Algorithm::ALL
        .map(|algorithm| cheap(algorithm, 0))
        .into_iter()
        .fold(own.clone(), Hashers::accepting);
    if flags.has(b'm') {
        all = all.preferring(cheap(Algorithm::Argon2, 0));
    }
    assert_eq!(is_password_usable(&encoded), !encoded.starts_with('!'));

    // What verifies for a list verifies for one of its hashers, and what has the same form with another end for none.
    let found = all.verify(password, &encoded);
    let alone = Algorithm::ALL.map(|algorithm| {
        let hashers = Hashers::listed(cheap(algorithm, 0), []).with_policy(low());
        hashers.verify(password, &encoded) != Verification::Wrong
    });
    let verifying = alone.iter().filter(|verifies| **verifies).count();
    if found == Verification::Wrong {
        assert_eq!(verifying, 0, "{encoded:?}");
    } else {
        assert!(verifying <= 1, "{encoded:?}");
        let another = format!("{encoded}A");
        assert_eq!(all.verify(password, &another), Verification::Wrong);
        let unusable = format!("!{encoded}");
        assert_eq!(all.verify(password, &unusable), Verification::Wrong);
    }

    match own.make_with_salt(password, &salt) {
        Ok(made) => {
            assert_ne!(own.verify(password, &made), Verification::Wrong);
            assert_ne!(all.verify(password, &made), Verification::Wrong);
            let longer = [password, b"x"].concat();
            assert_eq!(own.verify(&longer, &made), Verification::Wrong);
            assert_eq!(all.verify(&longer, &made), Verification::Wrong);
            let nobody = Hashers::listed(cheap(other(algorithm), 0), []);
            assert_eq!(nobody.verify(password, &made), Verification::Wrong);
        }
        Err(MakeError::UnfitForBcrypt) => assert_eq!(algorithm, Algorithm::Bcrypt),
        Err(_) => assert!(own.make(password).is_ok() || algorithm == Algorithm::Bcrypt),
    }
}

/// A hasher of which one hash costs some microseconds, and a little more with each step.
fn cheap(algorithm: Algorithm, step: u32) -> Hasher {
    let options: &[(&str, u32)] = match algorithm {
        Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 => &[("iterations", 1 + step)],
        Algorithm::Argon2 => &[
            ("time_cost", 1 + step),
            ("memory_cost", 8),
            ("parallelism", 1),
        ],
        Algorithm::BcryptSha256 | Algorithm::Bcrypt => &[("rounds", 4)],
        Algorithm::Scrypt => &[
            ("work_factor", 2 << step),
            ("block_size", 1),
            ("parallelism", 1),
        ],
        _ => &[],
    };
    Hasher::new(algorithm, DjangoVersion::LATEST)
        .with_options(options.iter().copied())
        .expect("every hasher can be cheap")
}

/// What the column may ask for here: microseconds, and some kilobytes.
fn low() -> Policy {
    let mut policy = Policy::DEFAULT;
    policy.iterations = 40;
    policy.memory = 64 << 10;
    policy.argon2_work = 64;
    policy.scrypt_work = 64;
    policy.bcrypt_rounds = 4;
    policy
}

fn other(algorithm: Algorithm) -> Algorithm {
    if algorithm == Algorithm::Md5 {
        Algorithm::Scrypt
    } else {
        Algorithm::Md5
    }
}
