"""Django's own users: pages that only they see."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from tables import Class


# page: from here
@login_required
def home(request: HttpRequest) -> HttpResponse:
    name = request.user.first_name
    return render(request, "users.html", {"view": "home", "name": name})


@login_required
def class_list(request: HttpRequest) -> HttpResponse:
    classes = Class.objects.all()
    return render(request, "users.html", {"view": "class_list", "classes": classes})


urlpatterns = [
    path("home/", home),
    path("class_list/", class_list),
    path("login/", LoginView.as_view()),
    path("logout/", LogoutView.as_view()),
]
# page: to here
