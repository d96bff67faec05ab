"""References that outlive what they name."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor

M = TypeVar("M", bound=models.Model)

LOOSE: Final[dict[str, Any]] = {
    "on_delete": models.DO_NOTHING,
    "db_constraint": False,
    "db_index": False,
    "null": True,
    "blank": True,
}
"""A foreign key that outlives what it names: no constraint, no index, and the id stays. Its model is ``loose``."""


class _Forward(ForwardManyToOneDescriptor):  # type: ignore[type-arg]  # not subscriptable at run time
    def get_object(self, instance: models.Model) -> Any:
        """Return what the reference names, or None where that was deleted."""
        try:
            return super().get_object(instance)
        except ObjectDoesNotExist:
            return None


def loose(*names: str) -> Callable[[type[M]], type[M]]:
    """Have these foreign keys of a model read None where what they name was deleted, as a join does."""

    def decorate(model: type[M]) -> type[M]:
        for name in names:
            setattr(model, name, _Forward(model._meta.get_field(name)))
        return model

    return decorate
