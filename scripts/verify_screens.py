"""Take the pictures of docs/screens/verify-*.png: the page of a verification, light and dark.

Usage: python scripts/verify_screens.py     with .venv/bin and Chromium on PATH

Nothing is drawn by hand, and no host is contacted: the hosts are made up, and what they say is what the checks' own
test cases say (tests/unit/checks/*_cases.py). The real checks judge it by the reference profiles, and the page says so.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "tests" / "unit" / "checks")]

from all_cases import CASES
from browser import Browser, chromium
from check_cases import VARIABLES, Answers, drift_of
from verified_runs import FIRST, SECOND, recorded

from hybridctl.access import Access
from hybridctl.checks import Expectation, Result, Verdict
from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation
from hybridctl.comparing import compare_hosts
from hybridctl.evidence.answers import Answer
from hybridctl.profiles import Profile, load_profile
from hybridctl.report.verify_page import verify_page
from hybridctl.verification import HostReport, HostState, Target

SCREENS = ROOT / "docs" / "screens"
SITE = "made-up hosts that answer from the test cases"
PLAN = {
    "cpu": "kunpeng-920-reference",
    "gpu": "a100-2x80g-reference",
    "sxm": "h200-8x141g-sxm",
    "gw": "debian-12-gateway",
}
LAB = "lab-worker"
# Which kind of case a check that goes wrong is given, as often as it stands here.
WRONG = ("fails", "fails", "fails", "unknown", "warns")


@dataclass(frozen=True)
class Told:
    """What came of one check: its results, and what it asked with the answers."""

    results: tuple[Result, ...]
    answers: dict[str, Answer]


def fleet(count: int) -> dict[str, str]:
    """Return so many hosts with their profiles: two gateways, one of a lab, and of the others half without a GPU."""
    workers = count - 3
    share = {"gw": 2, "sxm": workers // 5, "gpu": workers // 3, "cpu": workers - workers // 5 - workers // 3}
    width = max(2, len(str(max(share.values()))))
    hosts = {f"{kind}{n:0{width}}": PLAN[kind] for kind, many in share.items() for n in range(1, many + 1)}
    return {**hosts, "lab1": LAB}


def judge(
    hosts: dict[str, str], seed: int, wrong: float
) -> tuple[tuple[HostReport, ...], dict[str, dict[str, Answer]]]:
    """Judge the hosts.

    Args:
        wrong: share of the checks that meet a host which is not right; on a third of the hosts only.
    """
    dice = random.Random(seed)  # noqa: S311 - the same picture every time
    reports, evidence = [], {}
    for number, (name, profile) in enumerate(hosts.items()):
        if number % 240 == 12:
            reports.append(HostReport(name, HostState.UNREACHABLE, profile, reason="ssh: connect: No route to host"))
            continue
        ill = dice.random() < 1 / 3
        told = [one_of(profile, check, dice if ill and dice.random() < wrong else None) for check in known(profile)]
        named = (replace(r, remedy=r.remedy.replace("{host}", name)) for one in told for r in one.results)
        reports.append(HostReport(name, HostState.JUDGED, profile, profile == LAB, "", tuple(named), 0.9))
        # Each case is a host of its own: where two answer the same command, what is not right is kept.
        for one in sorted(told, key=lambda one: any(r.verdict is not Verdict.PASS for r in one.results)):
            evidence.setdefault(name, {}).update(one.answers)
    targets = [Target(name, load(profile), Access()) for name, profile in hosts.items()]
    by_name = {report.name: report for report in reports}
    compared = compare_hosts(targets, by_name, Counter(hosts.values()), lambda _host, result: result, str)
    return tuple(compared.values()), evidence


def one_of(profile: str, check: str, dice: random.Random | None) -> Told:
    """Judge a check on a host that is right, or on one of those that are not."""
    if dice is None:
        return told_by(profile, check, "passes", 0)
    kind = dice.choice([kind for kind in WRONG if getattr(CASES[check], kind)])
    return told_by(profile, check, kind, dice.randrange(len(getattr(CASES[check], kind))))


@cache
def told_by(profile: str, check: str, kind: str, number: int) -> Told:
    """Judge a case by the profile, or as the case itself expects where the profile asks for other hardware."""
    answers: Answers = getattr(CASES[check], kind)[number]
    asked = load(profile).expectations[check]
    earlier = {check: CASES[check].earlier} if CASES[check].earlier else {}
    for expectation in (asked, as_in_the_case(asked)):
        host = FakeHost(answers)
        results = judge_expectation(host, expectation, VARIABLES, earlier, drift_of(answers))
        good = CASES[check].passes[0]
        right = judge_expectation(FakeHost(good), expectation, VARIABLES, earlier, drift_of(good))
        if all(result.verdict is Verdict.PASS for result in right):
            break
    said = {line: FakeHost(answers).run(line) for line in host.asked}
    commands = tuple(dict.fromkeys(host.asked))
    noted = (r if r.verdict is Verdict.PASS else replace(r, commands=commands) for r in results)
    return Told(
        tuple(noted),
        {line: Answer(a.rc, a.stdout.encode("utf-8", "replace"), a.stderr.encode()) for line, a in said.items()},
    )


def as_in_the_case(asked: Expectation) -> Expectation:
    """Return the expectation with what the case wants."""
    given = dict(CASES[asked.check].expect)
    tolerance = given.pop("tolerance", 0.0)
    ((form, wanted),) = given.items()
    wanted = tuple(wanted) if isinstance(wanted, list) else wanted
    return replace(asked, form=form, wanted=wanted, tolerance=tolerance, later="")


@cache
def load(profile: str) -> Profile:
    """Return a profile."""
    return load_profile(profile)


@cache
def known(profile: str) -> list[str]:
    """Return the checks of a profile that have cases."""
    return [check for check in load(profile).expectations if check in CASES]


def pages(folder: Path) -> Iterator[tuple[str, Path]]:
    """Write the pages and yield them with their names: a small site and one of 500 hosts, each with a run before."""
    for name, count in (("fleet", 20), ("500", 500)):
        hosts = fleet(count)
        runs = folder / name
        recorded(runs, *judge(hosts, 1, 0.03)[0], id_=FIRST, site=SITE, who="operator")
        reports, evidence = judge(hosts, 2, 0.06)
        run = recorded(runs, *reports, id_=SECOND, evidence=evidence, site=SITE, who="operator")
        path = folder / f"{name}.html"
        path.write_text(verify_page(run), encoding="utf-8")
        print(f"{name}: {sum(len(r.results) for r in reports)} results, {path.stat().st_size / 1e6:.1f} MB", flush=True)
        yield name, path


def take(browser: Browser, name: str) -> None:
    """Take a picture of what is seen."""
    path = SCREENS / f"verify-{name}.png"
    browser.picture(path)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB", flush=True)


def main() -> None:
    """Take all pictures."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, page in pages(Path(folder)):
            for dark in (False, True):
                scheme = "dark" if dark else "light"
                browser.open(page, dark=dark, width=1400, height=1300)
                take(browser, f"{name}-{scheme}")
                if name == "fleet":
                    browser.click("#grid td.bad")
                    take(browser, f"detail-{scheme}")


if __name__ == "__main__":
    main()
