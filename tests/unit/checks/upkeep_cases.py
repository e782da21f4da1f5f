"""Cases of the host's upkeep."""

from check_cases import CHRONY, DEBIAN, DENIED, NOT_ALLOWED, NOT_THERE, SOCAT, TOO_SLOW, Cases, dpkg, openeuler

from hybridctl.checks.fake import Answered

READS = (
    "systemctl list-units",
    "find -H /run -maxdepth 1 -path",
    "needs-restarting --reboothint",
    "apt-config dump",
    "apt-get indextargets",
    "find /var/log/ /run/log/ -maxdepth 3 -name",
    "coredumpctl list",
    "find -H /var/crash -maxdepth 2 -path",
    "find -H /sys/fs/pstore /var/lib/systemd -maxdepth 4 -path",
)

_EULER = openeuler("22.03 (LTS-SP4)", "openEuler 22.03 (LTS-SP4)")
_NEEDED = "Core libraries or services have been updated since boot-up:\n  * kernel\n\nReboot is required.\n"
_NOT_NEEDED = "No core libraries or services have been updated since boot-up.\nReboot should not be necessary.\n"
_LIST = 'Unattended-Upgrade::Package-Blacklist "";\nUnattended-Upgrade::Package-Blacklist:: "cuda-";\n'
_CORE = "Sun 2026-11-29 03:12:09 UTC 812 998 998 SIGSEGV present /opt/vllm/venv/bin/python3.11 1.2G\n"
_FAILED = "vllm-probe.service loaded failed failed Ask vLLM for one token\n"
_JOURNAL = "/var/log/journal/0f1e2d3c4b5a69788796a5b4c3d2e1f0/system.journal\n"


def _off(load: str = "loaded", active: str = "inactive", file: str = "disabled") -> str:
    return f"LoadState={load}\nActiveState={active}\nUnitFileState={file}\n"


CASES: dict[str, Cases] = {
    "units.failed": Cases(
        {"value": 0},
        [{"systemctl show": "NFailedUnits=0\n"}],
        [
            {"systemctl show": "NFailedUnits=1\n", "systemctl list-units": _FAILED},
            {"systemctl show": "NFailedUnits=2\n", "systemctl list-units": NOT_THERE},
        ],
        [{"systemctl show": "NFailedUnits=\n"}, {"systemctl show": "Version=252\n"}, {"systemctl show": NOT_THERE}],
    ),
    "units.off": Cases(
        {"value": ["dnf-automatic.timer"]},
        [
            {"systemctl show": _off()},
            {"systemctl show": _off("not-found", file="")},
            {"systemctl show": _off("masked", file="masked")},
            {"systemctl show": _off(active="failed", file="static")},
        ],
        [
            {"systemctl show": _off(active="active")},
            {"systemctl show": _off(file="enabled")},
            {"systemctl show": _off(active="activating")},
            {"systemctl show": _off("masked", "active", "masked")},
        ],
        [{"systemctl show": "LoadState=loaded\n"}, {"systemctl show": Answered(1, "", "Failed to connect to bus")}],
    ),
    "os.reboot_pending": Cases(
        {"value": "no"},
        [
            {"os-release": DEBIAN, "find -H /run": "/run\n"},
            {"os-release": _EULER, "needs-restarting": _NOT_NEEDED},
        ],
        [
            {"os-release": DEBIAN, "find -H /run": "/run\n/run/reboot-required\n"},
            {"os-release": _EULER, "needs-restarting": Answered(1, _NEEDED)},
        ],
        [
            {"os-release": DEBIAN, "find -H /run": "/run/reboot-required\n"},
            {"os-release": DEBIAN, "find -H /run": DENIED},
            {"os-release": _EULER, "needs-restarting": Answered(1, "", "No such command: needs-restarting.\n")},
            {"os-release": _EULER, "needs-restarting": _NEEDED},
            {"os-release": _EULER, "needs-restarting": NOT_THERE},
        ],
    ),
    "packages.half_installed": Cases(
        {"value": 0},
        [{"dpkg-query": dpkg(CHRONY, SOCAT, ("old", "deinstall", "config-files", "1"))}],
        [
            {"dpkg-query": dpkg(CHRONY, ("socat", "install", "half-configured", "1"))},
            {"dpkg-query": dpkg(CHRONY, ("socat", "install", "unpacked", "1"))},
        ],
        [{"dpkg-query": "chrony installed\n"}, {"dpkg-query": dpkg(CHRONY)[:-1]}, {"dpkg-query": NOT_ALLOWED}],
    ),
    "packages.held_back": Cases(
        {"value": ["cuda-"]},
        [{"apt-config": _LIST}],
        [{"apt-config": _LIST.replace("cuda-", "cuda-12-2")}, {"apt-config": _LIST.split("\n", maxsplit=1)[0] + "\n"}],
        [{"apt-config": "cuda-\n"}, {"apt-config": NOT_THERE}],
    ),
    "packages.foreign_sources": Cases(
        {"value": 0},
        [
            {"indextargets": "http://mirror.site/debian\nhttp://mirror.site/debian\n"},
            {"indextargets": "http://mirror.site/\n"},
        ],
        [
            {"indextargets": "http://mirror.site/debian\nhttps://ppa.example/x\n"},
            {"indextargets": "http://mirror.site.example/debian\n"},
        ],
        [{"indextargets": "E: The list of sources could not be read.\n"}, {"indextargets": TOO_SLOW}],
    ),
    "journal.place": Cases(
        {"value": "on disk"},
        [{"find": _JOURNAL}, {"find": _JOURNAL + _JOURNAL.replace("/var/log", "/run/log")}],
        [{"find": _JOURNAL.replace("/var/log", "/run/log")}],
        [{"find": "system.journal\n"}, {"find": DENIED}],
    ),
    "crash.cores": Cases(
        {"value": 0},
        [{"coredumpctl": Answered(1, "", "No coredumps found.\n")}],
        [{"coredumpctl": _CORE}, {"coredumpctl": _CORE * 3}],
        [
            {"coredumpctl": Answered(1, "", "Failed to open journal: Permission denied\n")},
            {"coredumpctl": Answered(1, _CORE, "No coredumps found.\n")},
            {"coredumpctl": "No coredumps found.\n"},
            {"coredumpctl": NOT_THERE},
        ],
    ),
    "crash.files": Cases(
        {"value": 0},
        [{"/var/crash": "/var/crash\n"}],
        [
            {"/var/crash": "/var/crash\n/var/crash/127.0.0.1-2026-11-29-03:12:09/vmcore\n"},
            {"/var/crash": "/var/crash\n/var/crash/_usr_bin_python3.0.crash\n"},
        ],
        [{"/var/crash": Answered(1, "", "find: '/var/crash': No such file or directory")}, {"/var/crash": "vmcore\n"}],
    ),
    "crash.pstore": Cases(
        {"value": 0},
        [{"/sys/fs/pstore": "/sys/fs/pstore\n"}],
        [
            {"/sys/fs/pstore": "/sys/fs/pstore\n/sys/fs/pstore/dmesg-erst-7289\n"},
            {"/sys/fs/pstore": "/sys/fs/pstore\n/var/lib/systemd/pstore/7289/001/dmesg.txt\n"},
        ],
        [{"/sys/fs/pstore": DENIED}, {"/sys/fs/pstore": "/sys/fs/pstore/dmesg-erst-7289\n"}],
    ),
}
