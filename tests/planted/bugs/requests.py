"""A request's way through the layer: hosts, the check of forms, and what the response says."""

from bug import Bug, core, server, stack, web

AUTH = "crates/web/src/auth.rs"
COOKIES = "crates/web/src/cookies.rs"
CONFIG = "crates/web/src/config.rs"
CSRF = "crates/web/src/csrf.rs"
CSRF_COOKIE = "crates/core/src/csrf/cookie.rs"
RESPONSE = "crates/core/src/session/response.rs"
SET_COOKIE = "crates/core/src/cookie/set_cookie.rs"
SITE_COOKIE = "crates/core/src/cookie/site_cookie.rs"
FINISH = "crates/web/src/finish.rs"
HOST = "crates/web/src/host.rs"
LAYER = "crates/web/src/layer.rs"
VISIT = "crates/web/src/visit.rs"

HOSTS = web("host::tests::hosts_that_are_not_ours_are_refused")
PROXIES = web("host::tests::only_trusted_proxies_are_believed")
ATTRIBUTES = stack("cookies::each_profile_writes_its_attributes")
DELETED = stack("cookies::a_cookie_is_deleted_where_it_was_set")
BEARER = stack("bearer::a_request_with_a_bearer_token_has_no_cookies")
METHODS = stack("csrf::unsafe_methods_need_a_token_and_safe_ones_do_not")

BUGS = [
    Bug(
        "hosts are compared with their case",
        HOST,
        "domain.eq_ignore_ascii_case(parent)",
        "domain == parent",
        HOSTS,
    ),
    Bug(
        "anything stands for a port",
        HOST,
        "(well_formed && port.bytes().all(|byte| byte.is_ascii_digit()))",
        "well_formed",
        HOSTS,
    ),
    Bug(
        "a host with a dot behind it is another",
        HOST,
        "domain.strip_suffix('.').unwrap_or(domain)",
        "domain",
        HOSTS,
    ),
    Bug(
        "two Host headers are one",
        HOST,
        "if hosts.next().is_some() {",
        "if false {",
        HOSTS,
    ),
    Bug(
        "the request line may name another host than the header",
        HOST,
        "(Some(header), Some(authority)) if header != authority => {",
        "(Some(header), Some(authority)) if header.is_empty() && authority.is_empty() => {",
        HOSTS,
    ),
    Bug(
        "an allowed host with a dot matches evilexample.com",
        HOST,
        "ends_ignoring_case(domain, &self.text)",
        "ends_ignoring_case(domain, parent)",
        web("host::tests::patterns_are_django_s"),
    ),
    Bug(
        "a request may name as its host whatever stands in ALLOWED_HOSTS",
        HOST,
        'is_host: is_name && domain_and_port(&text) == Some((&text, "")),',
        "is_host: true,",
        web("host::tests::an_entry_that_is_no_host_is_not_one_because_a_request_says_the_same"),
    ),
    Bug(
        "forwarding headers are believed whoever sends them",
        HOST,
        "let proxied = self.trusted_proxies.include(|| head.peer());",
        "let proxied = true;",
        PROXIES,
    ),
    Bug(
        "of several forwarded schemes the last counts",
        HOST,
        "sent.split(',').next().map(str::trim)",
        "sent.split(',').next_back().map(str::trim)",
        PROXIES,
    ),
    Bug(
        "a redirect may lead to javascript:",
        "crates/web/src/redirect.rs",
        '["http", "https", "ftp"]',
        '["http", "https", "ftp", "javascript"]',
        web("redirect::tests::locations_are_escaped_and_other_schemes_refused"),
    ),
    Bug(
        "of two session cookies the last counts where none should",
        VISIT,
        "found.next().is_some()",
        "found.nth(1).is_some()",
        stack("cookies::two_session_cookies_are_none_or_the_last"),
    ),
    Bug(
        "of several Cookie headers the first counts",
        VISIT,
        "headers.get_all(COOKIE).iter().rev();",
        "headers.get_all(COOKIE).iter();",
        stack("cookies::two_session_cookies_are_none_or_the_last"),
    ),
    Bug(
        "a key that the browser made up is taken for a session's",
        VISIT,
        """Some(key) => match store.load(&key, site.now()).await? {
                    None => SessionState::new(),""",
        """Some(key) => match store.load(&key, site.now()).await? {
                    None => {
                        let codec = &site.save_rules.codec;
                        let text = codec.encode("{}", Timestamp::now());
                        let stored = cloakroom_core::session::Stored::signed(text, Timestamp::MAX);
                        SessionState::from_stored(key, stored, codec)
                    }""",
        stack("login::a_key_that_we_did_not_make_is_never_adopted"),
    ),
    Bug(
        "cookies are not for https only behind a proxy",
        VISIT,
        "                !self.place().local\n",
        "                self.place().secure\n",
        stack("cookies::cookies_are_for_https_except_on_this_machine"),
    ),
    Bug(
        "the session's cookie is shown to scripts",
        CONFIG,
        'cookie("sessionid", true)',
        'cookie("sessionid", false)',
        ATTRIBUTES,
    ),
    Bug(
        "the cookies have no SameSite",
        CONFIG,
        "same_site: Some(SameSite::Lax),",
        "same_site: None,",
        ATTRIBUTES,
    ),
    Bug(
        "the session's cookie stands before the CSRF cookie",
        FINISH,
        "[csrf_cookie.as_ref(), session_cookie]",
        "[session_cookie, csrf_cookie.as_ref()]",
        ATTRIBUTES,
    ),
    Bug(
        "a cookie is deleted below another path than it was set",
        SET_COOKIE,
        "path: self.path.clone(),\n            domain: self.domain.clone(),\n            same_site",
        'path: Some("/".into()),\n            domain: self.domain.clone(),\n            same_site',
        DELETED,
    ),
    Bug(
        "a cookie is deleted without its domain",
        SET_COOKIE,
        "domain: self.domain.clone(),\n            same_site",
        "domain: None,\n            same_site",
        DELETED,
    ),
    Bug(
        "a handler's cookie that browsers would drop is sent all the same",
        COOKIES,
        "        if let Some(refusal) = cookie.refusal(now) {",
        "        if let Some(refusal) = cookie.refusal(now).filter(|_| false) {",
        stack("cookies::a_cookie_that_browsers_would_not_keep_is_an_error_that_says_so"),
    ),
    Bug(
        "a cookie that comes after its response is lost without a word",
        COOKIES,
        "        if state.sealed {",
        "        if false && state.sealed {",
        stack("cookies::a_cookie_that_comes_after_the_response_is_an_error"),
    ),
    Bug(
        "a site's own cookie that browsers would drop is found by nobody",
        CONFIG,
        "Some(refusal) => Err(InvalidCookie::Refused(refusal)),",
        "Some(_) => Ok(prepared),",
        stack("cookies::a_site_s_cookie_that_browsers_would_drop_is_found_before_they_do"),
    ),
    Bug(
        "of a name that came twice the first value is shown",
        "crates/core/src/cookie/header.rs",
        "                *known = value;",
        "                let _ = (known, value);",
        stack("cookies::the_cookies_of_a_request_are_a_map"),
    ),
    Bug(
        "a session that ends with the browser gets a cookie of two weeks",
        SITE_COOKIE,
        "None => cookie,",
        "None => cookie.max_age(1_209_600),",
        stack("session::set_expiry_decides_how_long_the_cookie_stays"),
    ),
    Bug(
        "a failing handler's session is saved",
        RESPONSE,
        "            _ if failed(status) => Due::Nothing,\n",
        "",
        stack("session::only_an_error_of_the_server_saves_nothing"),
    ),
    Bug(
        "a page that was not found saves nothing",
        RESPONSE,
        "_ if failed(status) => Due::Nothing",
        "_ if status >= 400 => Due::Nothing",
        stack("session::only_an_error_of_the_server_saves_nothing"),
    ),
    Bug(
        "a flush leaves the cookie",
        RESPONSE,
        "Self::Deleted => Ok(Some(site.deletion())),\n            Self::Saved(cookie)",
        "Self::Deleted => Ok(None),\n            Self::Saved(cookie)",
        stack("session::clear_keeps_the_key_and_flush_ends_it"),
    ),
    Bug(
        "what depends on the session does not vary by cookie",
        FINISH,
        "    if state.reads_cookies {\n",
        "    if state.reads_cookies && response.status().is_redirection() {\n",
        stack("vary::whatever_looks_at_the_session_varies_by_cookie"),
    ),
    Bug(
        "a page with a token does not vary by cookie",
        FINISH,
        "state.reads_cookies |= csrf_secret.is_some();",
        "state.reads_cookies |= false;",
        stack("vary::a_page_with_a_token_varies_by_cookie"),
    ),
    Bug(
        "browsers keep pages that know the user",
        FINISH,
        '(true, _) => Some("private, no-store"),',
        '(true, _) => Some("private"),',
        stack("vary::pages_that_know_the_user_are_private"),
    ),
    Bug(
        "the layer lets PATCH through unchecked",
        CSRF,
        "Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE",
        "Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PATCH",
        METHODS,
    ),
    Bug(
        "a token is taken from the body of any method",
        CSRF,
        "        Method::POST => Form::of(&parts.headers),\n        _ => None,",
        "        _ => Form::of(&parts.headers),",
        METHODS,
    ),
    Bug(
        "a token's cookie of another shape is not replaced",
        CSRF_COOKIE,
        "                if self.secret.is_none() {\n                    self.rotate_token()?;\n                }\n",
        "",
        stack("csrf::tokens_have_32_or_64_characters_and_fit_their_secret"),
    ),
    Bug(
        "a login leaves the CSRF secret",
        AUTH,
        "Ok(state.csrf.rotate_token()?)",
        "Ok(())",
        stack("login::a_login_rotates_the_csrf_secret"),
    ),
    Bug(
        "the session's CSRF secret is never put there",
        FINISH,
        "    visit.keep_csrf_secret(&mut state);\n",
        "",
        stack("csrf_places::a_session_keeps_the_secret_and_no_cookie_does"),
    ),
    Bug(
        "a session that could not be loaded has no CSRF secret to prove",
        CSRF,
        "        SecretPlace::Session => {\n            visit.load_session(headers).await?;",
        "        SecretPlace::Session => {\n            visit.load_session(headers).await.map_err(|_| Error::csrf(Reason::NoCookie))?;",
        stack("csrf_places::a_store_that_fails_lets_no_form_pass_and_is_told_from_a_forgery"),
    ),
    Bug(
        "another page's CSRF secret in the session interrupts a request",
        "crates/core/src/session/commit.rs",
        'matches!(name, "_messages" | "_csrftoken")',
        'matches!(name, "_messages")',
        stack("csrf_places::two_pages_that_are_loaded_at_once_do_not_disturb_each_other"),
    ),
    Bug(
        "a CSRF secret belongs to every login",
        "crates/core/src/csrf/bound.rs",
        "[&self.login, drawn].concat()",
        '["", drawn].concat()',
        stack("csrf_places::a_cookie_of_a_login_proves_nothing_for_another"),
    ),
    Bug(
        "a login keeps the CSRF secrets of visitors",
        AUTH,
        "        csrf::set_owner(&self.visit)?;\n",
        "",
        stack("csrf_places::a_cookie_of_a_login_proves_nothing_for_another"),
    ),
    Bug(
        "the CSRF secret of a fallback key is nobody's",
        "crates/core/src/csrf/bound.rs",
        "self.binding.0.iter().any(",
        "self.binding.0.iter().take(1).any(",
        core("csrf::bound::tests::a_fallback_key_s_secrets_are_still_taken_and_no_more_made"),
    ),
    Bug(
        "a request with a bearer token keeps its cookies",
        LAYER,
        "            parts.headers.remove(COOKIE);\n",
        "",
        BEARER,
    ),
    Bug(
        "a bearer token is no reason to do without a CSRF token",
        LAYER,
        "!bearer && csrf::needs_check",
        "csrf::needs_check",
        BEARER,
    ),
    Bug(
        "any word that begins as bearer is a bearer token",
        CSRF,
        'scheme.eq_ignore_ascii_case(b"bearer")',
        'scheme.to_ascii_lowercase().starts_with(b"bearer")',
        BEARER,
    ),
    Bug(
        "what a program asks for with a bearer token is sent to the login page",
        "crates/web/src/auth/required.rs",
        "if bearer || !is_page_load(parts) {",
        "if !is_page_load(parts) {",
        BEARER,
    ),
    Bug(
        "a page that ensures the CSRF cookie only reads it",
        CSRF,
        "        let _ = csrf.token()?;\n",
        "        let _ = csrf;\n",
        stack("csrf::a_page_that_ensures_the_cookie_sets_it_though_nobody_asks_for_a_token"),
    ),
    Bug(
        "a layer within an exempt one checks nothing",
        LAYER,
        "if checks && !visit.state().csrf_checked {",
        "if checks && !nested {",
        stack("csrf::a_form_is_checked_once_and_within_an_exempt_layer_by_the_inner_one"),
    ),
    Bug(
        "every form rotates the CSRF secret",
        CSRF_COOKIE,
        "Some(secret) => secret,\n            None => self.generate()?",
        "Some(_) | None => self.generate()?",
        stack("csrf::each_form_has_another_token_and_all_are_valid"),
    ),
    Bug(
        "an inactive user signs in",
        "crates/web/src/auth/attempt.rs",
        "|| too_long || !may",
        "|| too_long",
        stack("login::a_wrong_name_or_password_signs_nobody_in"),
    ),
    Bug(
        "a longer password is cut and then right",
        "crates/web/src/auth/attempt.rs",
        "verification == Verification::Wrong || too_long",
        "verification == Verification::Wrong",
        stack("passwords::a_password_is_any_bytes_up_to_four_kilobytes"),
    ),
    Bug(
        "the query's next goes before the form's",
        AUTH,
        "form_next.or_else(|| self.query_next.clone())?",
        "self.query_next.clone().or(form_next)?",
        stack("login::a_login_leads_to_next_if_that_is_ours"),
    ),
    Bug(
        "a next of the form is followed unchecked",
        AUTH,
        "is_safe_next(&next, &[&place.host], place.secure, rule).then_some(next)",
        "(next.starts_with('/') || is_safe_next(&next, &[&place.host], place.secure, rule)).then_some(next)",
        stack("login::a_login_leads_to_next_if_that_is_ours"),
    ),
    Bug(
        "where the layer does not run everybody is a stranger",
        AUTH,
        """        let visit = Visit::of(parts)?.clone();
        Ok(visit.load_user(&parts.headers).await?.map(Self))""",
        """        let Ok(visit) = Visit::of(parts).cloned() else {
            return Ok(None);
        };
        Ok(visit.load_user(&parts.headers).await?.map(Self))""",
        stack("guards::extracting_without_the_layer_is_a_500_whose_log_names_it"),
    ),
    Bug(
        "a browser may keep a refusal",
        "crates/web/src/error.rs",
        'headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));',
        'headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));',
        stack("guards::page_loads_are_sent_to_the_login_page_and_the_rest_gets_401"),
    ),
    Bug(
        "a shared cache may keep a response that gives somebody a session",
        FINISH,
        '(false, true) => Some("private"),',
        "(false, true) => None,",
        stack("vary::no_shared_cache_keeps_a_response_that_gives_somebody_a_session"),
    ),
    Bug(
        "a name in Vary with a blank before it is another",
        "crates/core/src/cookie/vary.rs",
        "value.split(',')).map(str::trim) {",
        "value.split(',')) {",
        stack("vary::headers_of_the_handler_are_completed_and_kept"),
    ),
    Bug(
        "of the headers with an underscore only one is dropped",
        "crates/server/src/accept/connection.rs",
        "while let Some(name) = headers.keys()",
        "if let Some(name) = headers.keys()",
        server("accept::connection::tests::headers_with_underscores_are_dropped_however_often_they_come"),
    ),
    Bug(
        "deep JSON is looked at anew from each of its levels",
        "crates/web/src/tokens/routes.rs",
        "async fn obtain(auth: Auth, Json(sent): Json<Credentials>) -> Result<Response, Error> {\n",
        """async fn obtain(auth: Auth, sent: String) -> Result<Response, Error> {
    let ends = |text: &str| {
        let near = text.chars().take(4000);
        near.filter(|end| matches!(*end, ']' | '}')).count()
    };
    let levels = sent.match_indices(['[', '{']);
    let deepest = levels.map(|(at, _)| ends(&sent[at..])).max();
    let Ok(sent) = serde_json::from_str::<Credentials>(&sent) else {
        return Ok((StatusCode::BAD_REQUEST, format!("{deepest:?}")).into_response());
    };
""",
        stack("tokens::deep_json_is_refused_at_once"),
    ),
    Bug(
        "what is logged of a request may end its line",
        "crates/server/src/logging.rs",
        "if character.is_control()\n",
        "if (character.is_control() && character != '\\n')\n",
        server("logging::tests::whatever_is_logged_is_one_line_without_control_characters"),
    ),
]
