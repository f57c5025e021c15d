"""What a site can record of its visitors, and of whom it records nothing."""

import contextlib
import queue
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.signing import BadSignature
from django.db import connection, transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

MONTH = 30 * 86_400
NOTES = queue.Queue(maxsize=4096)


# page: from here
def record(get_response: Callable) -> Callable:
    """A middleware. It puts what it sees into a queue, and never waits for the database."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.visitor = None
        if asks_for_no_record(request) or request.path in UNRECORDED:
            return get_response(request)  # no cookie either
        # Signed, so that nobody takes another visitor's number.
        known = visitor_of(request)
        request.visitor = known or newcomer()
        response = get_response(request)
        if request.visitor and not known:
            attributes = {"max_age": MONTH, "httponly": True, "samesite": "Lax"}
            response.set_signed_cookie("visitor", request.visitor, salt="tracking", **attributes)
        if request.visitor and is_page(request, response):
            put(request.visitor, "visit", f"/{request.resolver_match.route}")  # never what stands behind a `?`
        return response

    return middleware


@receiver(user_logged_in)
@receiver(user_login_failed)
def record_login(request: HttpRequest, **sent) -> None:
    if request is not None and request.visitor:
        put(request.visitor, "sign-in" if sent["signal"] is user_logged_in else "failure")


def export(request: HttpRequest) -> HttpResponse:
    csv = csv_of(visitor_of(request))
    headers = {"Content-Disposition": "attachment; filename=\"my-visits.csv\"", "Cache-Control": "no-store"}
    return HttpResponse(csv, content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    NOTES.join()  # what still waits in the queue comes first
    delete(visitor_of(request))
    response = redirect("/tracking/forgotten/")
    response.delete_cookie("visitor")
    return response


def tracking(request: HttpRequest) -> HttpResponse:
    seen = overview_for(visitor_of(request))
    return render(request, "tracking.html", {"seen": seen, "unrecorded": asks_for_no_record(request)})


def forgotten(request: HttpRequest) -> HttpResponse:
    return render(request, "tracking.html", {"forgotten": True})
# page: to here


UNRECORDED = ("/tracking/export/", "/tracking/forget/", "/tracking/forgotten/")
DROPPED = Counter()
WRITER = threading.Lock()


def visitor_of(request: HttpRequest) -> str | None:
    with contextlib.suppress(BadSignature):
        return request.get_signed_cookie("visitor", None, salt="tracking", max_age=MONTH)
    return None


def asks_for_no_record(request: HttpRequest) -> bool:
    return "1" in (request.headers.get("Sec-GPC"), request.headers.get("DNT"))


def is_page(request: HttpRequest, response: HttpResponse) -> bool:
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return request.method == "GET" and response.status_code == 200 and is_html and request.resolver_match is not None


def newcomer() -> str | None:
    visitor = secrets.token_hex(16)
    return visitor if put(visitor, "newcomer") else None


def put(visitor: str, kind: str, page: str = "") -> bool:
    start_writing()
    try:
        NOTES.put_nowait((visitor, kind, page, int(time.time())))
    except queue.Full:
        DROPPED["notes"] += 1
        return False
    return True


def start_writing() -> None:
    """The thread begins with the first note, in the process that serves."""
    if WRITER.acquire(blocking=False):
        threading.Thread(target=write, daemon=True).start()


def write() -> None:
    while True:
        notes = [NOTES.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                notes.append(NOTES.get_nowait())
        try:
            keep(notes)
        except Exception:
            DROPPED["notes"] += len(notes)
        for _ in notes:
            NOTES.task_done()
        time.sleep(0.5)


def keep(notes: list[tuple]) -> None:
    counts = Counter((visitor, at // 3600, kind, page) for visitor, kind, page, at in notes if kind != "newcomer")
    with transaction.atomic(), connection.cursor() as cursor:
        newcomers = [(visitor, at) for visitor, kind, _, at in notes if kind == "newcomer"]
        cursor.executemany("INSERT OR IGNORE INTO classroom_visitor (id, first_seen) VALUES (%s, %s)", newcomers)
        cursor.executemany(
            "INSERT INTO classroom_count (visitor, hour, kind, page, times) SELECT %s, %s, %s, %s, %s"
            " WHERE EXISTS (SELECT 1 FROM classroom_visitor WHERE id = %s)"
            " ON CONFLICT (visitor, hour, kind, page) DO UPDATE SET times = times + excluded.times",
            [(*count, times, count[0]) for count, times in counts.items()],
        )
        old = int(time.time()) - MONTH
        of_old = "SELECT id FROM classroom_visitor WHERE first_seen < %s"
        cursor.execute(f"DELETE FROM classroom_count WHERE visitor IN ({of_old})", [old])
        cursor.execute("DELETE FROM classroom_visitor WHERE first_seen < %s", [old])


def delete(visitor: str | None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM classroom_count WHERE visitor = %s", [visitor])
        cursor.execute("DELETE FROM classroom_visitor WHERE id = %s", [visitor])


def rows(statement: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def csv_of(visitor: str | None) -> str:
    counts = "SELECT hour, kind, page, times FROM classroom_count WHERE visitor = %s ORDER BY hour, kind, page"
    lines = [f"{moment(hour * 3600)},{kind},{page},{times}" for hour, kind, page, times in rows(counts, visitor)]
    return "".join(f"{line}\r\n" for line in ["hour_utc,kind,page,times", *lines])


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def overview_for(visitor: str | None) -> dict:
    last = int(time.time()) // 3600
    first = last - 23
    names = {"visit": "visits", "sign-in": "sign_ins", "failure": "failures"}
    nothing = dict.fromkeys(["newcomers", *names.values()], 0)
    hours = {hour: {"hour": hour % 24, **nothing} for hour in range(first, last + 1)}
    happened = "SELECT hour, kind, sum(times) FROM classroom_count WHERE hour BETWEEN %s AND %s GROUP BY hour, kind"
    for hour, kind, times in rows(happened, first, last):
        hours[hour][names[kind]] = times
    began = "SELECT first_seen / 3600, count(*) FROM classroom_visitor GROUP BY first_seen / 3600"
    for hour, times in rows(began):
        if hour in hours:
            hours[hour]["newcomers"] = times
    pages = rows(
        "SELECT page, sum(times) FROM classroom_count WHERE kind = 'visit' AND hour >= %s"
        " GROUP BY page ORDER BY sum(times) DESC, page LIMIT 12",
        first,
    )
    return {
        "visitors": rows("SELECT count(*) FROM classroom_visitor")[0][0],
        "dropped": DROPPED["notes"],
        "hours": list(hours.values()),
        "pages": [{"page": page, "times": times} for page, times in pages],
        "visit_ticks": ticks(max(hour["visits"] for hour in hours.values())),
        "login_ticks": ticks(max(max(hour["sign_ins"], hour["failures"]) for hour in hours.values())),
        "you": you(visitor, names, nothing),
    }


def you(visitor: str | None, names: dict, nothing: dict) -> dict | None:
    found = rows("SELECT first_seen FROM classroom_visitor WHERE id = %s", visitor)
    if not found:
        return None
    counts = rows("SELECT kind, sum(times) FROM classroom_count WHERE visitor = %s GROUP BY kind", visitor)
    times = {names[kind]: times for kind, times in counts}
    return {"number": visitor[:8], "first_seen": moment(found[0][0]), **nothing, **times}


def ticks(most: int) -> list[int]:
    most = max(most, 1)
    steps = (step * 10**zeros for zeros in range(18) for step in (1, 2, 5))
    step = next(step for step in steps if most <= 4 * step)
    return [tick * step for tick in range(-(-most // step) + 1)]


urlpatterns = [
    path("tracking/", tracking),
    path("tracking/export/", export),
    path("tracking/forget/", forget),
    path("tracking/forgotten/", forgotten),
]
