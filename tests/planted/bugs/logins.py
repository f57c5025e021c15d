"""Whose a session is, where a login may lead, and who may become the first superuser of which site."""

from bug import Bug, command, core, server, stack, vectors

LOGIN = "crates/core/src/auth/login.rs"
NEXT = "crates/core/src/auth/next.rs"

HASH = core("auth::login::tests::the_session_hash_is_django_s")
INACTIVE = core("auth::login::tests::an_inactive_user_owns_a_session_of_a_backend_that_lets_them_in")
COLUMNS = core("auth::login::tests::columns_of_the_site_s_own_end_sessions_when_they_change")
OWNER = core("auth::login::tests::only_an_active_user_with_the_same_password_owns_the_session")
AGAIN = core("auth::login::tests::signing_in_again_keeps_or_renews_the_key_and_never_another_s_data")
FALLBACK = core("auth::login::tests::a_session_of_a_fallback_secret_moves_to_the_current_one")
ELSEWHERE = core("auth::next::tests::ways_to_another_site_are_refused")
SAFE = core("auth::next::tests::safe_urls_are_django_s")

BUGS = [
    Bug(
        "the session's hash is made under another salt",
        LOGIN,
        "AbstractBaseUser.get_session_auth_hash",
        "AbstractBaseUser.get_session_auth_fallback_hash",
        HASH,
    ),
    Bug(
        "the session's hash is cut to the length of SHA-1",
        LOGIN,
        "self.hashers[0].hex(self.hashed(user).as_bytes())",
        "self.hashers[0].hex(self.hashed(user).as_bytes())[..40].to_owned()",
        HASH,
    ),
    Bug(
        "an inactive user owns sessions",
        LOGIN,
        "user.is_active || Self::lets_inactive_in(session);",
        "user.is_active || !Self::lets_inactive_in(session);",
        OWNER,
    ),
    Bug(
        "an inactive user owns no session of a backend that lets them in",
        LOGIN,
        "user.is_active || Self::lets_inactive_in(session);",
        "user.is_active;",
        INACTIVE,
    ),
    Bug(
        "the session of an inactive user is of the first backend",
        LOGIN,
        "if !user.is_active && self.has_backend(Self::ALLOW_ALL_USERS_BACKEND) {",
        "if user.is_superuser && self.has_backend(Self::ALLOW_ALL_USERS_BACKEND) {",
        INACTIVE,
    ),
    Bug(
        "columns of the site's own are left out of the session's hash",
        LOGIN,
        "text.push_str(&user.columns.text(column).unwrap_or_default());",
        "let _ = column;",
        COLUMNS,
    ),
    Bug(
        "columns that were not read count as the same",
        LOGIN,
        ".any(|name| !user.columns.has(name))",
        ".any(|name| name.is_empty() && !user.columns.has(name))",
        COLUMNS,
    ),
    Bug(
        "addresses are one that are so in upper case",
        "crates/core/src/auth/user.rs",
        "normal(typed) == normal(stored)",
        "typed.to_uppercase() == stored.to_uppercase()",
        core("auth::user::tests::addresses_are_compared_as_django_s_reset_compares_them"),
    ),
    Bug(
        "a switch has another text where the database keeps numbers",
        "crates/core/src/auth/column.rs",
        "u8::from(*flag).to_string()",
        "flag.to_string()",
        core("auth::column::tests::texts_are_the_same_whatever_the_database"),
    ),
    Bug(
        "a session goes on when its user's password has changed",
        LOGIN,
        "session.drop_invalid();",
        "",
        OWNER,
    ),
    Bug(
        "a login keeps the data of another user's session",
        LOGIN,
        "id != user.id || !same(",
        "!same(",
        AGAIN,
    ),
    Bug(
        "a login goes on with a session made under an older password",
        LOGIN,
        "if id != user.id || !same(&hash, stored_text(session, HASH_NAME).as_deref()) =>",
        "if id != user.id =>",
        vectors(),
    ),
    Bug(
        "a login does not renew an anonymous session's key",
        LOGIN,
        "None => session.cycle_key(),",
        "None => {}",
        vectors(),
    ),
    Bug(
        "a second login renews the key where Django keeps it",
        LOGIN,
        "Some(_) if self.relogin == Relogin::RenewsKey => session.cycle_key(),",
        "Some(_) if self.relogin != Relogin::RenewsKey => session.cycle_key(),",
        AGAIN,
    ),
    Bug(
        "a session of a fallback key belongs to nobody",
        LOGIN,
        """            .iter()
            .position(""",
        """            .iter()
            .take(1)
            .position(""",
        FALLBACK,
    ),
    Bug(
        "a session of a fallback key keeps its hash",
        LOGIN,
        "session.upgrade_key(HASH_NAME, &self.session_auth_hash(user));",
        "",
        FALLBACK,
    ),
    Bug(
        "a session of any backend is taken",
        LOGIN,
        "self.backends.contains(&backend).then_some(id)",
        "(!backend.is_empty()).then_some(id)",
        core("auth::login::tests::sessions_of_unknown_backends_and_odd_ids_belong_to_nobody"),
    ),
    Bug(
        "the beginning of a session's hash is enough",
        LOGIN,
        "secret::same(expected.as_bytes(), stored.as_bytes())",
        "expected.starts_with(stored)",
        core("auth::login::tests::a_part_of_the_hash_owns_nothing"),
    ),
    Bug(
        "a way to //evil.example is followed",
        NEXT,
        "parts.netloc.is_empty() || hosts.contains(&parts.netloc.as_str())",
        "parts.scheme.is_empty() || hosts.contains(&parts.netloc.as_str())",
        ELSEWHERE,
    ),
    Bug(
        "three slashes are a path",
        NEXT,
        "== [Some('/'); 3]",
        "== [Some('?'); 3]",
        SAFE,
    ),
    Bug(
        "a backslash is no slash",
        NEXT,
        """url.replace('\\\\', "/")""",
        """url.replace('\\\\', "_")""",
        ELSEWHERE,
    ),
    Bug(
        "control characters at the front are followed",
        NEXT,
        "first.general_category_group() == GeneralCategoryGroup::Other",
        "first.general_category_group() == GeneralCategoryGroup::Other && first != '\\0' && first != '\\u{8}'",
        SAFE,
    ),
    Bug(
        "schemes other than http and https are followed",
        NEXT,
        'scheme => scheme == "https",',
        "_ => true,",
        ELSEWHERE,
    ),
    Bug(
        "http is followed from https",
        NEXT,
        '"http" => !require_https,',
        '"http" => true,',
        SAFE,
    ),
    Bug(
        "the strict rule takes a backslash behind the first slash",
        NEXT,
        "Some('/' | '\\\\')",
        "Some('/')",
        core("auth::next::tests::the_strict_rule_wants_a_path_of_this_site"),
    ),
    Bug(
        "line ends stand in a Location",
        NEXT,
        "utf8_percent_encode(iri, &IRI_ESCAPES)",
        "utf8_percent_encode(iri, const { &IRI_ESCAPES.remove(b'\\r').remove(b'\\n') })",
        core("auth::next::tests::a_location_holds_nothing_that_ends_its_line"),
    ),
    Bug(
        "a second login keeps the key on a site of our own",
        "crates/web/src/config.rs",
        "config.login.relogin = Relogin::RenewsKey;",
        "config.login.relogin = Relogin::KeepsKey;",
        stack("login::a_login_renews_the_key_and_the_old_one_is_dead"),
    ),
    Bug(
        "who changes the password keeps the key",
        LOGIN,
        "        session.cycle_key();\n        if stored_text(session, USER_ID_NAME).as_ref() == Some(&user.id) {",
        "        if stored_text(session, USER_ID_NAME).as_ref() == Some(&user.id) {",
        stack("login::who_changes_the_own_password_stays_signed_in_here_only"),
    ),
    Bug(
        "the first superuser is made through a proxy",
        "crates/server/src/setup_link.rs",
        "if forwarded || !visit.peer.to_canonical().is_loopback() {",
        "if !visit.peer.to_canonical().is_loopback() {",
        server("setup_link::tests::nothing_comes_through_a_proxy"),
    ),
    Bug(
        "a secret key is made for a database that is not there",
        "crates/server/src/commands/serve/prepare.rs",
        "    situation.check()?;\n",
        "    let _ = make_key_file(file)?;\n    situation.check()?;\n",
        command("nothing_is_made_where_something_could_be_lost"),
    ),
]
