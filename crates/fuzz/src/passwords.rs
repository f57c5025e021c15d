//! The password column, whatever stands in it: bounded work, and nothing verifies but what was made.

use std::num::NonZeroU32;

use cloakroom_core::password::{Hashers, Verification, is_password_usable};
use cloakroom_core::version::DjangoVersion;

use crate::parts::Parts;

/// The most rounds that a hash may ask for here. Each costs a microsecond.
const MOST: NonZeroU32 = NonZeroU32::new(40).unwrap();

/// Flags, a password, a salt, rounds, and what stands in the column.
pub fn password_hash(input: &[u8]) {
    let mut parts = Parts::of(input);
    let flags = parts.flags();
    let (password, salt) = (parts.bytes(), parts.text());
    let rounds = u32::try_from(parts.number()).ok().and_then(NonZeroU32::new);
    let rounds = rounds.map_or(NonZeroU32::MIN, |rounds| rounds.min(MOST));
    let encoded = parts.text();
    let plain = |rounds| {
        Hashers::new(DjangoVersion::LATEST)
            .with_iterations(rounds)
            .with_most_iterations(MOST)
    };
    let mut hashers = plain(NonZeroU32::MIN);
    if flags.has(b'm') {
        hashers = hashers.insecure_accepting_md5();
    }
    assert_eq!(is_password_usable(&encoded), !encoded.starts_with('!'));

    // What verifies is what would be made, letter by letter.
    let found = hashers.verify(password, &encoded);
    let mut fields = encoded.split('$');
    let (algorithm, count, its_salt) = (fields.next(), fields.next(), fields.next());
    let again = algorithm
        .filter(|name| *name == "pbkdf2_sha256")
        .and(count)
        .and_then(|count| {
            let rounds: NonZeroU32 = count.parse().ok().filter(|rounds| *rounds <= MOST)?;
            plain(rounds).make_with_salt(password, its_salt?).ok()
        });
    if again.as_deref() == Some(&*encoded) {
        assert_ne!(found, Verification::Wrong);
    } else if found != Verification::Wrong {
        assert!(
            flags.has(b'm') && encoded.starts_with("md5$"),
            "{encoded:?} verifies"
        );
        assert_eq!(found, Verification::CorrectButOutdated);
    }

    let made = plain(rounds).make_with_salt(password, &salt);
    assert_eq!(made.is_err(), salt.is_empty() || salt.contains('$'));
    if let Ok(made) = made {
        let expected = if rounds == NonZeroU32::MIN {
            expected_at_home(&salt)
        } else {
            Verification::CorrectButOutdated
        };
        assert_eq!(hashers.verify(password, &made), expected);
        let longer = [password, b"x"].concat();
        assert_eq!(hashers.verify(&longer, &made), Verification::Wrong);
        let outside = plain(rounds).with_most_iterations(NonZeroU32::MIN);
        assert_ne!(
            outside.verify(password, &made),
            Verification::Wrong,
            "never below the rounds of new hashes"
        );
        // The same password under a hash that would cost too much.
        let beyond = plain(MOST.saturating_add(rounds.get()));
        let costly = beyond
            .make_with_salt(password, &salt)
            .expect("the salt is one");
        assert_eq!(beyond.verify(password, &costly), expected_at_home(&salt));
        assert_eq!(hashers.verify(password, &costly), Verification::Wrong);
    }
}

/// What a site finds that made the hash itself: only a short salt makes it outdated.
fn expected_at_home(salt: &str) -> Verification {
    if salt.chars().count() >= 22 {
        Verification::Correct
    } else {
        Verification::CorrectButOutdated
    }
}
