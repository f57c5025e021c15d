//! The tokens in links that let a user choose a new password (`django.contrib.auth.tokens`).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::user::User;
use crate::secret::{Secrets, same};
use crate::signing::SaltedHmac;
use crate::time::{Timestamp, Zone};

/// Makes and checks the tokens of password reset links, letter by letter those of Django's
/// `PasswordResetTokenGenerator`: `bkrfgg-c5445116f861a76f6cffc25ae4f9d3df`.
///
/// A token is the MAC of its time and of what a reset changes: the password, the last login and the e-mail address. So
/// nothing is kept, and a token ends with the first of these changes, or with its time.
///
/// ```
/// use cloakroom_core::auth::{ResetTokens, User};
/// use cloakroom_core::secret::{SecretKey, Secrets};
/// use cloakroom_core::time::Timestamp;
///
/// let key = SecretKey::new("fifty random characters that nobody else knows, say")?;
/// let tokens = ResetTokens::new(&Secrets::new(key), 3600);
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let mut user = User::new("7", "ann", now);
/// let token = tokens.make(&user, now);
/// assert!(tokens.check(&user, &token, now.plus_seconds(3600)));
/// user.last_login = Some(now);
/// assert!(!tokens.check(&user, &token, now));
/// # Ok::<(), cloakroom_core::secret::SecretError>(())
/// ```
#[derive(Clone)]
pub struct ResetTokens {
    /// The key that signs comes first.
    hashers: Arc<[SaltedHmac]>,
    timeout: i64,
    clock: Zone,
    columns: Zone,
}

impl ResetTokens {
    const SALT: &str = "django.contrib.auth.tokens.PasswordResetTokenGenerator";
    /// 2001-01-01, from which tokens count their seconds.
    const EPOCH: i64 = 978_307_200;
    /// Digits of the longest time that Django's `base36_to_int` reads: 64 bits.
    const LONGEST_TIME: usize = 13;

    /// `timeout` is `PASSWORD_RESET_TIMEOUT`: the age in whole seconds at which a token is still valid.
    #[must_use]
    pub fn new(secrets: &Secrets, timeout: i64) -> Self {
        let hashers = secrets
            .iter()
            .map(|secret| SaltedHmac::new(Self::SALT.as_bytes(), secret));
        Self {
            hashers: hashers.collect(),
            timeout,
            clock: Zone::UTC,
            columns: Zone::UTC,
        }
    }

    /// `TIME_ZONE`, whatever `USE_TZ` says: tokens count the seconds of its wall clock.
    #[must_use]
    pub const fn with_time_zone(mut self, clock: Zone) -> Self {
        self.clock = clock;
        self
    }

    /// The zone in which the database's dates are read: [`Zone::UTC`] unless `USE_TZ` is off.
    #[must_use]
    pub const fn with_dates_in(mut self, columns: Zone) -> Self {
        self.columns = columns;
        self
    }

    /// A token for this user's link.
    #[must_use]
    pub fn make(&self, user: &User, now: Timestamp) -> String {
        self.token(&self.hashers[0], user, self.seconds(now))
    }

    /// Whether the token was made for the user as they are now, and not too long ago.
    ///
    /// # Security
    /// As in Django an inactive user is not refused here: whoever sends such links leaves them out.
    #[must_use]
    pub fn check(&self, user: &User, token: &str, now: Timestamp) -> bool {
        let Some(made_at) = time_of(token) else {
            return false;
        };
        // Every key is tried, so that the time does not tell which one fits. What is compared is the whole token: a
        // time in another spelling is none.
        let verifies = self.hashers.iter().fold(false, |found, hasher| {
            let expected = self.token(hasher, user, made_at);
            found | same(expected.as_bytes(), token.as_bytes())
        });
        let limit = made_at.saturating_add_signed(i128::from(self.timeout));
        verifies && self.seconds(now) <= limit
    }

    /// Seconds since 2001 on the wall clock. Before that no token can be made; it is taken for that moment.
    fn seconds(&self, now: Timestamp) -> u128 {
        let seconds = self.clock.wall(now).unix_seconds() - Self::EPOCH;
        u128::try_from(seconds).unwrap_or(0)
    }

    fn token(&self, hasher: &SaltedHmac, user: &User, seconds: u128) -> String {
        // Without the fraction, which not every database keeps.
        let login = user.last_login.map_or_else(String::new, |login| {
            let wall = self.columns.wall(login);
            Timestamp::from_unix_seconds(wall.unix_seconds()).sql_text()
        });
        let state = format!("{}{}{login}{seconds}{}", user.id, user.password, user.email);
        let hex = hasher.hex(state.as_bytes());
        // Every second digit, to keep the link short.
        let half = hex.chars().step_by(2);
        let mut token = base36(seconds);
        token.push('-');
        token.extend(half);
        token
    }
}

impl fmt::Debug for ResetTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ResetTokens")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A user's id as it stands in a reset link (`uidb64`).
#[must_use]
pub fn uidb64(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// The id in a reset link; `None` for a text that [`uidb64`] never makes.
#[must_use]
pub fn id_of_uidb64(text: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The seconds before the token's one hyphen. How they are spelt is found out when the token is made again.
fn time_of(token: &str) -> Option<u128> {
    let (time, mac) = token.split_once('-')?;
    if mac.contains('-') || time.len() > ResetTokens::LONGEST_TIME {
        return None;
    }
    u128::from_str_radix(time, 36).ok()
}

fn base36(mut number: u128) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;

    const NOW: Timestamp =
        Timestamp::from_unix_seconds(ResetTokens::EPOCH).plus_seconds(700_000_000);
    const TOKEN: &str = "bkrfgg-c5445116f861a76f6cffc25ae4f9d3df";

    fn tokens(key: &str) -> ResetTokens {
        ResetTokens::new(
            &Secrets::new(SecretKey::insecure_new(key).unwrap()),
            259_200,
        )
    }

    fn site() -> ResetTokens {
        tokens("test-secret-key-0123456789")
    }

    fn user() -> User {
        let mut user = User::new("7", "ann", NOW);
        user.password = "pbkdf2_sha256$1$s$h".into();
        user.email = "a@b.co".into();
        user.last_login = Timestamp::from_sql_text("2024-05-06 07:08:09.999999");
        user
    }

    #[test]
    fn a_reset_token_is_django_s() {
        assert_eq!(site().make(&user(), NOW), TOKEN);
        let newcomer = User {
            last_login: None,
            ..user()
        };
        assert_eq!(
            site().make(&newcomer, NOW),
            "bkrfgg-37f7c14b8419797617e617b8a67028c9"
        );
        assert_eq!(
            (uidb64("1"), uidb64("12345")),
            ("MQ".into(), "MTIzNDU".into())
        );
    }

    #[test]
    fn a_reset_token_ends_with_whatever_a_reset_changes() {
        // P6.
        assert!(site().check(&user(), TOKEN, NOW));
        let others = [
            User {
                id: "8".into(),
                ..user()
            },
            User {
                password: "pbkdf2_sha256$1$s$other".into(),
                ..user()
            },
            User {
                email: "b@b.co".into(),
                ..user()
            },
            User {
                last_login: Some(NOW),
                ..user()
            },
            User {
                last_login: None,
                ..user()
            },
        ];
        for other in others {
            assert!(!site().check(&other, TOKEN, NOW), "{other:?}");
        }
        assert!(!tokens("another").check(&user(), TOKEN, NOW));
    }

    #[test]
    fn a_reset_token_is_valid_up_to_its_timeout_and_no_second_longer() {
        let at = |seconds| site().check(&user(), TOKEN, NOW.plus_seconds(seconds));
        assert!(at(0) && at(259_200));
        assert!(!at(259_201));
        // A clock that was put back; Django takes it too.
        assert!(at(-1000));
        let fraction =
            Timestamp::from_unix_micros(NOW.plus_seconds(259_200).unix_micros() + 999_999);
        assert!(site().check(&user(), TOKEN, fraction));
    }

    #[test]
    fn a_reset_token_is_taken_whole_and_in_one_spelling() {
        let digits = &TOKEN[7..];
        let texts = [
            String::new(),
            "-".into(),
            TOKEN.replace('-', ""),
            format!("{TOKEN}-"),
            format!("-{TOKEN}"),
            TOKEN.to_uppercase(),
            format!("BKRFGG-{digits}"),
            format!("0bkrfgg-{digits}"),
            format!("+bkrfgg-{digits}"),
            format!(" bkrfgg-{digits}"),
            format!("bk_rfgg-{digits}"),
            format!("bkrfgh-{digits}"),
            format!("{TOKEN}0"),
            TOKEN[..TOKEN.len() - 1].to_owned(),
        ];
        for text in texts {
            assert!(!site().check(&user(), &text, NOW), "{text}");
        }
    }

    #[test]
    fn a_huge_time_in_a_reset_token_costs_nothing() {
        // CVE-2010-4535.
        for length in [13, 14, 100_000] {
            let token = format!("{}-{}", "z".repeat(length), &TOKEN[7..]);
            assert_eq!(time_of(&token).is_some(), length == 13);
            assert!(!site().check(&user(), &token, NOW));
        }
        // Made with the key itself, such a token is valid, as in Django.
        let far = u128::from_str_radix(&"z".repeat(13), 36).unwrap();
        let made = site().token(&site().hashers[0], &user(), far);
        assert!(site().check(&user(), &made, NOW));
    }

    #[test]
    fn a_reset_token_of_a_fallback_key_is_valid_and_none_is_made_with_it() {
        let old = SecretKey::insecure_new("test-secret-key-0123456789").unwrap();
        let other = SecretKey::insecure_new("other").unwrap();
        let secrets =
            Secrets::new(SecretKey::insecure_new("new").unwrap()).with_fallbacks(vec![other, old]);
        let rotated = ResetTokens::new(&secrets, 3600);
        assert!(rotated.check(&user(), TOKEN, NOW));
        assert_eq!(rotated.make(&user(), NOW), tokens("new").make(&user(), NOW));
    }

    #[test]
    fn seconds_are_those_of_the_site_s_wall_clock() {
        let chicago = site().with_time_zone(Zone::local("America/Chicago").unwrap());
        // Six hours behind in March 2023.
        let later = NOW.plus_seconds(6 * 3600);
        assert_eq!(chicago.make(&user(), later), TOKEN);
        assert!(!chicago.check(&user(), TOKEN, later.plus_seconds(259_201)));
        let local = chicago.with_dates_in(Zone::local("America/Chicago").unwrap());
        assert_ne!(
            local.make(&user(), later),
            TOKEN,
            "the login's date is local too"
        );
    }

    #[test]
    fn ids_go_into_links_and_back() {
        for id in [
            "7",
            "12345",
            "",
            "8d7ad3c2-8f8e-4d2b-9d5e-0a52d47e6f0c",
            "é",
        ] {
            assert_eq!(id_of_uidb64(&uidb64(id)).as_deref(), Some(id));
        }
        for text in ["M", "MQ==", "MR", "M Q", "M+", "/w", "_w"] {
            assert_eq!(id_of_uidb64(text), None, "{text}");
        }
    }
}
