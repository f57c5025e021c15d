"""`url_has_allowed_host_and_scheme`."""

from django.utils import http

from .compare import pristine, same
from .pipe import ask

own = pristine("django.utils.http")


def install():
    def url_has_allowed_host_and_scheme(url, allowed_hosts, require_https=False):
        if allowed_hosts is None:
            hosts = []
        elif isinstance(allowed_hosts, str):
            hosts = [allowed_hosts]
        else:
            hosts = list(allowed_hosts)
        # Django's "no URL" is our empty one.
        ours = ask("safe_next", url=url or "", hosts=hosts, https=bool(require_https))
        same("safe_next", ours, own.url_has_allowed_host_and_scheme(url, allowed_hosts, require_https))
        return ours

    http.url_has_allowed_host_and_scheme = url_has_allowed_host_and_scheme
