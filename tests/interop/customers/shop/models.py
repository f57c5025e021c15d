"""A user model of a site's own. SITE_KEYS says what its primary keys are."""

import os
import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.crypto import salted_hmac

KEYS = os.environ["SITE_KEYS"]


def new_text():
    return str(uuid.uuid4())


def hashed_text(value):
    """A column's text, the same whatever the database."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


class Customer(AbstractBaseUser, PermissionsMixin):
    """Signs in by the e-mail address; has no names, and nothing of the admin site's."""

    if KEYS == "uuid":
        id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    elif KEYS == "uuid-text":
        id = models.CharField(primary_key=True, max_length=36, default=new_text)
    elif KEYS == "text":
        id = models.CharField(primary_key=True, max_length=50)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    tenant = models.IntegerField(default=3)
    stamp = models.CharField(max_length=20, default="first")
    newsletter = models.BooleanField(null=True)

    objects = BaseUserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def _get_session_auth_hash(self, secret=None):
        key_salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        texts = [hashed_text(getattr(self, name)) for name in ("stamp", "newsletter")]
        value = "\0".join([self.password, *texts])
        return salted_hmac(key_salt, value, secret=secret, algorithm="sha256").hexdigest()
