"""A shopping cart that survives the login."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tables import Good


# page: from here
def in_cart(good: str | int) -> str:
    """Each good has a name of its own in the session, as in Rust, though here it does not help."""
    return f"cart_{good}"


def cart(request: HttpRequest) -> HttpResponse:
    goods = list(Good.objects.all())
    for good in goods:
        good.number = request.session.get(in_cart(good.id), 0)
    values = {
        "goods": goods,
        "total": sum(good.cents * good.number for good in goods),
        "name": request.user.first_name if request.user.is_authenticated else None,
        "refused": request.META["QUERY_STRING"] == "refused",
    }
    return render(request, "cart.html", values)


@require_POST
def put(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("good", "")
    good = next((good for good in Good.objects.all() if str(good.id) == chosen), None)
    if good is None:
        return redirect("/cart/?refused")
    number = request.session.get(in_cart(good.id), 0)
    if number >= MOST:
        return redirect("/cart/?refused")
    # of two tabs at once, one is lost
    request.session[in_cart(good.id)] = number + 1
    return redirect("/cart/")


@require_POST
def take(request: HttpRequest) -> HttpResponse:
    request.session.pop(in_cart(request.POST.get("good", "")), None)
    return redirect("/cart/")
# page: to here


MOST = 20
urlpatterns = [
    path("cart/", cart),
    path("cart/put/", put),
    path("cart/take/", take),
]
