use super::*;

/// Django's answer for the host `testserver`, over http and over https.
fn django(url: &str) -> (bool, bool) {
    let answer = |https| is_safe_next(url, &["testserver"], https, NextRule::Django);
    (answer(false), answer(true))
}

const BOTH: (bool, bool) = (true, true);
const HTTP_ONLY: (bool, bool) = (true, false);
const NEITHER: (bool, bool) = (false, false);

/// H1.
#[test]
fn safe_urls_are_django_s() {
    let rows = [
        ("/", BOTH),
        ("//", BOTH),
        ("a", BOTH),
        ("?x", BOTH),
        ("#x", BOTH),
        ("./x", BOTH),
        ("//testserver", HTTP_ONLY),
        ("HtTpS://testserver/", BOTH),
        ("http://testserver/", HTTP_ONLY),
        ("//TESTSERVER/", NEITHER),
        ("//testserver:80/", NEITHER),
        ("//testserver.", NEITHER),
        ("//user@testserver/", NEITHER),
        ("https://testserver:443/", NEITHER),
        ("http:///a", NEITHER),
        ("http:a", NEITHER),
        ("x:y", NEITHER),
        ("javascript:1", NEITHER),
        ("java\tscript:1", NEITHER),
        ("1http://evil", BOTH),
        ("://evil.com", BOTH),
        (":evil", BOTH),
        ("/\t/evil.com", NEITHER),
        ("/\\evil.com", NEITHER),
        ("\\/evil.com", NEITHER),
        ("\\\\evil.com", NEITHER),
        ("///evil.com", NEITHER),
        ("/%09/evil.com", BOTH),
        ("/%5cevil.com", BOTH),
        ("/a//evil.com", BOTH),
        ("\u{0}/a", NEITHER),
        ("\u{200b}/a", NEITHER),
        ("\u{feff}/a", NEITHER),
        ("\u{ad}/a", NEITHER),
        ("\u{e000}/a", NEITHER),
        ("\u{378}/a", NEITHER),
        ("\u{1f}/a", BOTH),
        ("\u{85}/a", BOTH),
        ("\u{a0}/a", BOTH),
        ("\u{2028}/a", BOTH),
        ("é/a", BOTH),
        ("http://testserver#@evil.com", HTTP_ONLY),
        ("//[::1", NEITHER),
        ("//exa\u{2100}mple.com", NEITHER),
        ("", NEITHER),
        (" \u{3000}\t", NEITHER),
    ];
    for (url, expected) in rows {
        assert_eq!(django(url), expected, "{url:?}");
    }
    assert_eq!(django(&format!("/{}", "a".repeat(2047))), BOTH);
    assert_eq!(django(&format!("/{}", "a".repeat(2048))), NEITHER);
    assert_eq!(django(&format!("/{}", "é".repeat(2047))), BOTH);
}

/// H1, CVE-2017-7233, CVE-2016-2512, CVE-2015-2317, CVE-2015-0220, CVE-2014-3730, CVE-2013-6044, CVE-2012-3442.
#[test]
fn ways_to_another_site_are_refused() {
    for url in [
        "http://evil.com",
        "https:///evil.com",
        "https:////evil.com",
        "http:\\\\evil.com",
        "http:\\\\testserver\\evil.com",
        "http:/\\evil.com",
        "\\\\\\evil.com",
        "/\\/evil.com",
        "\t//evil.com",
        "\r\n//evil.com",
        "//evil%00.testserver",
        "//testserver@evil.com",
        "//testserver\\@evil.com",
        "http://testserver:80@evil.com/",
        "http://testserver\\@evil.com",
        "http:\\testserver",
        "ftp://testserver/",
        "ssh://testserver",
        "data:text/html,x",
        "\u{8}//evil.com",
        "\u{2028}//evil.com",
        "\u{a0}\u{1f}//evil.com",
        "ht\ntp://evil.com",
        "/\t//evil.com",
        "\\\n/\r/evil.com",
        "/\\\t\\evil.com",
        "http://2001:cdba:0000:0000:0000:0000:3257:9652/",
        "http://[2001:cdba:0000:0000:0000:0000:3257:9652]/",
    ] {
        for rule in [NextRule::Django, NextRule::PathOnly] {
            assert!(!is_safe_next(url, &["testserver"], false, rule), "{url:?}");
        }
    }
}

#[test]
fn no_hosts_leave_paths() {
    for (url, expected) in [("/a", true), ("//testserver", false), ("http://h/", false)] {
        assert_eq!(is_safe_next(url, &[], false, NextRule::Django), expected);
    }
}

#[test]
fn the_strict_rule_wants_a_path_of_this_site() {
    let rows = [
        ("/", true),
        ("/a", true),
        ("/a//evil.com", true),
        ("/%09/evil.com", true),
        ("/./a", true),
        ("/?next=//evil.com", true),
        ("/é", true),
        ("//", false),
        ("///", false),
        ("/\\", false),
        ("/\n", true),
        ("/\t\\testserver", false),
        ("/\r\n/testserver", false),
        ("\t/a", false),
        (" /a", false),
        ("a", false),
        ("?x", false),
        ("./x", false),
        ("//testserver/", false),
        ("/\\testserver/", false),
        ("http://testserver/", false),
        ("1http://evil", false),
        (":evil", false),
        ("", false),
    ];
    for (url, expected) in rows {
        assert_eq!(
            is_safe_next(url, &["testserver"], false, NextRule::PathOnly),
            expected,
            "{url:?}"
        );
    }
}

#[test]
fn the_way_to_the_login_page_is_django_s() {
    let rows = [
        (
            "/login/?next=zz&k=a+b&k=c#frag",
            "/a?x=1&y=2",
            "/login/?next=/a%3Fx%3D1%26y%3D2&k=a%20b&k=c#frag",
        ),
        ("/login/", "/a%20b", "/login/?next=/a%2520b"),
        ("/login/", "/~'()*!", "/login/?next=/~%27%28%29%2A%21"),
        ("/login/", "/é", "/login/?next=/%C3%A9"),
        ("/login/", "", "/login/?next="),
        (
            "/login/?a=1&next=x&b=2&a=3&next=y",
            "/n",
            "/login/?a=1&a=3&next=/n&b=2",
        ),
        (
            "/login/?a&&=b&%zz=%ff",
            "/n",
            "/login/?a=&=b&%25zz=%EF%BF%BD&next=/n",
        ),
        (
            "https://sso.example/é/?x=ü",
            "https://h/a",
            "https://sso.example/%C3%A9/?x=%C3%BC&next=https%3A//h/a",
        ),
        (
            "/login/",
            "/\r\nSet-Cookie: a=b",
            "/login/?next=/%0D%0ASet-Cookie%3A%20a%3Db",
        ),
    ];
    for (login_url, next, expected) in rows {
        assert_eq!(
            login_redirect(login_url, next, REDIRECT_FIELD_NAME),
            expected
        );
    }
    assert_eq!(login_redirect("/login/?a=b", "/n", ""), "/login/?a=b");
    assert_eq!(login_redirect("/login/?#", "/n", ""), "/login/");
    assert_eq!(
        login_redirect("/login/?next=b", "/n", "to"),
        "/login/?next=b&to=/n"
    );
}

#[test]
fn a_request_s_path_and_query_come_back_in_next() {
    let rows = [
        ("/lr/", Some("a=b&c=d e"), "/lr/?a=b&c=d%20e"),
        ("/lr/", Some(""), "/lr/"),
        ("/lr/", None, "/lr/"),
        ("/a%20b", None, "/a%20b"),
        ("/a;b=c", Some("%zz"), "/a%3Bb%3Dc?%zz"),
        ("/:@&+$,-_.!~*'()", None, "/:@&+$,-_.!~*'()"),
        ("/é", Some("é"), "/%C3%A9?%C3%A9"),
    ];
    for (path, query, expected) in rows {
        assert_eq!(full_path(path, query), expected);
    }
    let path = full_path("/lr/", Some("a=b&c=d e"));
    assert_eq!(
        login_redirect("/accounts/login/", &path, REDIRECT_FIELD_NAME),
        "/accounts/login/?next=/lr/%3Fa%3Db%26c%3Dd%2520e"
    );
}

#[test]
fn another_site_s_login_page_is_told_the_whole_url() {
    let rows = [
        ("/login/", "/a"),
        ("http://h/login/", "/a"),
        ("//h/login/", "/a"),
        ("https://h/login/", "http://h/a"),
        ("//sso.example/login/", "http://h/a"),
        ("http://h:8000/login/", "http://h/a"),
    ];
    for (login_url, expected) in rows {
        assert_eq!(next_of_request(login_url, "http", "h", "/a"), expected);
    }
}

#[test]
fn a_location_holds_nothing_that_ends_its_line() {
    assert_eq!(
        iri_to_uri("/a b\r\n\"<>\\^`{|}é%20?x=[1];#f"),
        "/a%20b%0D%0A%22%3C%3E%5C%5E%60%7B%7C%7D%C3%A9%20?x=[1];#f"
    );
}
