"""The hidden field of a form: `{% csrf_token %}`, and what the other template engines are given."""

from django.template import defaulttags
from django.template.backends import dummy, utils
from django.utils.functional import lazy
from django.utils.safestring import SafeString

from .compare import pristine, same
from .pipe import ask

own_utils = pristine("django.template.backends.utils")

try:
    from django.template.backends import jinja2
except ImportError:
    # The environments of older releases have no Jinja2.
    jinja2 = None


def field(token, django):
    html = ask("csrf_input", token=str(token))
    same("csrf_input", html, str(django))
    return SafeString(html)


def install():
    """After the adapter of `get_token`."""
    django_render = defaulttags.CsrfTokenNode.render

    def csrf_input(request):
        token = utils.get_token(request)
        own_utils.get_token = lambda request: token
        return field(token, own_utils.csrf_input(request))

    def render(self, context):
        token = context.get("csrf_token")
        django = django_render(self, context)
        if not token or token == "NOTPROVIDED":
            return django
        return field(token, django)

    utils.csrf_input = csrf_input
    for module in (utils, dummy, jinja2):
        if module is not None:
            module.csrf_input_lazy = lazy(csrf_input, SafeString, str)
            module.csrf_token_lazy = lazy(utils.get_token, str)
    defaulttags.CsrfTokenNode.render = render
