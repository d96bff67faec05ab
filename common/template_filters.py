"""A filter of all templates, for what other people wrote."""

from django import template

from common.texts import isolated as isolated_text

register = template.Library()


@register.filter(is_safe=True)
def isolated(text: object) -> str:
    """Return a text so that no bidirectional control in it reorders what stands around it."""
    return isolated_text(str(text))
