//! Tokens in links and headers: of any text, only what the site has made is one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::auth::{JwtRules, ResetTokens, TokenType, User, id_of_uidb64, uidb64};
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

/// A user's id, an age, where to put a byte of the token and which, and texts that somebody sends for one.
pub fn jwt(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (id, age, place, byte) = (parts.text(), parts.number(), parts.number(), parts.bytes());
    let rules = JwtRules::new(&secrets());
    let user = User::new(&*id, "ann", NOW);
    let token = rules.mint_refresh(&user, "id", "family", NOW, rules.refresh_end(NOW));
    let read = |token: &str, at| rules.read(token, TokenType::Refresh, at);

    let age = age % 200_000;
    let found = read(&token, NOW.plus_seconds(age));
    // Not before it was issued, nor from its end on.
    assert_eq!(found.is_some(), (0..86_400).contains(&age));
    if let Some(claims) = found {
        assert_eq!(claims.user_id, id);
        assert!(rules.is_of(&claims, &user));
    }
    assert!(rules.read(&token, TokenType::Access, NOW).is_none());

    if let Some(byte) = byte.first().filter(|byte| byte.is_ascii()) {
        let place = usize::try_from(place).unwrap_or(0) % token.len();
        let mut changed = token.clone().into_bytes();
        changed[place] = *byte;
        let changed = String::from_utf8(changed).expect("both are ASCII");
        assert_eq!(read(&changed, NOW).is_some(), changed == token);
    }
    for text in parts.rest() {
        assert!(text == token || read(&text, NOW).is_none(), "{text:?}");
        // The same as the header or the claims of a token that nobody signed.
        let part = URL_SAFE_NO_PAD.encode(&*text);
        for forged in [format!("{part}.{part}."), format!("{part}.{part}.{part}")] {
            assert!(read(&forged, NOW).is_none(), "{text:?}");
        }
    }
}
