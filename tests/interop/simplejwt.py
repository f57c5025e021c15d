"""Answers for simplejwt: lines of JSON, each with its settings; `test_simplejwt.py` asks."""

import datetime
import json
import sys

from django.conf import settings

SIMPLE_JWT = json.loads(sys.argv[1])
for name in ("ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME"):
    if name in SIMPLE_JWT:
        SIMPLE_JWT[name] = datetime.timedelta(seconds=SIMPLE_JWT[name])
settings.configure(
    SECRET_KEY="the secret key of the Django site, which signs no token",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    SIMPLE_JWT=SIMPLE_JWT,
)

import django  # noqa: E402 — needs the settings above

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from rest_framework_simplejwt.authentication import JWTAuthentication  # noqa: E402
from rest_framework_simplejwt.exceptions import InvalidToken  # noqa: E402
from rest_framework_simplejwt.serializers import TokenRefreshSerializer  # noqa: E402
from rest_framework_simplejwt.tokens import RefreshToken, TokenError  # noqa: E402

call_command("migrate", verbosity=0)


def mint(question):
    refresh = RefreshToken.for_user(User.objects.get(pk=question["id"]))
    return {"refresh": str(refresh), "access": str(refresh.access_token)}


def read(question):
    """Whom Django takes the bearer of an access token for."""
    authentication = JWTAuthentication()
    try:
        return authentication.get_user(authentication.get_validated_token(question["token"].encode())).pk
    except (InvalidToken, AuthenticationFailed) as error:
        return type(error).__name__


def refresh(question):
    try:
        return TokenRefreshSerializer().validate({"refresh": question["token"]})
    except TokenError as error:
        return type(error).__name__


for line in sys.stdin:
    question = json.loads(line)
    if question["do"] == "user":
        user, _ = User.objects.update_or_create(
            pk=question["id"], defaults={"username": "ann", "password": question["password"]}
        )
        answer = user.pk
    else:
        answer = {"mint": mint, "read": read, "refresh": refresh}[question["do"]](question)
    print(json.dumps(answer), flush=True)
