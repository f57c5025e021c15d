"""What replaces Django's functions by questions to the judge (`crates/judge`)."""

from . import (
    auth,
    cookies,
    csrf,
    csrf_cookie,
    csrf_field,
    engines,
    hashers,
    middleware,
    sessions,
    signing,
    tokens,
    urls,
    users,
    validators,
)

_EARLY = (
    signing,
    cookies,
    urls,
    csrf,
    csrf_cookie,
    csrf_field,
    sessions,
    engines,
    middleware,
    auth,
    tokens,
    hashers,
    validators,
)


def install():
    """Before anything of Django's tests is imported."""
    for adapter in _EARLY:
        adapter.install()


def install_late():
    """As soon as the apps are loaded: what rests on models."""
    auth.install_late()
    users.install_late()
