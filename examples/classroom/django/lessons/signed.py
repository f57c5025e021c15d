"""A signed cookie: readable by everybody, changed by nobody."""

from django.core.signing import BadSignature, SignatureExpired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST


# page: from here
DAY = 86_400
MINUTE = 60


def signed(request: HttpRequest) -> HttpResponse:
    text = request.COOKIES.get("discount", "")
    verdicts = [
        ("shop", "a day", verdict(request, "shop", DAY)),
        ("shop", "a minute", verdict(request, "shop", MINUTE)),
        ("canteen", "a day", verdict(request, "canteen", DAY)),
    ]
    context = {"text": text, "parts": text.rsplit(":", 2)[::-1], "verdicts": verdicts}
    return render(request, "signed.html", context)


def verdict(request: HttpRequest, salt: str, max_age: int) -> dict[str, str]:
    try:
        percent = request.get_signed_cookie("discount", salt=salt, max_age=max_age)
    except KeyError:
        return {"word": "missing"}
    except SignatureExpired:  # signed, but too long ago
        return {"word": "expired"}
    except BadSignature:  # changed, or signed for something else
        return {"word": "forged"}
    return {"word": "good", "percent": percent}


@require_POST
def set_one(request: HttpRequest) -> HttpResponse:
    percent = request.POST.get("percent")
    response = redirect("/signed/")
    percent = percent if percent in ("5", "10", "20") else "5"
    response.set_signed_cookie("discount", percent, salt="shop", max_age=DAY, httponly=True)
    return response


@require_POST
def tamper(request: HttpRequest) -> HttpResponse:
    """Puts a text into the cookie as it is, as anybody can in the browser."""
    response = redirect("/signed/")
    response.set_cookie("discount", request.POST.get("text", "")[:1000], max_age=DAY, httponly=True)
    return response
# page: to here


urlpatterns = [
    path("signed/", signed),
    path("signed/set/", set_one),
    path("signed/tamper/", tamper),
]
