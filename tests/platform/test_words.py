from tests.words import find, is_checked


def test_words_are_found_in_any_case_and_in_names_of_tests() -> None:
    text = "Nobody reads it.\nclean\ndef test_whoever_comes(): made anew"
    assert list(find(text)) == [(1, "Nobody"), (3, "whoever"), (3, "anew")]


def test_parts_of_other_words_are_not_found() -> None:
    assert list(find("a new page; renew; busybody; whatsoever")) == []


def test_text_files_are_checked_but_for_migrations_and_vendored_ones() -> None:
    names = ["README.md", "script/test", "common/clock.py", "LICENSE", "common/migrations/0001_initial.py"]
    assert [is_checked(name) for name in names] == [True, True, True, True, False]
    assert not is_checked("static/vendor/x/x.js")
    assert not is_checked("docs/images/panel.png")
