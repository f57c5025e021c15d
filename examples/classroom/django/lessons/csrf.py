"""Who may send a form: the token, and the views that ask for it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST


# page: from here
# MIDDLEWARE names django.middleware.csrf.CsrfViewMiddleware: all views ask for the token but those that are exempt.


def csrf(request: HttpRequest) -> HttpResponse:
    views = ["checked", "exempt", "protected", "fetched"]
    stars = [{"view": view, "count": request.session.setdefault(view, 0)} for view in views]
    return render(request, "csrf.html", {"stars": stars})


@require_POST
def checked(request: HttpRequest) -> HttpResponse:
    return give_star(request, "checked")


@csrf_exempt
@require_POST
def exempt(request: HttpRequest) -> HttpResponse:
    return give_star(request, "exempt")


@csrf_exempt  # as if there were no middleware
@csrf_protect
@require_POST
def protected(request: HttpRequest) -> HttpResponse:
    return give_star(request, "protected")


@require_POST
def fetched(request: HttpRequest) -> HttpResponse:
    # of two requests at once, one is lost
    request.session["fetched"] = request.session.get("fetched", 0) + 1
    return JsonResponse(request.session["fetched"], safe=False)


@csrf_exempt
@require_POST
def unprotected(request: HttpRequest) -> HttpResponse:
    """It has a session all the same: in Django a view is not outside a middleware."""
    return redirect("/csrf/")


def give_star(request: HttpRequest, view: str) -> HttpResponse:
    """Who comes without the cookie has no session, and gets no star."""
    if view in request.session:
        request.session[view] += 1
    return redirect("/csrf/")
# page: to here


urlpatterns = [
    path("csrf/", csrf),
    path("csrf/checked/", checked),
    path("csrf/exempt/", exempt),
    path("csrf/protected/", protected),
    path("csrf/fetched/", fetched),
    path("csrf/unprotected/", unprotected),
]
