use super::*;

const POST: CsrfRequest<'_> = CsrfRequest {
    method: "POST",
    secure: false,
    host: Some("www.example.com"),
    port: 80,
    origin: None,
    referer: None,
    fetch_site: None,
};

const SECURE_POST: CsrfRequest<'_> = CsrfRequest {
    secure: true,
    port: 443,
    ..POST
};

fn django() -> CsrfRules {
    CsrfRules::new(Veto::None)
}

fn trusting(entry: &str, veto: Veto) -> CsrfRules {
    CsrfRules {
        trusted_origins: TrustedOrigins::new([entry]).unwrap(),
        ..CsrfRules::new(veto)
    }
}

/// What the reason's log text is, or "accept".
fn outcome<T>(result: Result<T, Reason>) -> String {
    result.map_or_else(|reason| reason.to_string(), |_| "accept".to_owned())
}

#[test]
fn safe_methods_need_nothing() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        let request = CsrfRequest {
            method,
            origin: Some("https://evil.example"),
            fetch_site: Some("cross-site"),
            ..POST
        };
        let verdict = check_headers(&CsrfRules::new(Veto::CrossAndSameSite), &request);
        assert_eq!(verdict, Ok(Verdict::Accept), "{method}");
    }
    for method in [
        "POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "", "GET ",
    ] {
        let request = CsrfRequest { method, ..POST };
        let verdict = check_headers(&django(), &request);
        assert_eq!(verdict, Ok(Verdict::NeedsToken), "{method}");
    }
}

#[test]
fn an_origin_is_this_site_s_byte_for_byte() {
    let rows = [
        ("www.example.com", false, "http://www.example.com", true),
        ("www.example.com", true, "https://www.example.com", true),
        ("www.example.com", false, "https://www.example.com", false),
        ("www.example.com", true, "http://www.example.com", false),
        ("www.example.com", false, "http://WWW.example.com", false),
        ("WWW.example.com", false, "http://WWW.example.com", true),
        ("www.example.com", false, "http://www.example.com/", false),
        ("www.example.com", false, "http://www.example.com.", false),
        ("www.example.com", false, "http://www.example.com:80", false),
        ("www.example.com:80", false, "http://www.example.com", false),
        (
            "www.example.com:80",
            false,
            "http://www.example.com:80",
            true,
        ),
        ("www.example.com", false, "www.example.com", false),
        ("www.example.com", false, "http://example.com", false),
        (
            "www.example.com",
            false,
            "http://evil.www.example.com",
            false,
        ),
        ("www.example.com", false, "null", false),
        ("www.example.com", false, "", false),
        ("www.example.com", true, "https://[", false),
    ];
    for (host, secure, origin, accepted) in rows {
        let request = CsrfRequest {
            secure,
            host: Some(host),
            origin: Some(origin),
            ..POST
        };
        let expected = if accepted {
            "accept".to_owned()
        } else {
            format!("Origin checking failed - {origin} does not match any trusted origins.")
        };
        assert_eq!(outcome(check_headers(&django(), &request)), expected);
    }
}

#[test]
fn a_host_that_is_not_allowed_is_nobody_s_origin() {
    let request = CsrfRequest {
        host: None,
        origin: Some("http://www.example.com"),
        ..POST
    };
    assert!(check_headers(&django(), &request).is_err());
    assert!(check_headers(&trusting("http://www.example.com", Veto::None), &request).is_ok());
    let empty = CsrfRequest {
        host: Some(""),
        origin: Some("null"),
        ..POST
    };
    assert!(check_headers(&django(), &empty).is_err());
}

/// F6.
#[test]
fn an_origin_is_asked_before_the_referer() {
    let request = CsrfRequest {
        origin: Some("https://evil.example"),
        referer: Some("https://www.example.com/"),
        ..SECURE_POST
    };
    assert!(check_headers(&django(), &request).is_err());
    let request = CsrfRequest {
        origin: Some("https://www.example.com"),
        referer: Some("https://evil.example/"),
        ..SECURE_POST
    };
    assert!(check_headers(&django(), &request).is_ok());
}

#[test]
fn a_secure_request_without_origin_shows_its_referer() {
    const MALFORMED: &str = "Referer checking failed - Referer is malformed.";
    const INSECURE: &str = "Referer checking failed - Referer is insecure while host is secure.";
    let rows = [
        (Some("https://www.example.com"), "accept"),
        (Some("https://www.example.com/"), "accept"),
        (Some("HTTPS://www.example.com/a?b#c"), "accept"),
        (None, "Referer checking failed - no Referer."),
        (Some(""), MALFORMED),
        (Some("https:/www.example.com"), MALFORMED),
        (Some("https:"), MALFORMED),
        (Some("//www.example.com"), MALFORMED),
        (Some("www.example.com"), MALFORMED),
        (Some("https://["), MALFORMED),
        (Some("http://www.example.com/"), INSECURE),
        (Some("http://evil.example/"), INSECURE),
        (
            Some("https://www.example.com:443/"),
            "Referer checking failed - https://www.example.com:443/ does not match any trusted \
             origins.",
        ),
        (
            Some("HTTPS://WWW.example.com/?#"),
            "Referer checking failed - https://WWW.example.com/ does not match any trusted origins.",
        ),
        (
            Some("https://www.example.com@evil.example/"),
            "Referer checking failed - https://www.example.com@evil.example/ does not match any \
             trusted origins.",
        ),
        (
            Some("https://evil.example/?a#b"),
            "Referer checking failed - https://evil.example/?a#b does not match any trusted origins.",
        ),
    ];
    for (referer, expected) in rows {
        let request = CsrfRequest {
            referer,
            ..SECURE_POST
        };
        assert_eq!(
            outcome(check_headers(&django(), &request)),
            expected,
            "{referer:?}"
        );
        let insecure = CsrfRequest { referer, ..POST };
        assert!(check_headers(&django(), &insecure).is_ok(), "{referer:?}");
    }
}

#[test]
fn a_referer_s_good_host_depends_on_host_domain_and_port() {
    let rows = [
        (
            Some("www.example.com:443"),
            None,
            443,
            "www.example.com:443",
            true,
        ),
        (
            Some("www.example.com:4443"),
            None,
            4443,
            "www.example.com:4443",
            true,
        ),
        (Some("www.example.com"), None, 4443, "www.example.com", true),
        (
            Some("www.example.com"),
            None,
            4443,
            "www.example.com:4443",
            false,
        ),
        (Some("WWW.example.com"), None, 443, "www.example.com", true),
        (None, None, 443, "www.example.com", false),
        (
            Some("x"),
            Some(".example.com"),
            443,
            "foo.example.com",
            true,
        ),
        (Some("x"), Some(".example.com"), 443, "example.com", true),
        (
            Some("x"),
            Some(".example.com"),
            443,
            "evilexample.com",
            false,
        ),
        (
            Some("x"),
            Some("example.com"),
            443,
            "foo.example.com",
            false,
        ),
        (Some("x"), Some(".example.com"), 80, "foo.example.com", true),
        (
            Some("x"),
            Some(".example.com"),
            8443,
            "foo.example.com",
            false,
        ),
        (
            Some("x"),
            Some(".example.com"),
            8443,
            "foo.example.com:8443",
            true,
        ),
        (None, Some(".example.com"), 443, "foo.example.com", true),
        (Some("x"), Some(".example.com"), 443, "x", false),
    ];
    for (host, domain, port, referer, accepted) in rows {
        let rules = CsrfRules {
            cookie_domain: domain.map(str::to_owned),
            ..django()
        };
        let url = format!("https://{referer}/");
        let request = CsrfRequest {
            host,
            port,
            referer: Some(&url),
            ..SECURE_POST
        };
        assert_eq!(
            check_headers(&rules, &request).is_ok(),
            accepted,
            "{host:?} {domain:?} {port} {referer}"
        );
    }
}

/// F9, CVE-2025-47909.
#[test]
fn a_trusted_entry_s_scheme_counts_for_origins_and_not_for_referers() {
    let rules = trusting("http://dash.example.com", Veto::None);
    let by_referer = CsrfRequest {
        referer: Some("https://dash.example.com/"),
        ..SECURE_POST
    };
    assert!(check_headers(&rules, &by_referer).is_ok());
    let by_origin = CsrfRequest {
        origin: Some("https://dash.example.com"),
        ..SECURE_POST
    };
    assert!(check_headers(&rules, &by_origin).is_err());
    let wildcard = trusting("https://*.example.org", Veto::None);
    for (referer, accepted) in [
        ("https://example.org/", true),
        ("https://a.example.org/", true),
        ("https://a.example.org:8443/", false),
    ] {
        let request = CsrfRequest {
            referer: Some(referer),
            ..SECURE_POST
        };
        assert_eq!(check_headers(&wildcard, &request).is_ok(), accepted);
    }
}

/// F3, F5.
#[test]
fn the_browser_s_own_word_is_a_veto() {
    let own = Some("http://www.example.com");
    let trusted = Some("http://trusted.example");
    let evil = Some("http://evil.example");
    // Sec-Fetch-Site, Origin, and whether each level of the veto lets it through.
    let rows = [
        (None, None, [true, true, true]),
        (None, own, [true, true, true]),
        (None, trusted, [true, true, true]),
        (None, evil, [false, false, false]),
        (None, Some("null"), [false, false, false]),
        (Some(""), None, [true, true, true]),
        (Some("none"), None, [true, true, true]),
        (Some("same-origin"), None, [true, true, true]),
        (Some("same-origin"), own, [true, true, true]),
        (Some("same-origin"), evil, [false, false, false]),
        (Some("same-site"), None, [true, true, false]),
        (Some("same-site"), own, [true, true, false]),
        (Some("same-site"), trusted, [true, true, true]),
        (Some("same-site"), evil, [false, false, false]),
        (Some("cross-site"), None, [true, false, false]),
        (Some("cross-site"), own, [true, false, false]),
        (Some("cross-site"), trusted, [true, true, true]),
        (Some("cross-site"), evil, [false, false, false]),
        (Some("cross-site"), Some("null"), [false, false, false]),
        (Some("CROSS-SITE"), None, [true, false, false]),
        (Some("same-origin, cross-site"), None, [true, false, false]),
        (Some("a value to come"), None, [true, false, false]),
    ];
    for (fetch_site, origin, expected) in rows {
        let request = CsrfRequest {
            fetch_site,
            origin,
            ..POST
        };
        let accepted = [Veto::None, Veto::CrossSite, Veto::CrossAndSameSite]
            .map(|veto| check_headers(&trusting("http://trusted.example", veto), &request).is_ok());
        assert_eq!(accepted, expected, "{fetch_site:?} {origin:?}");
    }
}

/// F6.
#[test]
fn removing_headers_one_by_one_never_helps_a_foreign_page() {
    let rules = CsrfRules::new(Veto::CrossAndSameSite);
    let foreign = CsrfRequest {
        origin: Some("https://evil.example"),
        referer: Some("https://evil.example/"),
        fetch_site: Some("cross-site"),
        ..SECURE_POST
    };
    for kept in 0..8 {
        let request = CsrfRequest {
            origin: foreign.origin.filter(|_| kept & 1 != 0),
            referer: foreign.referer.filter(|_| kept & 2 != 0),
            fetch_site: foreign.fetch_site.filter(|_| kept & 4 != 0),
            ..foreign
        };
        assert!(check_headers(&rules, &request).is_err(), "{request:?}");
    }
}

/// W1.
#[test]
fn a_web_socket_needs_an_origin_of_ours() {
    let rows = [
        (Some("https://www.example.com"), None, "accept"),
        (
            Some("https://www.example.com"),
            Some("same-origin"),
            "accept",
        ),
        (
            Some("https://trusted.example"),
            Some("cross-site"),
            "accept",
        ),
        (
            Some("https://www.example.com"),
            Some("cross-site"),
            "Sec-Fetch-Site checking failed - not from this site.",
        ),
        (
            Some("https://evil.example"),
            None,
            "Origin checking failed - https://evil.example does not match any trusted origins.",
        ),
        (
            Some("https://other.example.com"),
            None,
            "Origin checking failed - https://other.example.com does not match any trusted origins.",
        ),
        (
            Some("null"),
            None,
            "Origin checking failed - null does not match any trusted origins.",
        ),
        (
            None,
            Some("same-origin"),
            "Origin checking failed - no Origin in a WebSocket request.",
        ),
    ];
    let rules = trusting("https://trusted.example", Veto::CrossSite);
    for method in ["GET", "CONNECT"] {
        for (origin, fetch_site, expected) in rows {
            let request = CsrfRequest {
                method,
                origin,
                fetch_site,
                referer: Some("https://www.example.com/"),
                ..SECURE_POST
            };
            assert_eq!(outcome(check_upgrade(&rules, &request)), expected);
        }
    }
}

#[test]
fn a_token_is_looked_for_in_the_form_and_then_in_the_header() {
    let secret = CsrfSecret::from_stored("lcccccccX2kcccccccY2jcccccccssIC").unwrap();
    let masked = secret.masked().unwrap();
    let bare = secret.as_str();
    let other = "a".repeat(64);
    let (masked, other) = (Some(masked.as_str()), Some(other.as_str()));
    let rows = [
        (masked, None, "accept"),
        (Some(bare), None, "accept"),
        (None, masked, "accept"),
        (None, Some(bare), "accept"),
        (Some(""), masked, "accept"),
        (masked, other, "accept"),
        (other, masked, "CSRF token from POST incorrect."),
        (
            Some("a"),
            masked,
            "CSRF token from POST has incorrect length.",
        ),
        (
            Some("*******************************!"),
            None,
            "CSRF token from POST has invalid characters.",
        ),
        (None, None, "CSRF token missing."),
        (Some(""), None, "CSRF token missing."),
        (
            None,
            Some(""),
            "CSRF token from the 'X-Csrftoken' HTTP header has incorrect length.",
        ),
        (
            None,
            other,
            "CSRF token from the 'X-Csrftoken' HTTP header incorrect.",
        ),
    ];
    let header_name = TokenHeader::default();
    for (form, header, expected) in rows {
        let result = check_token(StoredSecret::Secret(&secret), form, header, &header_name);
        assert_eq!(outcome(result), expected, "{form:?} {header:?}");
    }
}

/// F10, CVE-2020-36564.
#[test]
fn a_secret_that_is_absent_or_malformed_never_switches_the_check_off() {
    let rows = [
        (StoredSecret::Absent, "CSRF cookie not set."),
        (
            StoredSecret::Faulty(TokenFault::IncorrectLength),
            "CSRF cookie has incorrect length.",
        ),
        (
            StoredSecret::Faulty(TokenFault::InvalidCharacters),
            "CSRF cookie has invalid characters.",
        ),
    ];
    let token = "a".repeat(64);
    for (stored, expected) in rows {
        for sent in [None, Some(""), Some(token.as_str())] {
            let result = check_token(stored, sent, sent, &TokenHeader::default());
            assert_eq!(outcome(result), expected);
        }
    }
}

#[test]
fn a_header_s_name_is_read_and_shown_as_in_django() {
    let rows = [
        ("HTTP_X_CSRFTOKEN", "x-csrftoken", "X-Csrftoken"),
        ("HTTP_X_CSRF2TOKEN_A", "x-csrf2token-a", "X-Csrf2Token-A"),
    ];
    for (setting, name, title) in rows {
        let header = TokenHeader::from_setting(setting).unwrap();
        assert_eq!((header.as_str(), header.title().as_str()), (name, title));
    }
    assert_eq!(
        TokenHeader::from_setting("HTTP_X_CSRFTOKEN"),
        Some(TokenHeader::default())
    );
    for setting in ["", "HTTP_", "X-CSRFToken", "HTTP_X Y", "HTTP_X:Y"] {
        assert_eq!(TokenHeader::from_setting(setting), None, "{setting}");
    }
}

/// F14.
#[test]
fn a_proxy_that_hides_tls_is_named() {
    let advice = |host, origin| {
        let request = CsrfRequest {
            host: Some(host),
            origin: Some(origin),
            ..POST
        };
        check_headers(&django(), &request).unwrap_err().advice()
    };
    let hidden = advice("www.example.com", "https://www.example.com").unwrap();
    assert!(hidden.contains("SECURE_PROXY_SSL_HEADER"));
    let foreign = advice("www.example.com", "https://evil.example").unwrap();
    assert!(!foreign.contains("SECURE_PROXY_SSL_HEADER"));
}

#[test]
fn who_sends_no_referer_learns_which_policy_is_enough() {
    let reason = check_headers(&django(), &SECURE_POST).unwrap_err();
    assert!(reason.advice().unwrap().contains("Referrer-Policy"));
    assert_eq!(Reason::NoToken.advice(), None);
}
