"""What of Django's tests cannot hold here, by name and with its reason. Patterns are those of `fnmatch`.

A pattern that nothing needs fails the run, so that the lists do not outlive their reasons.
"""

SPELLING = "SameSite is written in its usual spelling (ARCHITECTURE.md, Decisions)"

# Not run.
LISTED = {
    "responses.test_cookie.SetCookieTests.test_unicode_cookie": (
        "text beyond Latin-1 has no form on the wire and is refused (ARCHITECTURE.md, Decisions)"
    ),
    "responses.test_cookie.SetCookieTests.test_samesite": SPELLING,
    "responses.test_cookie.DeleteCookieTests.test_delete_cookie_samesite": SPELLING,
}

# Run, and passed, though some answers are not Django's.
DIFFERENT = {
    "responses.test_cookie.DeleteCookieTests.test_delete_cookie_secure_samesite_none": SPELLING,
}
