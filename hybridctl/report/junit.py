"""The report of `verify` as JUnit XML, which every CI server shows: a suite a host, a case a check."""

import xml.etree.ElementTree as ET

from hybridctl.checks import Verdict
from hybridctl.checks.wording import Wording, wording_in
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["verify_junit"]


def verify_junit(verification: Verification) -> str:
    """Return the XML: FAIL is a failure; UNKNOWN and an unreachable host are errors, and never taken for passed."""
    root = ET.Element("testsuites", name=f"hybridctl verify {verification.site}")
    for host in verification.hosts:
        started = verification.started.isoformat(timespec="seconds")
        root.append(_suite(host, started, wording_in(verification.lang)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(host: HostReport, started: str, wording: Wording) -> ET.Element:
    suite = ET.Element("testsuite", name=host.name, timestamp=started, time=str(host.seconds))
    ET.SubElement(ET.SubElement(suite, "properties"), "property", name="lab", value=str(host.lab).lower())
    for result in host.results:
        case = ET.SubElement(suite, "testcase", classname=f"{host.name}.{result.check}", name=result.name)
        measured = f"{wording.word('measured')} {result.measured} {wording.unit(result.unit)}"
        said = f"{measured}, {wording.word('expected')} {result.expected}\n-> {result.remedy}"
        if result.verdict is Verdict.FAIL:
            ET.SubElement(case, "failure", message=_clean(result.reason)).text = _clean(said)
        elif result.verdict is Verdict.UNKNOWN:
            ET.SubElement(case, "error", type="UNKNOWN", message=_clean(result.reason)).text = _clean(said)
        elif result.verdict is Verdict.WARN:
            ET.SubElement(case, "system-out").text = _clean(f"WARN: {result.reason}\n{said}")
    if host.state is HostState.UNREACHABLE:
        case = ET.SubElement(suite, "testcase", classname=f"{host.name}.reachable", name="reachable")
        ET.SubElement(case, "error", type="UNREACHABLE", message=_clean(host.reason))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    return suite


def _clean(text: str) -> str:
    """Leave out control characters, which XML cannot carry."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
