"""Django's engines of sessions: for each, how the judge reaches its table."""

from importlib import import_module

from ..session_objects import stand_in
from .cache import Cache
from .cached_db import CachedDatabase
from .db import Database
from .file import Files
from .signed_cookies import SignedCookies

ENGINES = {
    # Before `db`, of which Django's own is made.
    "cached_db": CachedDatabase,
    "db": Database,
    "cache": Cache,
    "file": Files,
    "signed_cookies": SignedCookies,
}


def install():
    for name, objects in ENGINES.items():
        stand_in(import_module(f"django.contrib.sessions.backends.{name}"), objects)
