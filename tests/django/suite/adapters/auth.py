"""`django.contrib.auth`: whose a session is."""

from types import SimpleNamespace

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.contrib.auth import BACKEND_SESSION_KEY, load_backend
from django.contrib.auth.signals import user_logged_in
from django.middleware import csrf
from django.utils.crypto import salted_hmac

from .compare import same
from .pipe import ask, pipe
from .session_objects import Handled
from .sessions import now_micros
from .signing import hex_keys, site_keys

# Of the question that is being asked: the backend that knows users, and the one it found.
_asked = {}


def columns(user):
    return {
        "id": user._meta.pk.value_to_string(user),
        "password": user.password,
        "is_active": bool(getattr(user, "is_active", True)),
    }


def has_our_hash(user):
    from django.contrib.auth.base_user import AbstractBaseUser

    method = getattr(type(user), "get_session_auth_hash", None)
    return method is AbstractBaseUser.get_session_auth_hash


def install():
    django = {name: getattr(auth, name) for name in ("login", "get_user", "update_session_auth_hash")}

    def set_user(request, user):
        if hasattr(auth, "_set_auth_user"):
            auth._set_auth_user(request, user)
            return
        if hasattr(request, "user"):
            request.user = user
        if hasattr(request, "auser"):

            async def auser():
                return user

            request.auser = auser

    def login(request, user, backend=None):
        session = request.session
        if not isinstance(session, Handled) or user is None or not has_our_hash(user):
            return django["login"](request, user, backend)
        session._ensure_loaded()
        if hasattr(auth, "_get_backend_from_user"):
            backend = auth._get_backend_from_user(user=user, backend=backend)
        else:
            backend = backend_of(user, backend)
        key = session.session_key
        before = dict(session._data())
        ask(
            "auth_login",
            handle=session._handle,
            keys=site_keys(),
            user=columns(user),
            backend=backend,
            now=now_micros(),
        )
        same("login", *session_after_login(session._data(), before, user, backend))
        session._commit()
        session.modified = True
        if before.get("_auth_user_id") != session.get("_auth_user_id"):
            assert session.session_key != key
        set_user(request, user)
        csrf.rotate_token(request)
        user_logged_in.send(sender=user.__class__, request=request, user=user)

    def session_after_login(ours, before, user, backend):
        """What Django leaves in the session: it keeps an anonymous one's data and drops another user's."""
        ident = user._meta.pk.value_to_string(user)
        session_hash = own_hash(user.password)
        anonymous = "_auth_user_id" not in before
        same_user = before.get("_auth_user_id") == ident and before.get("_auth_user_hash") == session_hash
        kept = before if anonymous or same_user else {}
        new = {"_auth_user_id": ident, "_auth_user_backend": backend, "_auth_user_hash": session_hash}
        return ours, {**kept, **new}

    def backend_of(user, backend):
        # Django 4.2 and 5.2 have this inside `login`.
        try:
            backend = backend or user.backend
        except AttributeError:
            backends = auth._get_backends(return_tuples=True)
            if len(backends) == 1:
                return backends[0][1]
            raise ValueError(
                "You have multiple authentication backends configured and "
                "therefore must provide the `backend` argument or set the "
                "`backend` attribute on the user."
            ) from None
        if not isinstance(backend, str):
            raise TypeError(f"backend must be a dotted import path string (got {backend!r}).")
        return backend

    @pipe.answers
    def user(id):
        backend = load_backend(_asked["backend"])
        found = backend.get_user(auth.get_user_model()._meta.pk.to_python(id))
        _asked["found"] = found
        return None if found is None else columns(found)

    def get_user(request):
        from django.contrib.auth.models import AnonymousUser

        session = request.session
        if not isinstance(session, Handled):
            return django["get_user"](request)
        session._ensure_loaded()
        _asked.clear()
        _asked["backend"] = session.get(BACKEND_SESSION_KEY)
        before = session._data()
        answer = ask(
            "auth_user",
            handle=session._handle,
            keys=site_keys(),
            backends=list(settings.AUTHENTICATION_BACKENDS),
        )
        same("get_user", (answer["id"], session._data()), owner_in_django(before, _asked.get("found")))
        if answer["touched"]:
            # Another password ended it, or a fallback key renewed it.
            session._commit()
            session.modified = True
        found = _asked.get("found")
        return AnonymousUser() if answer["id"] is None else found

    def owner_in_django(data, found):
        """Whose the session is by Django's own function, and what it leaves in it."""
        request = SimpleNamespace(session=PlainSession(data))
        load, auth.load_backend = auth.load_backend, lambda path: SimpleNamespace(get_user=lambda id: found)
        try:
            owner = django["get_user"](request)
        finally:
            auth.load_backend = load
        return (owner._meta.pk.value_to_string(owner) if owner.is_authenticated else None, dict(request.session))

    def update_session_auth_hash(request, user):
        session = request.session
        if not isinstance(session, Handled) or not has_our_hash(user):
            return django["update_session_auth_hash"](request, user)
        session._ensure_loaded()
        ask("auth_update", handle=session._handle, keys=site_keys(), user=columns(user))
        session._commit()
        session.modified = True

    def asynchronous(function, django_function):
        async def method(request, *args, **kwargs):
            # Up to 5.2 a login without a user is the request's own user's, whom only Django's own can await.
            if args and args[0] is None:
                return await django_function(request, *args, **kwargs)
            return await sync_to_async(function)(request, *args, **kwargs)

        return method

    for function in (login, get_user, update_session_auth_hash):
        setattr(auth, function.__name__, function)
        if hasattr(auth, f"a{function.__name__}"):
            setattr(auth, f"a{function.__name__}", asynchronous(function, getattr(auth, f"a{function.__name__}")))


class PlainSession(dict):
    """As much of a session as Django's functions look at."""

    def flush(self):
        self.clear()

    def cycle_key(self):
        pass


def own_hash(password, secret=None):
    salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
    return salted_hmac(salt, password, secret=secret, algorithm="sha256").hexdigest()


def install_late():
    from django.contrib.auth import mixins, views
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpResponseRedirect
    from django.shortcuts import resolve_url

    django_redirect = views.redirect_to_login

    def _get_session_auth_hash(self, secret=None):
        keys = hex_keys(secret or settings.SECRET_KEY)
        ours = ask("auth_hash", keys=keys, user={"id": "", "password": self.password, "is_active": True})
        same("session_auth_hash", ours, own_hash(self.password, secret))
        return ours

    def redirect_to_login(next, login_url=None, redirect_field_name=auth.REDIRECT_FIELD_NAME):
        url = str(resolve_url(login_url or settings.LOGIN_URL))
        location = ask("login_redirect", login_url=url, next=str(next), field=redirect_field_name or "")
        same("login_redirect", location, django_redirect(next, login_url, redirect_field_name).url)
        return HttpResponseRedirect(location)

    AbstractBaseUser._get_session_auth_hash = _get_session_auth_hash
    views.redirect_to_login = redirect_to_login
    mixins.redirect_to_login = redirect_to_login
