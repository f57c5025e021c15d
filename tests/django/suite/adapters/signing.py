"""`django.core.signing`."""

import datetime
import time
import zlib

from django.conf import settings
from django.core import signing
from django.utils.encoding import force_bytes

from .compare import Clock, outcome, pristine, same
from .pipe import Fault, ask

own = pristine("django.core.signing")
own.time = Clock(now=0)


def now_micros():
    """The time, which the copy of the module takes for its own too."""
    own.time.now = now = time.time()
    return int(now * 1_000_000)


def hex_keys(*keys):
    return [force_bytes(key).hex() for key in keys]


def site_keys():
    return hex_keys(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def seconds(max_age):
    return max_age.total_seconds() if isinstance(max_age, datetime.timedelta) else max_age


def bad_signature(fault, signed, sep=":"):
    """The exception that Django raises where the judge says this."""
    if fault.kind == "no_separator":
        return signing.BadSignature(f'No "{sep}" found in value')
    if fault.kind == "mismatch":
        return signing.BadSignature(f'Signature "{signed.rsplit(sep, 1)[-1]}" does not match')
    if fault.kind == "expired":
        return signing.SignatureExpired("Signature age is over the limit")
    # Django fails while it takes the text apart.
    return ValueError(fault.detail)


def copy_of(signer, cls=None):
    """The same signer of the untouched module."""
    cls = cls or (own.TimestampSigner if isinstance(signer, signing.TimestampSigner) else own.Signer)
    return cls(
        key=signer.key, sep=signer.sep, salt=signer.salt, algorithm=signer.algorithm, fallback_keys=signer.fallback_keys
    )


def is_ours(signer):
    """We have one algorithm."""
    return signer.algorithm == "sha256"


def all_keys(signer):
    return hex_keys(signer.key, *signer.fallback_keys)


def inflated(signed, sep=":"):
    """A payload's text, whether it is compressed or not: two deflaters write different bytes."""
    payload, rest = signed.split(sep, 1)
    if payload.startswith("."):
        return zlib.decompress(own.b64_decode(payload[1:].encode())), rest.split(sep)[0]
    return own.b64_decode(payload.encode()), rest.split(sep)[0]


def install():
    django = {
        name: getattr(signing.Signer, name)
        for name in ("__init__", "signature", "sign", "unsign", "sign_object", "unsign_object")
    }
    django_dated = {name: getattr(signing.TimestampSigner, name) for name in ("sign", "unsign", "timestamp")}
    django_b62_encode = signing.b62_encode

    def init(self, *args, **kwargs):
        django["__init__"](self, *args, **kwargs)
        # Django may be given an iterator here; it is read more than once.
        self.fallback_keys = list(self.fallback_keys)

    def signature(self, value, key=None):
        if not is_ours(self):
            return django["signature"](self, value, key)
        text = value.decode() if isinstance(value, bytes) else str(value)
        signed = ask("sign", keys=hex_keys(key or self.key), salt=self.salt, value=text)
        ours = signed[len(text) + 1 :]
        same("signature", ours, copy_of(self).signature(value, key))
        return ours

    def sign(self, value):
        if not is_ours(self) or self.sep != ":":
            return django["sign"](self, value)
        ours = ask("sign", keys=hex_keys(self.key), salt=self.salt, value=str(value))
        same("sign", ours, copy_of(self, own.Signer).sign(value))
        return ours

    def unsign(self, signed_value):
        if not is_ours(self):
            return django["unsign"](self, signed_value)
        signed = signed_value
        if self.sep != ":":
            # The signature does not cover the separator, and ours is a colon.
            if self.sep not in signed or ":" in signed.rsplit(self.sep, 1)[1]:
                return django["unsign"](self, signed_value)
            signed = ":".join(signed.rsplit(self.sep, 1))
        theirs = outcome(copy_of(self, own.Signer).unsign, signed_value)
        try:
            value = ask("unsign", keys=all_keys(self), salt=self.salt, signed=signed)
        except Fault as fault:
            error = bad_signature(fault, signed_value, self.sep)
            same("unsign", type(error).__name__, theirs)
            raise error from None
        same("unsign", value, theirs)
        return value

    def b62_encode(number):
        if not -62_135_596_800 <= number <= 253_402_300_799:
            return django_b62_encode(number)
        signed = ask("sign_dated", keys=["00"], salt="", value="", now=number * 1_000_000)
        ours = signed.split(":")[1]
        same("b62_encode", ours, own.b62_encode(number))
        return ours

    def timestamp(self):
        return b62_encode(int(time.time()))

    def sign_dated(self, value):
        if not is_ours(self) or self.sep != ":":
            return django_dated["sign"](self, value)
        ours = ask("sign_dated", keys=hex_keys(self.key), salt=self.salt, value=str(value), now=now_micros())
        same("sign_dated", ours, copy_of(self).sign(value))
        return ours

    def unsign_dated(self, value, max_age=None):
        if not is_ours(self) or self.sep != ":" or (max_age is not None and seconds(max_age) < 0):
            return django_dated["unsign"](self, value, max_age)
        now = now_micros()
        theirs = outcome(copy_of(self).unsign, value, max_age)
        try:
            text = ask(
                "unsign_dated", keys=all_keys(self), salt=self.salt, signed=value, max_age=seconds(max_age), now=now
            )
        except Fault as fault:
            error = bad_signature(fault, value)
            same("unsign_dated", type(error).__name__, theirs)
            raise error from None
        same("unsign_dated", text, theirs)
        return text

    def sign_object(self, obj, serializer=signing.JSONSerializer, compress=False):
        data = serializer().dumps(obj)
        if not isinstance(self, signing.TimestampSigner) or not is_ours(self) or self.sep != ":" or not data.isascii():
            return django["sign_object"](self, obj, serializer, compress)
        ours = ask(
            "dumps",
            keys=hex_keys(self.key),
            salt=self.salt,
            json=data.decode("ascii"),
            compress=compress,
            now=now_micros(),
        )
        theirs = copy_of(self).sign_object(obj, serializer, compress)
        # Where it saves next to nothing, one of the two may find it worth while and the other not.
        if ours.startswith(".") or theirs.startswith("."):
            same("dumps", inflated(ours), inflated(theirs))
        else:
            same("dumps", ours, theirs)
        return ours

    def unsign_object(self, signed_obj, serializer=signing.JSONSerializer, **kwargs):
        if not isinstance(self, signing.TimestampSigner) or not is_ours(self) or self.sep != ":":
            return django["unsign_object"](self, signed_obj, serializer, **kwargs)
        now = now_micros()
        theirs = outcome(copy_of(self).unsign_object, signed_obj, serializer, **kwargs)
        try:
            text = ask(
                "loads",
                keys=all_keys(self),
                salt=self.salt,
                signed=signed_obj,
                max_age=seconds(kwargs.get("max_age")),
                now=now,
            )
        except Fault as fault:
            error = bad_signature(fault, signed_obj)
            if isinstance(error, signing.BadSignature):
                same("loads", type(error).__name__, theirs)
            raise error from None
        value = serializer().loads(text.encode("latin-1"))
        same("loads", value, theirs)
        return value

    signing.Signer.__init__ = init
    signing.Signer.signature = signature
    signing.Signer.sign = sign
    signing.Signer.unsign = unsign
    signing.Signer.sign_object = sign_object
    signing.Signer.unsign_object = unsign_object
    signing.TimestampSigner.sign = sign_dated
    signing.TimestampSigner.unsign = unsign_dated
    signing.TimestampSigner.timestamp = timestamp
    signing.b62_encode = b62_encode
