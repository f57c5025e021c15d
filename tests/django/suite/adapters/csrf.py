"""`django.middleware.csrf`: secrets, tokens and the decision."""

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import UnreadablePostError
from django.middleware import csrf

from .compare import outcome, pristine, same
from .pipe import Fault, ask

own = pristine("django.middleware.csrf")


def reason_of(check, *args):
    """Why Django's own method refuses; None if it does not."""
    try:
        check(*args)
    except own.RejectRequest as error:
        return error.reason
    return None


def install():
    def _get_new_csrf_string():
        return ask("csrf_generate")

    def _mask_cipher_secret(secret):
        token = ask("csrf_mask", secret=secret)
        same("csrf_mask", own._unmask_cipher_token(token), secret)
        return token

    def _unmask_cipher_token(token):
        secret = ask("csrf_read", text=token)
        same("csrf_unmask", secret, own._unmask_cipher_token(token))
        return secret

    def _check_token_format(token):
        theirs = reason_of_format(token)
        try:
            ask("csrf_read", text=token)
        except Fault as fault:
            same("csrf_format", fault.detail, theirs)
            raise csrf.InvalidTokenFormat(fault.detail) from None
        same("csrf_format", None, theirs)

    def reason_of_format(token):
        try:
            own._check_token_format(token)
        except own.InvalidTokenFormat as error:
            return error.reason
        return None

    def _does_token_match(request_csrf_token, csrf_secret):
        theirs = outcome(own._does_token_match, request_csrf_token, csrf_secret)
        try:
            ours = ask("csrf_verify", secret=csrf_secret, token=request_csrf_token)
        except Fault:
            # Django asserts that the format was looked at before.
            same("csrf_match", "AssertionError", theirs)
            raise AssertionError from None
        same("csrf_match", ours, theirs)
        return ours

    def headers(request, **changes):
        """What the head of a request decides: "accept", "token", or a reason that is raised."""
        try:
            host = request.get_host()
        except (DisallowedHost, KeyError):
            # Not one of the allowed hosts; or a bare request of a test, which has none.
            host = None
        fields = {
            "method": request.method or "POST",
            "secure": request.is_secure(),
            "host": host,
            "port": int(request.get_port()) if "SERVER_PORT" in request.META else 80,
            "origin": request.META.get("HTTP_ORIGIN"),
            "referer": request.META.get("HTTP_REFERER"),
            "trusted": list(settings.CSRF_TRUSTED_ORIGINS),
            "cookie_domain": (
                settings.SESSION_COOKIE_DOMAIN if settings.CSRF_USE_SESSIONS else settings.CSRF_COOKIE_DOMAIN
            ),
        }
        try:
            return ask("csrf_headers", **{**fields, **changes})
        except Fault as fault:
            if fault.kind != "reject":
                raise
            raise csrf.RejectRequest(fault.detail) from None

    def own_middleware():
        return own.CsrfViewMiddleware(lambda request: None)

    def decide(request):
        """The head's decision, beside Django's."""
        middleware = own_middleware()
        theirs = None
        if request.method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
            if "HTTP_ORIGIN" in request.META:
                if not middleware._origin_verified(request):
                    theirs = own.REASON_BAD_ORIGIN % request.META["HTTP_ORIGIN"]
            elif request.is_secure():
                theirs = reason_of(middleware._check_referer, request)
        try:
            verdict = headers(request)
        except csrf.RejectRequest as error:
            same("csrf_headers", error.reason, theirs)
            raise
        same("csrf_headers", None, theirs)
        return verdict

    def _origin_verified(self, request):
        theirs = own_middleware()._origin_verified(request)
        try:
            headers(request, method="POST")
        except csrf.RejectRequest:
            same("csrf_origin", False, theirs)
            return False
        same("csrf_origin", True, theirs)
        return True

    def _check_referer(self, request):
        theirs = reason_of(own_middleware()._check_referer, request)
        try:
            headers(request, method="POST", origin=None, secure=True)
        except csrf.RejectRequest as error:
            same("csrf_referer", error.reason, theirs)
            raise
        same("csrf_referer", None, theirs)

    def _check_token(self, request):
        # A secret that cannot be read is handed on as it is: refusing it is the judge's.
        try:
            stored = self._get_secret(request)
        except csrf.InvalidTokenFormat:
            stored = request.COOKIES[settings.CSRF_COOKIE_NAME]
        form = None
        if stored is not None and request.method == "POST":
            try:
                form = request.POST.get("csrfmiddlewaretoken", "")
            except UnreadablePostError:
                pass
        header = request.META.get(settings.CSRF_HEADER_NAME)
        theirs = reason_of(own_middleware()._check_token, request)
        try:
            ask("csrf_token", stored=stored, form=form, header=header, header_name=settings.CSRF_HEADER_NAME)
        except Fault as fault:
            same("csrf_token", fault.detail, theirs)
            raise csrf.RejectRequest(fault.detail) from None
        same("csrf_token", None, theirs)

    def process_view(self, request, callback, callback_args, callback_kwargs):
        if getattr(request, "csrf_processing_done", False):
            return None
        if getattr(callback, "csrf_exempt", False):
            return None
        if getattr(request, "_dont_enforce_csrf_checks", False):
            return self._accept(request)
        try:
            if decide(request) == "token":
                self._check_token(request)
        except csrf.RejectRequest as error:
            return self._reject(request, error.reason)
        return self._accept(request)

    for function in (
        _get_new_csrf_string,
        _mask_cipher_secret,
        _unmask_cipher_token,
        _check_token_format,
        _does_token_match,
    ):
        setattr(csrf, function.__name__, function)
    for method in (_origin_verified, _check_referer, _check_token, process_view):
        setattr(csrf.CsrfViewMiddleware, method.__name__, method)
