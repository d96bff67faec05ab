import os
import socket
from pathlib import Path

import pytest

from pfs_notice.supervisor import broker, ports


@pytest.mark.parametrize("given", ["", "0", "65536", "-1", "8000a", "eight", "٨٠٠٠", "80.5"])
def test_what_is_no_port_is_refused(given: str) -> None:
    with pytest.raises(ports.StartError, match="from 1 to 65535"):
        ports.read_port(given)


def test_a_port_is_read() -> None:
    assert ports.read_port("8000") == 8000


def test_a_free_port_is_free() -> None:
    ports.assure_free("127.0.0.1", ports.free_port())


def test_a_port_in_use_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ports.StartError, match=rf"Port {port} .*in use.*PORT=\d+ script/server"):
            ports.assure_free("127.0.0.1", port)


def test_a_host_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(ports.StartError, match="can't be used"):
        ports.assure_free("999.999.999.999", 8000)


def test_a_folder_is_taken_once(tmp_path: Path) -> None:
    held = ports.lock(tmp_path)
    with pytest.raises(ports.StartError, match=f"running on {tmp_path} already .process {os.getpid()}."):
        ports.lock(tmp_path)
    os.close(held)


def test_a_folder_that_was_left_can_be_taken_again(tmp_path: Path) -> None:
    os.close(ports.lock(tmp_path))
    os.close(ports.lock(tmp_path))


def test_there_is_a_broker_among_the_requirements() -> None:
    program = broker.find_program()
    assert program is not None
    assert os.access(program, os.X_OK)


def test_the_socket_of_a_short_path_lies_in_the_folder(tmp_path: Path) -> None:
    assert broker.socket_path(Path("/srv/var")) == Path("/srv/var/broker.sock")


def test_two_long_paths_have_two_sockets(tmp_path: Path) -> None:
    one, two = (broker.socket_path(tmp_path / ("long" * 40) / name) for name in "12")
    assert one != two


def test_the_socket_of_a_long_path_lies_where_only_the_user_can_go(tmp_path: Path) -> None:
    var = tmp_path / ("long" * 40)
    broker.command("valkey-server", var)
    folder = broker.socket_path(var).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()


@pytest.mark.parametrize("host", [".".join("0000"), "::", "192.0.2.7", "notice.lan"])
def test_plain_http_for_other_machines_is_warned_of(host: str) -> None:
    assert "no TLS" in ports.warn_of_plain_http(host, "http://localhost:8000")
    assert ports.warn_of_plain_http(host, "https://notice.example.org") == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_plain_http_on_this_machine_is_not(host: str) -> None:
    assert ports.warn_of_plain_http(host, "http://localhost:8000") == ""
