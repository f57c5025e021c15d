"""Plain cookies: set, read and deleted with every attribute, on each kind of answer."""

from datetime import UTC, datetime
from http.cookies import CookieError

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

PLAIN_PAGE = '<!doctype html><title>A plain page</title><a href="/cookies/">See whether the browser sends it back</a>'


# page: from here
def cookies(request: HttpRequest) -> HttpResponse:
    return shown(request)


@require_POST
def set_one(request: HttpRequest) -> HttpResponse:
    form, made = request.POST, HttpResponse()
    try:
        set_cookie(made, form)
    except (CookieError, ValueError) as problem:
        return shown(request, form, problem=str(problem))
    match form.get("answer"):
        case "page":
            response = HttpResponse(PLAIN_PAGE)
        case "template":
            response = shown(request, form, sets=[cookie.OutputString() for cookie in made.cookies.values()])
        case _:
            response = redirect("/cookies/")
    response.cookies = made.cookies  # whatever the answer is
    return response


def set_cookie(response: HttpResponse, form: QueryDict) -> None:
    name = form.get("name", "")
    same_site = form.get("same_site") or None
    place = {"path": form.get("path", "/"), "domain": form.get("domain") or None}
    if form.get("do") == "delete":
        # the same name, path and domain, or the browser keeps it
        response.delete_cookie(name, **place, samesite=same_site)
        return
    response.set_cookie(
        name,
        form.get("value", ""),
        max_age=int(form["max_age"]) if form.get("max_age") else None,
        expires=datetime.fromisoformat(form["expires"]).replace(tzinfo=UTC) if form.get("expires") else None,
        **place,
        secure="secure" in form,
        httponly="http_only" in form,
        samesite=same_site,
    )
    if "partitioned" in form:
        response.cookies[name]["partitioned"] = True  # Python 3.14


def test(request: HttpRequest) -> HttpResponse:
    response = redirect("/cookies/tested/")  # only there it can be seen whether it came back
    response.set_cookie("test", "kept", max_age=60)
    return response


def tested(request: HttpRequest) -> HttpResponse:
    return shown(request, kept="test" in request.COOKIES)
# page: to here


ORDINARY = {"name": "colour", "value": "green", "max_age": "3600", "path": "/", "same_site": "Lax"}


def shown(request: HttpRequest, form: dict | QueryDict = ORDINARY, **values) -> HttpResponse:
    texts = ("name", "value", "max_age", "expires", "path", "domain", "same_site")
    fields = {name: form.get(name, "") for name in texts}
    ticks = {name: name in form for name in ("secure", "http_only", "partitioned")}
    context = {
        "sent": [(shortened(name), shortened(value)) for name, value in request.COOKIES.items()],
        "form": {**fields, **ticks, "answer": form.get("answer", "redirect")},
        "problem": None,
        "sets": [],
        "kept": None,
        "examples": [],
    }
    return render(request, "cookies.html", context | values)


def shortened(value: str) -> str:
    return value if len(value) < 32 else f"{value[:6]}… ({len(value)} characters)"


urlpatterns = [
    path("cookies/", cookies),
    path("cookies/set/", set_one),
    path("cookies/test/", test),
    path("cookies/tested/", tested),
]
