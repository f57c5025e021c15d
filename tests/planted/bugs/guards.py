"""Who may see a page, and a site that only looks."""

from bug import Bug, core, stack

GUARD = "crates/web/src/auth/guard.rs"
PERMISSIONS = "crates/web/src/auth/permissions.rs"
EVERYWHERE = "crates/web/src/auth/everywhere.rs"
LAYER = "crates/web/src/layer.rs"
VISIT = "crates/web/src/visit.rs"
FINISH = "crates/web/src/finish.rs"
AUTH = "crates/web/src/auth.rs"
LOGIN = "crates/core/src/auth/login.rs"

TABLE = stack("permissions::every_guard_lets_in_whom_it_should_and_tells_the_others_what_they_need")
ONCE = stack("permissions::however_many_ask_each_store_is_asked_once")
BEARER = stack("permissions::a_guard_of_tokens_asks_whom_the_token_speaks_for")
EVERY_ROUTE = stack("permissions::where_a_login_is_required_everywhere_every_route_asks_for_it_and_no_other_address")
NOWHERE = stack("permissions::without_a_page_for_everybody_an_unknown_address_is_a_404_too")
NO_PATH = stack("permissions::what_has_no_path_of_its_own_is_nowhere_for_strangers")
WHOLE = stack("permissions::around_a_whole_router_a_login_is_required_before_anything_is_routed")
ONLY_LOOKS = stack("guard_only::a_site_that_only_looks_writes_nothing")
NO_TOKEN = stack("guard_only::a_token_whose_secret_no_session_will_keep_is_not_made")
SAME_OWNERS = core("auth::login::tests::who_may_write_nothing_finds_the_same_owners_and_changes_no_session")

BUGS = [
    Bug(
        "one of several permissions is enough",
        GUARD,
        "wanted.iter().all(",
        "wanted.iter().any(",
        TABLE,
    ),
    Bug(
        "who fails a test is let in",
        GUARD,
        "Test::User(test) => test(&user),",
        "Test::User(test) => test(&user) || true,",
        TABLE,
    ),
    Bug(
        "a superuser counts as staff",
        GUARD,
        "user_passes_test(|user| user.is_active && user.is_staff)",
        "user_passes_test(|user| user.is_active && (user.is_staff || user.is_superuser))",
        TABLE,
    ),
    Bug(
        "a guard that sends to the login page answers 403",
        GUARD,
        "self.refused = Refused::ToLogin;",
        "self.refused = Refused::Forbidden;",
        TABLE,
    ),
    Bug(
        "require refuses nobody",
        PERMISSIONS,
        "if self.0.has(permission) {",
        "if self.0.has(permission) || true {",
        TABLE,
    ),
    Bug(
        "permissions are read again for each who asks",
        PERMISSIONS,
        "&& id == user.id",
        "&& id != user.id",
        ONCE,
    ),
    Bug(
        "a guard of tokens takes a session's user",
        GUARD,
        "self.speaks = Speaks::Bearer;",
        "self.speaks = Speaks::Session;",
        BEARER,
    ),
    Bug(
        "behind a guard of tokens the permissions are those of the session's user",
        "crates/web/src/tokens/bearer.rs",
        "visit.state().bearer = Some(user.clone());",
        "let _ = &visit;",
        BEARER,
    ),
    Bug(
        "a site whose every page is for users lets everybody in",
        LAYER,
        "login_required: site.login_required_everywhere,",
        "login_required: false,",
        EVERY_ROUTE,
    ),
    Bug(
        "a page that needs no login asks for one",
        LAYER,
        "self.login_required = false;",
        "self.login_required = true;",
        EVERY_ROUTE,
    ),
    Bug(
        "an unknown address asks for a login",
        EVERYWHERE,
        "ErrorKind::LoginRequired && has_no_route(&parts)",
        "ErrorKind::LoginRequired && has_no_route(&parts) && false",
        NOWHERE,
    ),
    Bug(
        "a store that fails is an unknown address",
        EVERYWHERE,
        "error.kind() == ErrorKind::LoginRequired && has_no_route",
        "error.kind() != ErrorKind::BadHost && has_no_route",
        NO_PATH,
    ),
    Bug(
        "around a whole router everything is an unknown address",
        EVERYWHERE,
        "extensions.get::<OriginalUri>().is_some() && ",
        "(true || extensions.get::<OriginalUri>().is_some()) && ",
        WHOLE,
    ),
    Bug(
        "a site that only looks changes its session",
        VISIT,
        """        if self.site().guard_only {
            return Err(Error::guard_only());
        }
        self.open_session(action)""",
        "        self.open_session(action)",
        ONLY_LOOKS,
    ),
    Bug(
        "a site that only looks deletes session cookies",
        FINISH,
        """    if site.guard_only {
        return Some(Ok(None));
    }
""",
        "",
        ONLY_LOOKS,
    ),
    Bug(
        "a site that only looks verifies passwords",
        "crates/web/src/auth/attempt.rs",
        "if site.guard_only {",
        "if false && site.guard_only {",
        ONLY_LOOKS,
    ),
    Bug(
        "a site that only looks makes tokens that nothing keeps",
        "crates/web/src/csrf.rs",
        "if site.guard_only\n",
        "if false && site.guard_only\n",
        NO_TOKEN,
    ),
    Bug(
        "who may write nothing is nobody under a fallback key",
        LOGIN,
        "Judged::Current | Judged::Fallback => Owner::User,",
        "Judged::Current => Owner::User,\n            Judged::Fallback => Owner::Nobody,",
        SAME_OWNERS,
    ),
    Bug(
        "who may write nothing keeps the data of a session that would end",
        LOGIN,
        "                *session = SessionState::new();\n",
        "",
        SAME_OWNERS,
    ),
]
