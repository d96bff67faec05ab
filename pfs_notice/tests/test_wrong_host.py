"""A server that is addressed by a name that it does not know."""

from django.test import Client


def test_the_page_says_which_variables_to_set(client: Client) -> None:
    answer = client.get("/accounts/login/", headers={"Host": "pump.example.org"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "pump.example.org" in page
    assert "NOTICE_PUBLIC_URL" in page
    assert "ALLOWED_HOSTS" in page


def test_what_is_no_name_is_shown_as_text(client: Client) -> None:
    answer = client.get("/accounts/login/", headers={"Host": "<script>alert(1)</script>" + "x" * 5000})
    assert answer.status_code == 400
    assert b"<script>alert" not in answer.content
    assert len(answer.content) < 4000
