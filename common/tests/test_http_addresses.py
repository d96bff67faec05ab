import pytest
from pytest_django import Settings

from common.errors import AddressError, PrivateAddressError
from common.http import check_public_url, is_allowed


@pytest.fixture(autouse=True)
def _nothing_private_is_allowed(settings: Settings) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []


PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "172.32.0.1",
    "198.20.0.1",
    "2606:4700::1111",
    "64:ff9b::808:808",
]
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - judged, not bound
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "nonsense",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_every_other_address_is_not(address: str) -> None:
    assert not is_allowed(address)


def test_a_private_network_that_is_named_is_allowed(settings: Settings) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["10.1.0.0/16", "fd00::/8"]
    assert [is_allowed(address) for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "10.2.0.1")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("https://push.example.com/a/b?c=d", "https://push.example.com/a/b?c=d"),
        (" https://PUSH.Example.COM:443 ", "https://push.example.com/"),
        ("https://push.example.com:8443/x#part", "https://push.example.com:8443/x"),
        ("https://push.example.com./x", "https://push.example.com/x"),
        ("https://bücher.example/süß?q=ä", "https://xn--bcher-kva.example/s%C3%BC%C3%9F?q=%C3%A4"),
        ("https://fcm.googleapis.com/fcm/send/a:b-c_d%2F", "https://fcm.googleapis.com/fcm/send/a:b-c_d%2F"),
        ("https://1.1.1.1/x", "https://1.1.1.1/x"),
        ("https://[2606:4700:0::1111]/x", "https://[2606:4700::1111]/x"),
    ],
)
def test_a_web_address_is_stored_in_one_form(given: str, stored: str) -> None:
    assert check_public_url(given, is_resolved=False) == stored


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "http://example.com/",
        "ftp://example.com/",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:word@example.com/",
        "https://example.com@10.0.0.1/",
        "https://example.com:22/",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://example.com\\@10.0.0.1/",
        "https://exam_ple..com/",
        "https://-example.com/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        f"https://example.com/{'a' * 2048}",
        f"https://{'a' * 64}.example.com/",
        "https://\ud800.example/",
    ],
)
def test_what_is_no_web_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        check_public_url(url, field="endpoint")
    assert caught.value.field == "endpoint"
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "app.localhost",
        "printer.local",
        "db.internal",
        "router.home.arpa",
        "intranet",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "10.0.0.1",
        "[::1]",
        "[::ffff:192.168.0.1]",
        "169.254.169.254",
        "①⑦②.16.0.1",
    ],
)
def test_an_address_inside_a_private_network_is_refused(host: str) -> None:
    with pytest.raises(PrivateAddressError):
        check_public_url(f"https://{host}/")


def test_a_name_that_can_not_be_looked_up_is_let_through() -> None:
    assert check_public_url("https://nowhere.invalid/x") == "https://nowhere.invalid/x"


def test_a_local_name_is_taken_where_its_network_is_allowed(settings: Settings) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]
    assert check_public_url("https://localhost:8443/x") == "https://localhost:8443/x"


def test_plain_http_is_taken_where_the_caller_says_so() -> None:
    assert check_public_url("http://1.1.1.1:80/x", schemes=("https", "http")) == "http://1.1.1.1/x"
