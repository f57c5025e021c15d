//! Tokens in links and headers: of any text, only what the site has made is one.

use cloakroom_core::auth::{ResetTokens, User, id_of_uidb64, uidb64};
use cloakroom_core::time::Timestamp;

use crate::parts::Parts;
use crate::{NOW, secrets};

/// A user's columns, times, and a token and an id as they stand in a link.
pub fn reset_token(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (id, password, email) = (parts.text(), parts.text(), parts.text());
    let (login, age) = (parts.number(), parts.number());
    let (token, uid) = (parts.text(), parts.text());

    let mut user = User::new(&*id, "ann", NOW);
    user.password = password.into_owned();
    user.email = email.into_owned();
    user.last_login = (login != 0).then(|| Timestamp::from_unix_micros(login));
    let tokens = ResetTokens::new(&secrets(), 3600);
    let now = NOW.plus_seconds(age % 10_000);

    let made = tokens.make(&user, NOW);
    assert_eq!(made.len(), 6 + 1 + 32, "{made}");
    assert_eq!(tokens.check(&user, &made, now), age % 10_000 <= 3600);
    // Nobody makes one by chance: what is valid was made at the time that it names.
    if token != made {
        assert!(!tokens.check(&user, &token, now), "{token:?} is valid");
    }
    let longer = format!("{made}{token}");
    assert_eq!(tokens.check(&user, &longer, NOW), token.is_empty());

    assert_eq!(id_of_uidb64(&uidb64(&id)).as_deref(), Some(&*id));
    if let Some(id) = id_of_uidb64(&uid) {
        assert_eq!(uidb64(&id), uid, "an id has one spelling");
    }
}
