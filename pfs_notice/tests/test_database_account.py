"""An account with a password, as the documentation makes one."""

import pytest
from django.db import connection, connections


@pytest.mark.django_db(transaction=True)  # CREATE USER commits
@pytest.mark.skipif(
    connection.vendor != "mysql", reason="MySQL's own way to ask for a password is tried here"
)
def test_an_account_with_a_password_signs_in() -> None:
    password = "p@ss:word"
    with connection.cursor() as cursor:
        cursor.execute("CREATE USER clerk@'%%' IDENTIFIED BY %s", [password])
        try:
            account = {"USER": "clerk", "PASSWORD": password, "NAME": ""}
            other = type(connections["default"])({**connection.settings_dict, **account}, "other")
            with other._nodb_cursor() as asked:
                asked.execute("SELECT CURRENT_USER()")
                assert asked.fetchone() == ("clerk@%",)
        finally:
            cursor.execute("DROP USER clerk@'%'")
