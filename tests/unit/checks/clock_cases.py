"""Cases of the clock."""

from check_cases import NOT_THERE, TOO_SLOW, Cases

from hybridctl.checks.fake import Answered

READS = ("timedatectl show", "chronyc -c tracking", "chronyc -n -c sources")

_TIME = "Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized=yes\n"


def _tracking(offset: str = "0.000012", leap: str = "Normal") -> str:
    rest = "-0.000004,0.00002,-1.5,0.001,0.02,0.004,0.001,64.2"
    return f"0A000001,10.0.0.1,3,1764489600.123456789,{offset},{rest},{leap}\n"


_GOOD = "^,*,10.0.0.1,2,6,377,34,0.000012,0.000013,0.000123\n"
_ALSO = "^,+,10.0.0.2,2,6,377,33,-0.00004,-0.00004,0.0002\n"
_LOST = "^,?,10.0.0.3,0,6,0,4294967295,0.0,0.0,0.0\n"

CASES: dict[str, Cases] = {
    "time.synchronised": Cases(
        {"value": "yes"},
        [{"timedatectl": _TIME}],
        [{"timedatectl": _TIME.replace("NTPSynchronized=yes", "NTPSynchronized=no")}],
        [{"timedatectl": "Timezone=Etc/UTC\n"}, {"timedatectl": Answered(1, "", "Failed to query server")}],
    ),
    "time.zone": Cases(
        {"any_of": ["UTC", "Etc/UTC"]},
        [{"timedatectl": _TIME}, {"timedatectl": _TIME.replace("Etc/UTC", "UTC")}],
        [{"timedatectl": _TIME.replace("Etc/UTC", "Asia/Shanghai")}],
        [{"timedatectl": _TIME.replace("Timezone=Etc/UTC\n", "")}, {"timedatectl": NOT_THERE}],
    ),
    "time.rtc": Cases(
        {"value": "UTC"},
        [{"timedatectl": _TIME}],
        [{"timedatectl": _TIME.replace("LocalRTC=no", "LocalRTC=yes")}],
        [{"timedatectl": _TIME.replace("LocalRTC=no\n", "")}, {"timedatectl": TOO_SLOW}],
    ),
    "time.offset": Cases(
        {"at_most": 10},
        [{"tracking": _tracking()}, {"tracking": _tracking("-0.009")}],
        [
            {"tracking": _tracking("0.0101")},
            {"tracking": _tracking("-1.5")},
            {"tracking": _tracking("0", "Not synchronised")},
        ],
        [{"tracking": _tracking()[:40]}, {"tracking": Answered(1, "506 Cannot talk to daemon\n")}],
    ),
    "time.sources": Cases(
        {"at_least": 2},
        [{"sources": _GOOD + _ALSO + _LOST}],
        [{"sources": _GOOD + _LOST}, {"sources": _LOST}],
        [{"sources": "^* 10.0.0.1 2 6 377\n"}, {"sources": _GOOD + _ALSO[:-9]}, {"sources": NOT_THERE}],
    ),
}
