"""The session itself: what is in it, where it is kept, when it ends."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db.models.expressions import RawSQL
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.http import require_POST


# page: from here
def look(request: HttpRequest) -> HttpResponse:
    session = request.session
    session["visits"] = session.get("visits", 0) + 1
    session.save()  # now, so that the page can show the key and the record
    values = {
        "content": session.items(),
        "age": session.get_expiry_age(),
        "ends": http_date(session.get_expiry_date().timestamp()),
        "with_browser": session.get_expire_at_browser_close(),
        "records": newest(session.session_key),
    }
    return render(request, "session.html", values)


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    chalk = request.POST.get("chalk")
    request.session["chalk"] = chalk if chalk in CHALKS else CHALKS[0]
    return redirect("/session/")


@require_POST
def set_expiry(request: HttpRequest) -> HttpResponse:
    forms = {
        "seconds": 300,  # after the last save
        "timedelta": timedelta(hours=1),  # from now
        "datetime": timezone.now() + timedelta(days=1),  # at this moment
        "browser": 0,
    }
    request.session.set_expiry(forms.get(request.POST.get("expiry")))
    return redirect("/session/")


@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("name", "")
    if not name.startswith("_"):
        request.session.pop(name, None)  # one name
    return redirect("/session/")


@require_POST
def cycle(request: HttpRequest) -> HttpResponse:
    request.session.cycle_key()  # the same content under a new key
    return redirect("/session/")


@require_POST
def flush(request: HttpRequest) -> HttpResponse:
    request.session.flush()  # the content, the record and the cookie
    return redirect("/session/")
# page: to here


CHALKS = ["white", "yellow", "blue"]


def newest(own: str) -> list[dict]:
    """At most ten records, the visitor's own in front, then the newest; of their keys the beginning."""
    sessions = Session.objects.alias(length=Length("session_key")).filter(length=32)
    alive = sessions.filter(expire_date__gt=timezone.now())
    ordered = sorted(alive.order_by(RawSQL("rowid", ()).desc()), key=lambda record: record.session_key != own)
    return [
        {
            "key": record.session_key[:4],
            "ends": http_date(record.expire_date.timestamp()),
            "is_own": record.session_key == own,
        }
        for record in ordered[:10]
    ]


urlpatterns = [
    path("session/", look),
    path("session/keep/", keep),
    path("session/expiry/", set_expiry),
    path("session/delete/", delete),
    path("session/cycle/", cycle),
    path("session/flush/", flush),
]
