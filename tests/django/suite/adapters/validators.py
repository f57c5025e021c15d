"""`django.contrib.auth.password_validation`: what a new password must be."""

from django.contrib.auth import password_validation
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.utils.translation import get_language

from .compare import same
from .pipe import ask

MODULE = "django.contrib.auth.password_validation."


def setting(validator, cls):
    """The entry of `AUTH_PASSWORD_VALIDATORS` for it."""
    options = {}
    if cls is password_validation.MinimumLengthValidator:
        options = {"min_length": validator.min_length}
    elif cls is password_validation.UserAttributeSimilarityValidator:
        attributes = list(validator.user_attributes)
        options = {"user_attributes": attributes, "max_similarity": validator.max_similarity}
    return [{"NAME": MODULE + cls.__name__, "OPTIONS": options}]


def attributes(validator, user):
    """What a user's row says, to validators who look at it."""
    rows = []
    for name in getattr(validator, "user_attributes", ()) if user else ():
        value = getattr(user, name, None)
        if not value or not isinstance(value, str):
            continue
        try:
            verbose_name = str(user._meta.get_field(name).verbose_name)
        except FieldDoesNotExist:
            verbose_name = name
        rows.append((name, verbose_name, value))
    return rows


def speaks_english():
    return (get_language() or "en").startswith("en")


# Django's own list, by which a validator with a list of the site's is told.
_passwords = {}


def has_a_list_of_its_own(validator):
    if "django" not in _passwords:
        _passwords["django"] = password_validation.CommonPasswordValidator().passwords
    return getattr(validator, "passwords", _passwords["django"]) != _passwords["django"]


def install():
    def replace(cls):
        django_validate, django_help = cls.validate, cls.get_help_text

        def validate(self, password, user=None):
            try:
                django_validate(self, password, user)
                django = None
            except ValidationError as error:
                django = error
            if has_a_list_of_its_own(self) or not isinstance(password, str):
                found = [] if django is None else [[django.code, None]]
            else:
                found = ask(
                    "password_validate",
                    validators=setting(self, cls),
                    password=password,
                    user=attributes(self, user),
                )
                same("password validators", [code for code, _ in found], [] if django is None else [django.code])
            if not found:
                return
            [[code, message]] = found
            # In another language, and in a site's own words, it is for Django to say.
            django_s_words = getattr(type(self), "get_error_message", None) is getattr(cls, "get_error_message", None)
            if message is None or not django_s_words or not speaks_english():
                if django is not None:
                    raise django
                raise ValidationError(message, code=code)
            if django is not None:
                same("a validator's message", [message], django.messages)
            raise ValidationError(message, code=code, params=django and django.params)

        def get_help_text(self):
            django = django_help(self)
            # A test that looks at the translation gets its own object back.
            if not speaks_english() or not isinstance(django, str):
                return django
            ours = ask("password_help_texts", validators=setting(self, cls))
            same("a validator's help", ours, [django])
            return ours[0]

        cls.validate, cls.get_help_text = validate, get_help_text

    for name in ("MinimumLength", "UserAttributeSimilarity", "CommonPassword", "NumericPassword"):
        replace(getattr(password_validation, f"{name}Validator"))
