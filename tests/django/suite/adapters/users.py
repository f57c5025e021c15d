"""`django.contrib.auth`: names of users, their ids in links, what they may do."""

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import http
from django.utils.encoding import force_bytes

from .compare import pristine, same
from .pipe import ask

own = pristine("django.utils.http")
LONGEST = 150
CACHES = ("_perm_cache", "_user_perm_cache", "_group_perm_cache")
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


def install_late():
    from django.contrib.auth import forms, views
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser, PermissionsMixin

    django_name = AbstractBaseUser.normalize_username.__func__

    def normalize_username(cls, username):
        django = django_name(cls, username)
        # Ours is the form field's rule, which takes white space away and leaves a name alone that is too long.
        if not isinstance(username, str) or username != username.strip() or len(username) > LONGEST:
            return django
        ours = ask("username_normalize", typed=username)
        same("normalize_username", ours, django)
        return ours

    AbstractBaseUser.normalize_username = classmethod(normalize_username)

    django_to_python = forms.UsernameField.to_python

    def to_python(self, value):
        django = django_to_python(self, value)
        value = super(forms.UsernameField, self).to_python(value)
        # Ours is the field of `auth_user`, beyond whose length names are left as they are.
        if not isinstance(value, str) or (self.max_length != LONGEST and len(value) > LONGEST):
            return django
        ours = ask("username_normalize", typed=value)
        same("a form's user name", ours, django)
        return ours

    forms.UsernameField.to_python = to_python

    def urlsafe_base64_encode(s):
        ours = ask("uid", id=force_bytes(s).decode())["uidb64"]
        same("uidb64", ours, own.urlsafe_base64_encode(s))
        return ours

    def urlsafe_base64_decode(s):
        try:
            django = own.urlsafe_base64_decode(s).decode()
        except ValueError:
            django = None
        ours = ask("uid_read", uidb64=s)
        same("id of uidb64", ours, django)
        if ours is None:
            raise ValueError("not an id")
        return ours.encode()

    assert views.urlsafe_base64_decode is http.urlsafe_base64_decode
    forms.urlsafe_base64_encode = urlsafe_base64_encode
    views.urlsafe_base64_decode = urlsafe_base64_decode

    def verdict(user, django, **what):
        # Where a backend of the site has a say, not only what was granted counts.
        if list(settings.AUTHENTICATION_BACKENDS) != [MODEL_BACKEND]:
            return django
        # As Django's own answer has just read it from the tables; where that did not, it does not count.
        granted = sorted({name for cache in CACHES for name in getattr(user, cache, ())})
        ours = ask(
            "has_permission",
            is_active=bool(user.is_active),
            is_superuser=bool(user.is_superuser),
            granted=granted,
            permission=what.get("permission"),
            app_label=what.get("app_label"),
        )
        same("has_perm" if "permission" in what else "has_module_perms", ours, django)
        return ours

    django_compare = forms._unicode_ci_compare

    def _unicode_ci_compare(s1, s2):
        ours = ask("same_address", one=s1, other=s2)
        same("same address", ours, django_compare(s1, s2))
        return ours

    forms._unicode_ci_compare = _unicode_ci_compare

    for model in (PermissionsMixin, AnonymousUser):
        replace_permissions(model, verdict)


def replace_permissions(model, verdict):
    django_perm, django_module = model.has_perm, model.has_module_perms

    def has_perm(self, perm, obj=None):
        django = django_perm(self, perm, obj)
        return django if obj is not None or not isinstance(perm, str) else verdict(self, django, permission=perm)

    def has_module_perms(self, app_label):
        django = django_module(self, app_label)
        return verdict(self, django, app_label=app_label) if isinstance(app_label, str) else django

    model.has_perm, model.has_module_perms = has_perm, has_module_perms
    if not hasattr(model, "ahas_perm"):
        return
    django_aperm, django_amodule = model.ahas_perm, model.ahas_module_perms

    async def ahas_perm(self, perm, obj=None):
        django = await django_aperm(self, perm, obj)
        if obj is not None or not isinstance(perm, str):
            return django
        return await sync_to_async(verdict)(self, django, permission=perm)

    async def ahas_module_perms(self, app_label):
        django = await django_amodule(self, app_label)
        return await sync_to_async(verdict)(self, django, app_label=app_label)

    model.ahas_perm, model.ahas_module_perms = ahas_perm, ahas_module_perms
