"""A game whose score lives in the session."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST


# page: from here
def scores(request: HttpRequest) -> HttpResponse:
    score = request.session.get("score", 0)
    return render(request, "scores.html", {"score": score})


@require_POST
def hit(request: HttpRequest) -> HttpResponse:
    # of two requests at once, one is lost
    request.session["score"] = request.session.get("score", 0) + 10
    return redirect("/scores/")


@require_POST
def again(request: HttpRequest) -> HttpResponse:
    request.session.pop("score", None)
    return redirect("/scores/")
# page: to here


urlpatterns = [
    path("scores/", scores),
    path("scores/hit/", hit),
    path("scores/again/", again),
]
