"""Codes and tests in a real browser: the countdown, the phone that rings, and what became of a test."""

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from common.languages import TRANSLATED
from registration.models import Member
from registration.tests.factories import TargetFactory
from tests.translations import APPS, LANGUAGES, is_translated, read

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("jobs", "simulated_twilio"),
]


def test_the_page_of_a_code_counts_down_and_opens_the_phone_that_rings(
    panel: "Page", live_server: Any, member: Member
) -> None:
    TargetFactory.create(member=member, kind="voice", address="+12025550111")
    panel.goto(f"{live_server.url}/targets/add/voice/")
    panel.get_by_label("Phone number").fill("+12025550123")
    panel.get_by_role("button", name="Send code").click()
    panel.wait_for_url("**/verify/")
    again = panel.get_by_role("button", name="Send new code")
    expect(again).to_be_disabled()
    first = again.inner_text()
    assert "seconds)" in first
    expect(again).not_to_have_text(first)
    target = member.targets.get(verified_at=None)
    with panel.expect_popup() as opened:
        panel.get_by_role("main").get_by_role("link", name="phone").click()
    assert opened.value.url.endswith(f"/simulator/{target.pk}/")


def test_a_test_s_outcome_is_shown_at_the_contact_method(
    panel: "Page", live_server: Any, member: Member
) -> None:
    target = TargetFactory.create(member=member, kind="voice", address="+12025550123", label="Mobile")
    panel.goto(f"{live_server.url}/targets/")
    panel.get_by_role("button", name="More for Mobile").click()
    panel.get_by_role("button", name="Send test").click()
    row = panel.locator(f"#target-{target.pk}")
    row.get_by_role("status").get_by_text("A test is on its way to Mobile.").wait_for()
    row.get_by_role("link", name="phone").click()
    panel.wait_for_url(f"**/simulator/{target.pk}/")


def test_only_languages_are_offered_that_every_notice_is_translated_into(
    panel: "Page", live_server: Any
) -> None:
    panel.goto(f"{live_server.url}/profile/")
    offered = panel.get_by_label("Language").locator("option")
    codes = {str(one.get_attribute("value")) for one in offered.all()}
    assert {code.partition("-")[0] for code in codes} == set(TRANSLATED) == {"en", *LANGUAGES}
    for app in APPS:
        for language in LANGUAGES:
            assert all(is_translated(one.string) for one in read(app, language) if one.id), (app, language)
