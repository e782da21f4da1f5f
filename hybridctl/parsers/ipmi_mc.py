"""`ipmitool mc info`: the board's management controller (BMC)."""

import re

from hybridctl.parsers._text import key_values, whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "read_firmware"]

UNPROVEN = "ipmitool mc info of a Kunpeng board"


def read_firmware(text: str) -> float:
    """Return the revision of the BMC's firmware, such as 3.65.

    Raises:
        Unreadable: the BMC does not answer, or its revision has another form.
    """
    tool = "ipmitool mc info"
    lines = whole_lines(tool, text)
    revision = key_values(tool, (line for line in lines if line.startswith("Firmware Revision"))).get(
        "Firmware Revision", ""
    )
    if not re.fullmatch(r"\d{1,3}\.\d{1,3}", revision, re.ASCII):
        raise Unreadable(tool, revision or lines[0], "no 'Firmware Revision : N.NN'")
    return float(revision)
