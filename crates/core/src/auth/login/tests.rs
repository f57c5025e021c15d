//! What becomes of a session when users come, change and go.

use super::*;
use crate::secret::SecretKey;
use crate::session::{Codec, SessionKey, Stored};
use crate::signing::Compression;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn secrets(key: &str) -> Secrets {
    Secrets::new(SecretKey::insecure_new(key).unwrap())
}

fn rules(key: &str) -> AuthRules {
    AuthRules::new(&secrets(key), Relogin::KeepsKey)
}

fn user(id: &str) -> User {
    let mut user = User::new(id, "ann", NOW);
    user.password = "pbkdf2_sha256$1$s$h".into();
    user
}

/// The session as it is after being kept.
fn kept(session: &SessionState) -> SessionState {
    let codec = Codec::new(&secrets("k"), Codec::DJANGO_SALT, Compression::Never);
    let stored = Stored::signed(codec.encode(session.data().text(), NOW), NOW);
    SessionState::from_stored(SessionKey::parse("abcdefgh").unwrap(), stored, &codec)
}

fn signed_in(rules: &AuthRules, user: &User) -> SessionState {
    let mut session = SessionState::new();
    session.set("cart", &[1, 2]).unwrap();
    rules.login(&mut session, user, NOW);
    kept(&session)
}

#[test]
fn the_session_hash_is_django_s() {
    assert_eq!(
        rules("test-secret-key-0123456789").session_auth_hash(&user("7")),
        "e6d20eab3ea1aea48b74701b4383bbffbfada630abe944aa560fb2c88d7a7727"
    );
}

#[test]
fn login_keeps_anonymous_data_and_writes_django_s_names_in_its_order() {
    let session = signed_in(&rules("k"), &user("7"));
    let names: Vec<_> = session.names().map(String::from).collect();
    assert_eq!(
        names,
        [
            "cart",
            "_auth_user_id",
            "_auth_user_backend",
            "_auth_user_hash"
        ]
    );
    assert_eq!(session.raw("_auth_user_id").as_deref(), Some("\"7\""));
}

/// S5.
#[test]
fn only_an_active_user_with_the_same_password_owns_the_session() {
    let rules = rules("k");
    let verify = |user: Option<&User>| {
        let mut session = signed_in(&rules, &self::user("7"));
        (rules.verify(&mut session, user), session.is_modified())
    };
    let inactive = User {
        is_active: false,
        ..user("7")
    };
    let other_password = User {
        password: "pbkdf2_sha256$1$s$other".into(),
        ..user("7")
    };
    assert_eq!(verify(Some(&user("7"))), (Owner::User, false));
    assert_eq!(verify(None), (Owner::Nobody, false));
    assert_eq!(verify(Some(&inactive)), (Owner::Nobody, false));
    assert_eq!(verify(Some(&other_password)), (Owner::Nobody, true));
}

#[test]
fn an_inactive_user_owns_a_session_of_a_backend_that_lets_them_in() {
    let allow_all = AuthRules::ALLOW_ALL_USERS_BACKEND.to_owned();
    let model = AuthRules::MODEL_BACKEND.to_owned();
    let active = user("7");
    let inactive = User {
        is_active: false,
        ..user("7")
    };
    let both = rules("k").with_backends(vec![model.clone(), allow_all.clone()]);
    assert!(both.may_authenticate(&inactive) && !rules("k").may_authenticate(&inactive));
    for (user, backend) in [(&active, &model), (&inactive, &allow_all)] {
        let mut session = signed_in(&both, user);
        let written = session.get::<String>(BACKEND_NAME).unwrap();
        assert_eq!(
            written.as_deref(),
            Some(backend.as_str()),
            "as Django's authenticate"
        );
        assert_eq!(both.verify(&mut session, Some(user)), Owner::User);
        let later = both.verify(&mut session, Some(&inactive));
        let stays = *backend == allow_all;
        assert_eq!(later == Owner::User, stays, "by the session's own backend");
        assert!(!session.is_modified());
    }
    let elsewhere = signed_in(&rules("k").with_backends(vec![allow_all]), &inactive);
    assert_eq!(rules("k").claimed_user(&elsewhere), None);
}

#[test]
fn a_backend_of_another_package_counts_where_it_is_listed() {
    let allauth = "allauth.account.auth_backends.AuthenticationBackend";
    let rules = |backends: &[&str]| {
        rules("k").with_backends(backends.iter().map(|path| (*path).into()).collect())
    };
    let session = signed_in(&rules(&[allauth]), &user("7"));
    assert_eq!(
        session.get::<String>(BACKEND_NAME).unwrap().as_deref(),
        Some(allauth)
    );
    let listed = rules(&[AuthRules::MODEL_BACKEND, allauth]);
    assert_eq!(listed.claimed_user(&session).as_deref(), Some("7"));
    assert_eq!(
        rules(&[AuthRules::MODEL_BACKEND]).claimed_user(&session),
        None
    );
}

#[test]
fn columns_of_the_site_s_own_end_sessions_when_they_change() {
    let rules = rules("k").with_hash_columns(vec!["stamp".into(), "tenant".into()], "|");
    let user = |stamp: &str, tenant: Option<u32>| {
        let mut user = user("7");
        user.columns.set("stamp", stamp);
        user.columns.set("tenant", tenant);
        user
    };
    let ann = user("a", Some(3));
    let expected = SaltedHmac::new(AuthRules::HASH_SALT.as_bytes(), secrets("k").key());
    assert_eq!(
        rules.session_auth_hash(&ann),
        expected.hex(b"pbkdf2_sha256$1$s$h|a|3")
    );
    let owner = |user: &User| {
        let mut session = signed_in(&rules, &ann);
        (
            rules.verify(&mut session, Some(user)),
            session.is_modified(),
        )
    };
    assert_eq!(owner(&ann), (Owner::User, false));
    assert_eq!(owner(&user("b", Some(3))), (Owner::Nobody, true));
    assert_eq!(owner(&user("a", None)), (Owner::Nobody, true));
    assert_eq!(
        owner(&self::user("7")),
        (Owner::Nobody, false),
        "not read, not compared"
    );
}

/// RUSTSEC-2022-0018.
#[test]
fn a_part_of_the_hash_owns_nothing() {
    let rules = rules("k");
    let whole = rules.session_auth_hash(&user("7"));
    let owner = |hash: &str| {
        let mut session = signed_in(&rules, &user("7"));
        session.set_text(HASH_NAME, hash);
        rules.verify(&mut session, Some(&user("7")))
    };
    assert_eq!(owner(&whole), Owner::User);
    for length in 0..whole.len() {
        assert_eq!(owner(&whole[..length]), Owner::Nobody, "{length} digits");
    }
    assert_eq!(owner(&format!("{whole}0")), Owner::Nobody);
    assert_eq!(owner(&whole.to_uppercase()), Owner::Nobody);
}

#[test]
fn a_session_of_a_fallback_secret_moves_to_the_current_one() {
    let mut session = signed_in(&rules("old"), &user("7"));
    let fallbacks = vec![SecretKey::insecure_new("old").unwrap()];
    let rotated = AuthRules::new(&secrets("new").with_fallbacks(fallbacks), Relogin::KeepsKey);
    assert_eq!(rotated.verify(&mut session, Some(&user("7"))), Owner::User);
    assert_eq!(session.key(), None, "it is to get a new key");
    assert_eq!(
        rules("new").verify(&mut kept(&session), Some(&user("7"))),
        Owner::User
    );
}

#[test]
fn who_may_write_nothing_finds_the_same_owners_and_changes_no_session() {
    let current = rules("new");
    let fallbacks = vec![SecretKey::insecure_new("old").unwrap()];
    let rotated = AuthRules::new(&secrets("new").with_fallbacks(fallbacks), Relogin::KeepsKey);
    let other_password = User {
        password: "pbkdf2_sha256$1$s$other".into(),
        ..user("7")
    };
    for (by, found, owner, keeps_data) in [
        (&current, Some(user("7")), Owner::User, true),
        (&rules("old"), Some(user("7")), Owner::User, true),
        (&current, None, Owner::Nobody, true),
        (&current, Some(other_password), Owner::Nobody, false),
    ] {
        let mut session = signed_in(by, &user("7"));
        let mut same = signed_in(by, &user("7"));
        assert_eq!(rotated.verify_only(&mut session, found.as_ref()), owner);
        assert_eq!(rotated.verify(&mut same, found.as_ref()), owner);
        assert!(!session.is_modified());
        assert_eq!(session.key().is_some(), keeps_data);
        assert_eq!(session.contains(HASH_NAME), keeps_data);
    }
}

#[test]
fn signing_in_again_keeps_or_renews_the_key_and_never_another_s_data() {
    let again = |relogin, id: &str| {
        let rules = AuthRules::new(&secrets("k"), relogin);
        let mut session = signed_in(&rules, &user("7"));
        rules.login(&mut session, &user(id), NOW);
        (session.key().is_some(), session.contains("cart"))
    };
    assert_eq!(again(Relogin::KeepsKey, "7"), (true, true));
    assert_eq!(again(Relogin::RenewsKey, "7"), (false, true));
    assert_eq!(again(Relogin::KeepsKey, "8"), (false, false));
}

#[test]
fn sessions_of_unknown_backends_and_odd_ids_belong_to_nobody() {
    let rules = rules("k");
    let claimed = |json: &str| {
        let codec = Codec::new(&secrets("k"), Codec::DJANGO_SALT, Compression::Never);
        let stored = Stored::signed(codec.encode(json, NOW), NOW);
        rules.claimed_user(&SessionState::from_stored(
            SessionKey::parse("abcdefgh").unwrap(),
            stored,
            &codec,
        ))
    };
    let backend = AuthRules::MODEL_BACKEND;
    assert_eq!(
        claimed(&format!(
            r#"{{"_auth_user_id":"7","_auth_user_backend":"{backend}"}}"#
        ))
        .as_deref(),
        Some("7")
    );
    assert_eq!(
        claimed(&format!(
            r#"{{"_auth_user_id":7,"_auth_user_backend":"{backend}"}}"#
        ))
        .as_deref(),
        Some("7")
    );
    assert_eq!(
        claimed(r#"{"_auth_user_id":"7","_auth_user_backend":"x.Other"}"#),
        None
    );
    assert_eq!(claimed(r#"{"_auth_user_id":"7"}"#), None);
    assert_eq!(
        claimed(&format!(
            r#"{{"_auth_user_id":[7],"_auth_user_backend":"{backend}"}}"#
        )),
        None
    );
}

#[test]
fn a_changed_password_keeps_this_session_only() {
    let rules = rules("k");
    let mut session = signed_in(&rules, &user("7"));
    let changed = User {
        password: "pbkdf2_sha256$1$s$other".into(),
        ..user("7")
    };
    rules.update_session_auth_hash(&mut session, &changed);
    assert_eq!(session.key(), None);
    assert_eq!(
        rules.verify(&mut kept(&session), Some(&changed)),
        Owner::User
    );
}

#[test]
fn another_user_s_changed_password_leaves_this_session_its_own_hash() {
    let rules = rules("k");
    let changed = User {
        password: "pbkdf2_sha256$1$s$other".into(),
        ..user("8")
    };
    let mut session = signed_in(&rules, &user("7"));
    rules.update_session_auth_hash(&mut session, &changed);
    assert_eq!(session.key(), None, "it gets a new key, as in Django");
    assert_eq!(
        rules.verify(&mut kept(&session), Some(&user("7"))),
        Owner::User
    );
    let mut anonymous = SessionState::new();
    rules.update_session_auth_hash(&mut anonymous, &changed);
    assert!(anonymous.data().is_empty());
}
