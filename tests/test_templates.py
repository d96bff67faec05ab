"""There is one template root, with a folder for each app."""

from django.apps import apps

from tests.translations import ROOT

_SHARED = {"components", "django"}
"""Parts that every page uses, and what replaces Django's own templates."""


def test_every_template_lies_in_the_folder_of_its_app() -> None:
    labels = {config.label for config in apps.get_app_configs()}
    folders = {folder.name for folder in (ROOT / "templates").iterdir() if folder.is_dir()}
    assert folders <= labels | _SHARED


def test_no_app_has_a_template_root_of_its_own() -> None:
    ours = [config for config in apps.get_app_configs() if (ROOT / config.label).is_dir()]
    assert "eventinvoke" in {config.label for config in ours}
    assert [config.label for config in ours if any((ROOT / config.label).rglob("*.html"))] == []
