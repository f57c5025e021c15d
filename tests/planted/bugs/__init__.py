"""All bugs, in the order in which they build fastest: those of one test binary stand together."""

from . import (
    caches,
    cookies,
    csrf,
    databases,
    files,
    guards,
    guessing,
    logins,
    passwords,
    requests,
    servers,
    session_list,
    sessions,
    signing,
    templates,
    tokens,
)

PARTS = [
    signing,
    cookies,
    sessions,
    csrf,
    logins,
    guards,
    guessing,
    tokens,
    passwords,
    databases,
    files,
    caches,
    servers,
    requests,
    templates,
]
PARTS = [signing, cookies, sessions, csrf, logins, tokens, passwords, databases, files, caches, servers, requests, session_list, templates]
BUGS = sorted(
    (bug for part in PARTS for bug in part.BUGS),
    key=lambda bug: (["cloakroom-core", "cloakroom-stores", "cloakroom"].index(bug.test.package), bug.test.target),
)
