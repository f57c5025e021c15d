"""Login verification by a signed cookie alone: no session, and nothing kept on the server."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from django.contrib.auth import authenticate
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST


# page: from here
DAY = 86_400


def pupil_of(request: HttpRequest) -> str | None:
    return request.get_signed_cookie("pupil", default=None, salt="cookie-login", max_age=DAY)


def pupil_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if pupil := pupil_of(request):
            return view(request, pupil)
        return redirect_to_login(request.get_full_path(), "/cookie-login/")

    return guarded


@pupil_required
def class_list(request: HttpRequest, pupil: str) -> HttpResponse:
    return shown(request, pupil=pupil, classes=classes(request.GET.get("room")))


def form(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return login(request)
    return shown(request, pupil=pupil_of(request), next=safe_next(request))


def login(request: HttpRequest) -> HttpResponse:
    username, password = (request.POST.get(name) for name in ("username", "password"))
    user = authenticate(request, username=username, password=password)
    next = safe_next(request)
    if user is None:
        return shown(request, next=next, problem="The name or the password is wrong.")
    response = redirect(next or "/cookie-login/class_list/")
    attributes = {"max_age": DAY, "samesite": "Lax", "httponly": True, "secure": request.is_secure()}
    response.set_signed_cookie("pupil", user.username, salt="cookie-login", **attributes)
    return response


def safe_next(request: HttpRequest) -> str:
    next = request.POST.get("next", request.GET.get("next", ""))
    is_safe = url_has_allowed_host_and_scheme(next, {request.get_host()}, request.is_secure())
    leads_out = "logout" in urlsplit(next).path  # nobody signs in to be signed out
    return next if is_safe and not leads_out else ""


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    response = redirect("/cookie-login/")
    response.delete_cookie("pupil")
    return response
# page: to here


def shown(request: HttpRequest, **values) -> HttpResponse:
    nothing = {"pupil": None, "next": "", "problem": "", "classes": None}
    return render(request, "cookie_login.html", nothing | values)


def classes(room: str | None) -> list[dict]:
    select = "SELECT name, room FROM classroom_class WHERE room = coalesce(%s, room) ORDER BY name"
    with connection.cursor() as cursor:
        return [{"name": name, "room": room} for name, room in cursor.execute(select, [room])]


urlpatterns = [
    path("cookie-login/", form),
    path("cookie-login/class_list/", class_list),
    path("cookie-login/logout/", logout),
]
