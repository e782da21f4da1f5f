"""Sockets of ssh fit below the folder for temporary files, or go elsewhere."""

import socket
import tempfile
from pathlib import Path

import pytest

from hybridctl.temporary import short_temporary


@pytest.mark.parametrize("length", [20, 29, 30, 31, 49, 90])
def test_a_socket_as_ssh_names_it_can_be_opened(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """%C has 40 letters, and ssh opens it under a name that is 17 longer."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as root:
        base = f"{root}/".ljust(length, "x")
        Path(base).mkdir(exist_ok=True)
        monkeypatch.setattr(tempfile, "tempdir", base)
        folder = short_temporary()
        assert str(folder) == (base if len(base) <= 30 else "/tmp")
        with (
            tempfile.TemporaryDirectory(prefix="hybridctl-", dir=folder) as place,
            socket.socket(socket.AF_UNIX) as one,
        ):
            one.bind(f"{place}/{'c' * 40}.{'x' * 16}")
