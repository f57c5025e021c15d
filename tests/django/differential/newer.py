"""What newer Pythons than this one do, for deviations that end with them."""

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


def split_urls(strictly):
    """From now on Django splits URLs as a newer Python does, or as this one."""
    for module in (views, response, csrf, http):
        module.urlsplit = urlsplit if strictly else urllib.parse.urlsplit


def splits_differently(*urls):
    """Whether the two disagree about one of these."""

    def raises(split, url):
        try:
            split(url)
        except ValueError:
            return True
        return False

    return any(raises(urlsplit, url) != raises(urllib.parse.urlsplit, url) for url in urls if url)
