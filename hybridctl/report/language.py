"""A verification in the language of who reads it: remedies first of all; ids, verdicts and numbers are the same."""

from dataclasses import replace

from hybridctl.checks.wording import wording_in
from hybridctl.verification import Verification

__all__ = ["in_language"]


def in_language(verification: Verification, lang: str) -> Verification:
    """Return an English verification in one of the wording's LANGUAGES."""
    wording = wording_in(lang)
    hosts = (replace(host, results=tuple(map(wording.result, host.results))) for host in verification.hosts)
    return replace(verification, hosts=tuple(hosts), lang=lang)
