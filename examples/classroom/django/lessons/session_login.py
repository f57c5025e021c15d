"""A login made by hand: the session says who the user is."""

from functools import wraps
from urllib.parse import urlsplit

from django.contrib.auth import authenticate
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST


# page: from here
def log_in(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return login_page(request)
    typed = {name: request.POST.get(name, "") for name in ("username", "password")}
    user = authenticate(request, **typed)
    if user is None:
        return login_page(request, typed["username"])
    request.session.cycle_key()  # a key that somebody planted in this browser opens nothing
    request.session["user"] = user.username
    return redirect(next_page(request) or "/index/")


def next_page(request: HttpRequest) -> str | None:
    """Path and query of a page here: never another host, never a logout."""
    asked = request.POST.get("next", request.GET.get("next", ""))
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, request.is_secure())
    return asked if safe and "logout" not in urlsplit(asked).path else None


def user_required(view):
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if "user" in request.session:
            return view(request)
        return redirect_to_login(request.get_full_path(), "/session-login/")

    return guarded


@user_required
def homework(request: HttpRequest) -> HttpResponse:
    values = {"view": "homework", "user": request.session["user"], "week": week_of(request)}
    return render(request, "session_login.html", values)


def index(request: HttpRequest) -> HttpResponse:
    user = request.session.get("user")
    return render(request, "session_login.html", {"view": "index", "user": user})


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()  # the record, its data and its cookie
    return redirect("/session-login/")
# page: to here


def login_page(request: HttpRequest, refused: str | None = None) -> HttpResponse:
    values = {"view": "login", "next": next_page(request), "refused": refused}
    return render(request, "session_login.html", values)


def week_of(request: HttpRequest) -> int | None:
    asked = request.GET.get("week", "")
    return int(asked) if asked.isdecimal() and len(asked) <= 2 else None


urlpatterns = [
    path("session-login/", log_in),
    path("session-logout/", log_out),
    path("index/", index),
    path("homework/", homework),
]
