"""What somebody prefers: in a cookie for a visitor, with the account after the login."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tables import Class, Preference


# page: from here
def preferences(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return choose(request)
    in_cookie = request.COOKIES.get("preferences")
    if request.user.is_authenticated:
        if in_cookie:  # the account takes it over, if it has none yet
            Preference.objects.get_or_create(user=request.user, defaults=parse(in_cookie))
        kept = Preference.objects.filter(user=request.user).values(*KNOWN).first() or {}
        chosen = known(kept)
    else:
        chosen = parse(in_cookie or "")
    paginator = Paginator(Class.objects.all(), chosen["page_size"])
    page = paginator.get_page(request.GET.get("page"))
    values = {
        "preferences": chosen,
        "name": request.user.first_name if request.user.is_authenticated else None,
        "listed": {"classes": page.object_list, "number": page.number, "pages": paginator.num_pages},
    }
    response = render(request, "preferences.html", values)
    if in_cookie and request.user.is_authenticated:
        response.delete_cookie("preferences")
    return response


def choose(request: HttpRequest) -> HttpResponse:
    chosen = known(request.POST)
    response = redirect("/preferences/")
    if request.user.is_authenticated:
        Preference.objects.update_or_create(user=request.user, defaults=chosen)
    else:
        text = ".".join(map(str, chosen.values()))
        response.set_cookie("preferences", text, max_age=YEAR, samesite="Lax", httponly=True)
    return response
# page: to here


YEAR = 365 * 86_400
KNOWN = {"theme": ["system", "light", "dark"], "language": ["en", "de", "fr"], "page_size": [2, 3, 5]}


def known(values: dict) -> dict:
    """What is not known becomes the first of each."""
    texts = {name: str(values.get(name)) for name in KNOWN}
    return {name: next((one for one in all if str(one) == texts[name]), all[0]) for name, all in KNOWN.items()}


def parse(text: str) -> dict:
    return known(dict(zip(KNOWN, text.split("."), strict=False)))


urlpatterns = [path("preferences/", preferences)]
