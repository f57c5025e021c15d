"""What newer Pythons than this one do, for deviations that end with them."""

import sys
import urllib.parse

from django.contrib.auth import views
from django.http import response
from django.middleware import csrf
from django.utils import http


def brackets_are_sound(netloc):
    """They stand at both ends of a host, and nothing but a port follows."""
    user, _, host = netloc.rpartition("@")
    if "[" not in host:
        return "[" not in netloc
    _, _, rest = host.partition("]")
    return host.startswith("[") and "[" not in user and (not rest or rest.startswith(":"))


def urlsplit(url):
    parts = urllib.parse.urlsplit(url)
    if not brackets_are_sound(parts.netloc):
        raise ValueError("brackets where no address stands")
    return parts


def urlunsplit(parts):
    """An empty host gets its slashes where what follows is read from the root, and more so if it could be read as one."""
    scheme, netloc, path, query, fragment = parts
    relative = path and not path.startswith("/")
    if netloc or not (relative or path.startswith("//")):
        return urllib.parse.urlunsplit(parts)
    url = path if relative else "//" + path
    url += ("?" + query if query else "") + ("#" + fragment if fragment else "")
    return f"{scheme}:{url}" if scheme else url


def split_urls(strictly):
    """From now on Django takes URLs apart as a newer Python does, or as this one."""
    for module in (views, response, csrf, http):
        module.urlsplit = urlsplit if strictly else urllib.parse.urlsplit
    views.urlunsplit = urlunsplit if strictly else urllib.parse.urlunsplit


def splits_differently(*urls):
    """Whether the two disagree about one of these."""

    def there_and_back(module, url):
        try:
            return module.urlunsplit(module.urlsplit(url))
        except ValueError:
            return None

    newer = sys.modules[__name__]
    return any(there_and_back(newer, url) != there_and_back(urllib.parse, url) for url in urls if url)
