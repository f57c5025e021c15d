"""Forms of other sites' pages: tokens, origins, referers."""

from bug import Bug, core, stack, web

CSRF = "crates/core/src/csrf.rs"
ORIGIN = "crates/core/src/csrf/origin.rs"
TOKEN = "crates/core/src/csrf/token.rs"
MULTIPART = "crates/core/src/csrf/multipart.rs"
FIELD = "crates/core/src/csrf/field.rs"
IN_SESSION = "crates/core/src/csrf/in_session.rs"
LAYER = "crates/web/src/csrf.rs"

KEPT_ONCE = core("csrf::in_session::tests::a_session_s_secret_is_kept_once_and_only_for_a_page_that_shows_it")
MASKS = core("csrf::token::tests::masks_are_django_s")
SHAPE = core("csrf::token::tests::the_wrong_shape_is_refused_length_first")
OWN_ORIGIN = core("csrf::tests::an_origin_is_this_site_s_byte_for_byte")
SAFE_METHODS = core("csrf::tests::safe_methods_need_nothing")
ORIGINS = core("csrf::origin::tests::origins_are_trusted_as_in_django")
VETO = core("csrf::tests::the_browser_s_own_word_is_a_veto")
BROWSER_SAYS = stack("csrf_origins::the_browser_s_word_on_where_a_request_comes_from_counts")
UNDONE = stack("csrf_multipart::a_second_token_far_behind_undoes_what_the_handler_did")

BUGS = [
    Bug(
        "a text that is no token ends the hidden field",
        FIELD,
        "let token = escape(token);",
        "let token = token.to_owned();",
        core("csrf::field::tests::a_text_that_is_no_token_stays_within_the_field"),
    ),
    Bug(
        "what is no text in a session passes for an absent secret",
        IN_SESSION,
        "text.unwrap_or_else(|_| Some(String::new()))",
        "text.unwrap_or(None)",
        core("csrf::in_session::tests::what_is_no_secret_in_a_session_is_never_proven_and_is_replaced"),
    ),
    Bug(
        "a session is written on each page with a form, though it keeps the secret",
        IN_SESSION,
        "let is_new = kept.as_deref() != Some(secret.as_str());",
        'let is_new = kept.as_deref() != Some("");',
        KEPT_ONCE,
    ),
    Bug(
        "a session is given a secret that no page showed",
        IN_SESSION,
        "let Some(secret) = self.process_response() else {",
        "let generated = crate::csrf::CsrfSecret::generate().ok();\n        let Some(secret) = generated.as_ref() else {",
        KEPT_ONCE,
    ),
    Bug(
        "the capitals stand first in the alphabet of tokens",
        TOKEN,
        'b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"',
        'b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"',
        MASKS,
    ),
    Bug(
        "a token's mask stands behind its cipher when it is read",
        TOKEN,
        "let (mask, cipher) = text.split_at",
        "let (cipher, mask) = text.split_at",
        MASKS,
    ),
    Bug(
        "a token's mask stands behind its cipher when it is made",
        TOKEN,
        "[mask, cipher].concat()",
        "[cipher, mask].concat()",
        core("csrf::token::tests::each_token_differs_and_all_are_valid"),
    ),
    Bug(
        "all tokens have the same mask",
        TOKEN,
        "let mask = random::text(Self::ALPHABET, Self::LENGTH)?;",
        'let mask = "a".repeat(Self::LENGTH);',
        core("csrf::token::tests::each_token_differs_and_all_are_valid"),
    ),
    Bug(
        "a token may have any length from 32 to 64",
        TOKEN,
        "length != CsrfSecret::LENGTH && length != CsrfSecret::MASKED_LENGTH",
        "!(CsrfSecret::LENGTH..=CsrfSecret::MASKED_LENGTH).contains(&length)",
        SHAPE,
    ),
    Bug(
        "the length of a token is counted in bytes",
        TOKEN,
        "let length = text.chars().count();",
        "let length = text.len();",
        SHAPE,
    ),
    Bug(
        "secrets are shorter than Django's",
        TOKEN,
        "random::text(Self::ALPHABET, Self::LENGTH).map(Self)",
        "random::text(Self::ALPHABET, Self::LENGTH / 2).map(Self)",
        core("csrf::token::tests::each_token_differs_and_all_are_valid"),
    ),
    Bug(
        "the header goes before the form's field",
        CSRF,
        "form.filter(|token| !token.is_empty())",
        "form.filter(|token| header.is_none() && !token.is_empty())",
        core("csrf::tests::a_token_is_looked_for_in_the_form_and_then_in_the_header"),
    ),
    Bug(
        "a cookie that cannot be read switches the check off",
        CSRF,
        "StoredSecret::Faulty(fault) => return Err(Reason::BadCookie(fault)),",
        "StoredSecret::Faulty(_) => return Ok(()),",
        core("csrf::tests::a_secret_that_is_absent_or_malformed_never_switches_the_check_off"),
    ),
    Bug(
        "PATCH is a safe method",
        CSRF,
        '"GET" | "HEAD" | "OPTIONS" | "TRACE"',
        '"GET" | "HEAD" | "OPTIONS" | "TRACE" | "PATCH"',
        SAFE_METHODS,
    ),
    Bug(
        "TRACE is no safe method",
        CSRF,
        '"GET" | "HEAD" | "OPTIONS" | "TRACE"',
        '"GET" | "HEAD" | "OPTIONS"',
        SAFE_METHODS,
    ),
    Bug(
        "methods are safe in any case",
        CSRF,
        "matches!(request.method, ",
        "matches!(request.method.to_uppercase().as_str(), ",
        SAFE_METHODS,
    ),
    Bug(
        "the origin null is accepted",
        CSRF,
        "if request.is_own_origin(origin) ||",
        'if origin == "null" || request.is_own_origin(origin) ||',
        OWN_ORIGIN,
    ),
    Bug(
        "the port of an origin is ignored",
        CSRF,
        "self.host == Some(host)",
        "self.host.and_then(|own| own.split(':').next()) == host.split(':').next()",
        OWN_ORIGIN,
    ),
    Bug(
        "the scheme of an origin is ignored",
        CSRF,
        "self.is_own_host_with(origin, scheme)",
        'self.is_own_host_with(origin, scheme) || self.is_own_host_with(origin, "https")',
        OWN_ORIGIN,
    ),
    Bug(
        "a wildcard matches evilexample.com",
        ORIGIN,
        "netloc.ends_with(&self.0)",
        "netloc.ends_with(bare)",
        ORIGINS,
    ),
    Bug(
        "a wildcard matches any scheme",
        ORIGIN,
        "*scheme == origin.scheme && domain.covers(&origin.netloc)",
        "!scheme.is_empty() && domain.covers(&origin.netloc)",
        ORIGINS,
    ),
    Bug(
        "a wildcard matches any port",
        ORIGIN,
        "domain.covers(&origin.netloc))",
        "domain.covers(origin.netloc.split(':').next().unwrap_or_default()))",
        ORIGINS,
    ),
    Bug(
        "a referer over http is accepted for https",
        CSRF,
        'if referer.scheme != "https" {',
        'if !matches!(referer.scheme.as_str(), "https" | "http") {',
        core("csrf::tests::a_secure_request_without_origin_shows_its_referer"),
    ),
    Bug(
        "a request over https needs no referer",
        CSRF,
        "let referer = request.referer.ok_or(Reason::NoReferer)?;",
        "let Some(referer) = request.referer else { return Ok(()) };",
        core("csrf::tests::a_secure_request_without_origin_shows_its_referer"),
    ),
    Bug(
        "the port of a referer below the cookie's domain is ignored",
        CSRF,
        'Some(Domain::new(&format!("{domain}:{}", request.port)))',
        "Some(Domain::new(domain))",
        core("csrf::tests::a_referer_s_good_host_depends_on_host_domain_and_port"),
    ),
    Bug(
        "the strictest veto lets sister sites through",
        CSRF,
        "Self::CrossAndSameSite => !ours,",
        'Self::CrossAndSameSite => !ours && fetch_site != "same-site",',
        VETO,
    ),
    Bug(
        "a trusted origin does not lift the veto",
        CSRF,
        "if refused && !lifted() {",
        "if refused {",
        VETO,
    ),
    Bug(
        "a WebSocket needs no origin",
        CSRF,
        "let origin = request.origin.ok_or(Reason::UpgradeWithoutOrigin)?;",
        "let Some(origin) = request.origin else { return Ok(()) };",
        core("csrf::tests::a_web_socket_needs_an_origin_of_ours"),
    ),
    Bug(
        "a second token in a multipart form goes by",
        MULTIPART,
        "if part == Part::Token && self.token.is_some() {",
        'if part == Part::Token && self.token.as_deref() == Some("") {',
        core("csrf::multipart::tests::a_second_token_is_refused"),
    ),
    Bug(
        "a delimiter of which all but its last byte ends a piece is missed",
        "crates/core/src/csrf/multipart/delimiter.rs",
        "bytes.len().saturating_sub(self.length())",
        "bytes.len().saturating_sub(self.length() - 2)",
        core("csrf::multipart::tests::the_token_is_found_wherever_its_part_stands"),
    ),
    Bug(
        "a file under the token's name is the token",
        "crates/core/src/csrf/multipart/part.rs",
        "FORM_FIELD if is_file => None,",
        "FORM_FIELD if is_file => Some(Part::Token),",
        core("csrf::multipart::tests::what_may_be_a_second_token_is_refused"),
    ),
    Bug(
        "what a form's token waited for is never given back to the quota",
        "crates/web/src/csrf/spool.rs",
        "fetch_add(self.bytes, Ordering::AcqRel)",
        "fetch_add(0, Ordering::AcqRel)",
        web("csrf::spool::tests::shares_never_exceed_the_quota_and_are_given_back"),
    ),
    Bug(
        "a late token is waited for without a limit",
        "crates/web/src/csrf/late.rs",
        "if spooled + block.length as u64 > self.limit {",
        "if spooled + block.length as u64 > u64::MAX - self.limit {",
        stack("csrf_multipart::a_late_token_comes_within_the_route_s_limit_or_not_at_all"),
    ),
    Bug(
        "what the handler did before a second token came is kept",
        "crates/web/src/finish.rs",
        "if let Some(failure) = state.body_failure {",
        "if let Some(failure) = state.body_failure.filter(|_| status == 0) {",
        UNDONE,
    ),
    Bug(
        "a second token that is the last name of an urlencoded form goes by",
        "crates/web/src/csrf/handed_on.rs",
        "None => self.scan.finish(),",
        "None => Ok(()),",
        UNDONE,
    ),
    Bug(
        "the strictest site takes forms of sister sites",
        "crates/web/src/config.rs",
        "config.csrf.rules.veto = Veto::CrossAndSameSite;",
        "config.csrf.rules.veto = Veto::CrossSite;",
        BROWSER_SAYS,
    ),
    Bug(
        "a sandboxed frame's origin passes for an absent one",
        LAYER,
        "= (text(ORIGIN), ",
        '= (text(ORIGIN).filter(|origin| &**origin != "null"), ',
        BROWSER_SAYS,
    ),
    Bug(
        "where Sec-Fetch-Site is missing no referer is asked for",
        CSRF,
        "} else if request.secure {",
        "} else if request.secure && request.fetch_site.is_some() {",
        core("csrf::tests::removing_headers_one_by_one_never_helps_a_foreign_page"),
    ),
    Bug(
        "an origin without a wildcard is trusted whatever its scheme",
        ORIGIN,
        "any(|entry| entry == origin)",
        'any(|entry| entry.split("://").nth(1) == origin.split("://").nth(1))',
        core("csrf::tests::a_trusted_entry_s_scheme_counts_for_origins_and_not_for_referers"),
    ),
    Bug(
        "who runs a site behind TLS is not told which setting it needs",
        CSRF,
        "only_the_scheme_differs: !request.secure",
        "only_the_scheme_differs: request.secure",
        core("csrf::tests::a_proxy_that_hides_tls_is_named"),
    ),
    Bug(
        "over TLS that the server ends itself a form shows no referer",
        "crates/web/src/host.rs",
        "None => head.listener.is_some_and(|listener| listener.tls),",
        "None => false,",
        stack("csrf_origins::over_https_a_request_says_where_it_comes_from"),
    ),
    Bug(
        "a refusal tells the client its reason",
        "crates/web/src/error.rs",
        "(status, text(kind)).into_response()",
        "(status, self.to_string()).into_response()",
        stack("csrf::a_refusal_repeats_nothing_of_the_request"),
    ),
    Bug(
        "each form that waits for its token has a quota of its own",
        LAYER,
        "quota: Arc::clone(&visit.site().spool),",
        "quota: SpoolQuota::new(visit.site().config.csrf.spool_quota),",
        stack("csrf_multipart::a_thousand_forms_without_a_token_stay_within_the_quota"),
    ),
    Bug(
        "a part in base64 is looked through for what ends it",
        "crates/core/src/csrf/multipart/part.rs",
        '["7bit", "8bit", "binary"]',
        '["7bit", "8bit", "binary", "base64"]',
        core("csrf::multipart::tests::an_encoding_that_changes_bytes_ends_the_scan_at_its_header"),
    ),
    Bug(
        "a form that is announced as short has no limit",
        LAYER,
        "late.filter(|_| header.is_none())",
        """late.filter(|_| header.is_none()).map(|limit| {
            let announced = parts.headers.get("content-length");
            match announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok()) {
                Some(length) if length <= limit => u64::MAX,
                _ => limit,
            }
        })""",
        stack("csrf_multipart::what_content_length_says_of_a_form_decides_nothing"),
    ),
]
