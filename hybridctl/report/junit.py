"""The report of `verify` as JUnit XML, which every CI server shows: a suite a host, a case a check."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace

from hybridctl.baselines import Against
from hybridctl.checks import Verdict
from hybridctl.checks.wording import Wording, wording_in
from hybridctl.report.lines import said
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["verify_junit"]


def verify_junit(verification: Verification, against: Against | None = None) -> str:
    """Return the XML: FAIL is a failure; UNKNOWN and an unreachable host are errors, and never taken for passed.

    WAIVED is skipped, with a message: every CI server counts and shows these beside what passed and what failed.
    Held against a baseline, it has what changed or flaps, and one case that counts the rest.
    """
    root = ET.Element("testsuites", name=f"hybridctl verify {verification.site}")
    started, wording = verification.started.isoformat(timespec="seconds"), wording_in(verification.lang)
    if against is not None:
        root.append(_unchanged(against, started))
    for host in verification.hosts if against is None else _changed(verification, against):
        root.append(_suite(host, started, wording))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _changed(verification: Verification, against: Against) -> Iterator[HostReport]:
    """Yield the hosts of which there is something to show, each with only that."""
    wanted = {change.name for change in against.comparison.changes} | {one.name for one in against.flapping}
    for host in verification.hosts:
        is_lost = host.state is not HostState.JUDGED and (host.name, "", "") in wanted
        results = tuple(one for one in host.results if is_lost or (host.name, one.check, one.subject) in wanted)
        if results or is_lost:
            yield replace(host, results=results)


def _unchanged(against: Against, started: str) -> ET.Element:
    """Return a suite that is never empty: a report without a case is an error to some CI servers."""
    suite = ET.Element("testsuite", name=f"as in {against.run}", timestamp=started, tests="1", failures="0", errors="0")
    comparison = against.comparison
    name = f"{comparison.same} results as before, {comparison.moved} numbers moved within what is expected"
    ET.SubElement(suite, "testcase", classname="baseline", name=name)
    return suite


def _suite(host: HostReport, started: str, wording: Wording) -> ET.Element:
    suite = ET.Element("testsuite", name=host.name, timestamp=started, time=str(host.seconds))
    ET.SubElement(ET.SubElement(suite, "properties"), "property", name="lab", value=str(host.lab).lower())
    for result in host.results:
        case = ET.SubElement(suite, "testcase", classname=f"{host.name}.{result.check}", name=result.name)
        text = _clean(f"{said(result, wording)}\n-> {result.remedy}")
        if result.verdict is Verdict.FAIL:
            ET.SubElement(case, "failure", message=_clean(result.reason)).text = text
        elif result.verdict is Verdict.UNKNOWN:
            ET.SubElement(case, "error", type="UNKNOWN", message=_clean(result.reason)).text = text
        elif result.verdict is Verdict.WAIVED:
            ET.SubElement(case, "skipped", message=_clean(f"WAIVED: {result.reason}")).text = text
        elif result.verdict is Verdict.WARN:
            ET.SubElement(case, "system-out").text = f"WARN: {text}"
    if host.state is HostState.UNREACHABLE:
        case = ET.SubElement(suite, "testcase", classname=f"{host.name}.reachable", name="reachable")
        ET.SubElement(case, "error", type="UNREACHABLE", message=_clean(host.reason))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return suite


def _clean(text: str) -> str:
    """Leave out control characters, which XML cannot carry."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
