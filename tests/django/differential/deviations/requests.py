"""CSRF decisions and URLs that deviate."""

import json
import re
import unicodedata
from urllib.parse import urlsplit

import urls
from csrf import is_secret, request_of, sent_to_us, stored_in
from django.utils.encoding import iri_to_uri
from newer import splits_differently

from .entry import Deviation, Expected


def url_of_a_newer_python(case):
    texts = [case.get(name) for name in ("origin", "referer", "url", "login_url")]
    # Where browsers take `\\` for `/`, Django looks twice.
    texts += [text.replace("\\", "/") for text in texts if text]
    return {**case, "newer_python": True} if splits_differently(*texts) else None


def method_in_lower_case(case):
    method = case["method"]
    known = method.upper() in ("GET", "HEAD", "OPTIONS", "TRACE", "POST")
    return {**case, "method": "X-" + method} if known and method != method.upper() else None


def other_blanks(case):
    if case["in_session"]:
        return None
    ours, django = sent_to_us(case), request_of(case).COOKIES.get("csrftoken")
    return None if ours == django else {**case, "cookie_text": ours}


def no_secret_in_a_session(case):
    """Django looks only at the form of a cookie's."""
    kept = json.loads(case["kept"] or "null")
    if not case["in_session"] or kept is None or is_secret(kept):
        return None
    return {**case, "in_session": False, "cookie_text": kept if isinstance(kept, str) else ""}


def secret_that_nobody_reads(case):
    if case["in_session"]:
        return None
    sent = stored_in(case, request_of(case))
    return None if sent is None or is_secret(sent) else {**case, "unread": True}


def three_slashes(case):
    """A browser drops tabs and line ends before it counts slashes."""
    url = case["url"].strip()
    dropped = re.sub("[\t\r\n]", "", url)
    return Expected(False) if dropped.replace("\\", "/").startswith("///") and dropped != url else None


def letter_to_come(case):
    """A code point that this Python's Unicode does not know yet and ours does."""
    url = case["url"].strip()
    if not url or unicodedata.category(url[0]) != "Cn":
        return None
    return {**case, "url": "\u0436" + url[1:]}


def scheme_of_the_login_page(case):
    scheme = urls.split_scheme(case["login_url"])
    return None if scheme in ("", *urls.SCHEMES_ALLOWED) else {**case, "any_scheme": True}


def login_page_that_is_none(case):
    try:
        urlsplit(case["login_url"])
    except ValueError:
        return Expected(iri_to_uri(case["login_url"]))
    return None


def path_with_escapes(case):
    """Django reads the path and writes it again."""
    kept = {**case, "path_kept": True}
    return None if urls.guard(case) == urls.guard(kept) else kept


def path_with_dots(case):
    """Django joins the path to the host as a browser would."""
    kept = {**case, "dots_kept": True}
    return None if urls.guard(case) == urls.guard(kept) else kept


DEVIATIONS = [
    Deviation(
        "URLs of a newer Python",
        ("decide on a request", "follow next", "redirect to the login"),
        "older Pythons accept brackets elsewhere than around an address, and give slashes to hosts that are not there",
        url_of_a_newer_python,
        older_python=True,
    ),
    Deviation(
        "a method in lower case",
        ("decide on a request",),
        "methods are case-sensitive: `get` is not `GET`",
        method_in_lower_case,
    ),
    Deviation(
        "other blanks around a CSRF cookie",
        ("decide on a request",),
        "only space and tab are trimmed from cookies, as browsers do",
        other_blanks,
    ),
    Deviation(
        "a secret in a session that is none",
        ("decide on a request",),
        "Django raises at it, or refuses every form as long as the session lives; it is treated as a cookie's is",
        no_secret_in_a_session,
    ),
    Deviation(
        "a CSRF cookie that is none, and nobody asks",
        ("decide on a request",),
        "a page that shows no token sets no cookie; Django replaces it on every page",
        secret_that_nobody_reads,
    ),
    Deviation(
        "three slashes for a browser",
        ("follow next",),
        "tabs and line ends are dropped before slashes are counted",
        three_slashes,
    ),
    Deviation(
        "a letter of a newer Unicode",
        ("follow next",),
        "Python's table of letters is older than ours",
        letter_to_come,
        older_python=True,
    ),
    Deviation(
        "another scheme of the login page",
        ("redirect to the login",),
        "Django redirects only to some schemes; which one the login page has is the site's own setting",
        scheme_of_the_login_page,
    ),
    Deviation(
        "a login page that is no URL",
        ("redirect to the login",),
        "Django raises; which address the login page has is the site's own setting",
        login_page_that_is_none,
    ),
    Deviation(
        "escapes in a path",
        ("guard a page",),
        "they stay as the client wrote them; Django reads the path and escapes it again",
        path_with_escapes,
    ),
    Deviation(
        "dots in a path",
        ("guard a page",),
        "in a next that names the host too, they stay for the browser; Django takes them out",
        path_with_dots,
    ),
]
