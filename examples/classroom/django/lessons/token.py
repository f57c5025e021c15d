"""A signature instead of a store: step by step by hand, then tokens of simplejwt, taken apart."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

# For this page alone: what is signed here is good nowhere else.
KEY = hashlib.sha256(f"classroom.token:{settings.SIMPLE_JWT['SIGNING_KEY']}".encode()).digest()


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> str:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode(errors="replace")
    except ValueError:
        return ""


# page: from here
def sign(message: str) -> str:
    payload = encoded(message.encode())
    return f"{payload}.{signature(payload)}"


def signature(payload: str) -> str:
    return encoded(hmac.digest(KEY, payload.encode(), "sha256"))


def verify(token: str) -> str | None:
    payload, _, sent = token.rpartition(".")  # cut off
    again = signature(payload)  # compute again
    same = hmac.compare_digest(again.encode(), sent.encode())  # in a time that tells nothing
    return decoded(payload) if same else None


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    response = redirect("/token/")
    response.set_cookie("note", sign(request.POST.get("message", "")[:200]), path="/token/", httponly=True)
    return response


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    response = redirect("/token/")
    response.set_cookie("note", request.POST.get("token", "").strip(), path="/token/", httponly=True)
    return response


@require_POST
def jwt(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect("/login/?next=/token/")
    response = redirect("/token/")
    response.set_cookie("jwt", str(AccessToken.for_user(request.user)), path="/token/", httponly=True)
    return response


def speaks_for(jwt: str) -> str | None:
    try:
        user_id = AccessToken(jwt)["user_id"]
    except TokenError:
        return None
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    return user and user.username


def token(request: HttpRequest) -> HttpResponse:
    note = request.COOKIES.get("note")
    jwt = request.COOKIES.get("jwt", "")
    context = {
        "steps": None if note is None else steps(note),
        "jwt": jwt,
        "parts": [decoded(part) for part in jwt.split(".", 2)],
        "speaks_for": speaks_for(jwt),
        "user": request.user.username,
    }
    return render(request, "token.html", context)
# page: to here


def steps(token: str) -> dict:
    payload, dot, sent = token.rpartition(".")
    return {
        "token": token,
        "payload": payload if dot else None,
        "says": decoded(payload),
        "sent": sent,
        "again": signature(payload),
        "message": verify(token),
    }


@require_POST
def forge(request: HttpRequest) -> HttpResponse:
    """Changes the JWT in a way that somebody might hope to get through with."""
    header, _, signature_sent = (*request.COOKIES.get("jwt", "").split("."), "", "")[:3]
    payload = encoded(request.POST.get("payload", "")[:600].strip().encode())
    match request.POST.get("way"):
        case "none":
            header, signature_sent = encoded(b'{"alg":"none","typ":"JWT"}'), ""
        case "key":
            signature_sent = encoded(hmac.digest(b"another key", f"{header}.{payload}".encode(), "sha256"))
    response = redirect("/token/")
    response.set_cookie("jwt", f"{header}.{payload}.{signature_sent}"[:3000], path="/token/", httponly=True)
    return response


urlpatterns = [
    path("token/", token),
    path("token/send/", send),
    path("token/change/", change),
    path("token/jwt/", jwt),
    path("token/forge/", forge),
]
