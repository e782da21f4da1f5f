"""Cases of the running kernel."""

from check_cases import DENIED, NOT_ALLOWED, NOT_THERE, TOO_SLOW, Cases

from hybridctl.checks.fake import Answered

READS = ("find /lib/modules/ -mindepth 1 -maxdepth 1 -printf", "od --address-radix", "sysctl --", "getenforce")

_RELEASE = "5.10.0-136.12.0.86.oe2203sp1.aarch64\n"
_TAINTED = "/proc/sys/kernel/tainted"
_SYSCTL = "vm.swappiness = 10\nnet.ipv4.tcp_rmem = 4096\t131072\t6291456\n"
_NO_KEY = Answered(
    255, "net.ipv4.tcp_rmem = 4096\t131072\t6291456\n", "sysctl: cannot stat /proc/sys/vm/swappiness: No such file\n"
)
_PROFILES = "/usr/sbin/chronyd (enforce)\nnvidia_modprobe (complain)\nsnap.a//null-/bin/sh (enforce)\n"

CASES: dict[str, Cases] = {
    "kernel.release": Cases(
        {"any_of": ["5.10", "5.15"]},
        [{"uname -r": _RELEASE}, {"uname -r": "5.15.0-94-generic\n"}],
        [{"uname -r": "5.1.10-generic\n"}, {"uname -r": "6.8.0-45-generic\n"}],
        [{"uname -r": "Linux\n"}, {"uname -r": NOT_ALLOWED}],
    ),
    "kernel.modules_on_disk": Cases(
        {"value": "on disk"},
        [{"uname -r": _RELEASE, "/lib/modules/": f"5.10.0-60.18.0.50.oe2203.aarch64\n{_RELEASE}"}],
        [{"uname -r": _RELEASE, "/lib/modules/": "5.10.0-60.18.0.50.oe2203.aarch64\n"}],
        [{"uname -r": _RELEASE, "/lib/modules/": ""}, {"uname -r": _RELEASE, "/lib/modules/": "a b\n"}, {"uname": "x"}],
    ),
    "kernel.tainted": Cases(
        {"value": 0},
        [{_TAINTED: "0\n"}, {_TAINTED: "12289\n"}, {_TAINTED: "512\n"}],  # modules from outside; a warning
        [{_TAINTED: "128\n"}, {_TAINTED: "12305\n"}, {_TAINTED: str(2**14)}],
        [{_TAINTED: "none\n"}, {_TAINTED: DENIED}, {_TAINTED: "0x80\n"}],
    ),
    "kernel.warned": Cases(
        {"value": "no"},
        [{_TAINTED: "0\n"}, {_TAINTED: "12289\n"}],
        [{_TAINTED: "512\n"}, {_TAINTED: "12801\n"}],
        [{_TAINTED: "W\n"}, {_TAINTED: TOO_SLOW}],
    ),
    "kernel.secure_boot": Cases(
        {"value": "off"},
        [{"SecureBoot": "   6   0   0   0   0\n"}, {"SecureBoot": "  22   0   0   0   0\n"}],
        [{"SecureBoot": "   6   0   0   0   1\n"}],
        [{"SecureBoot": "   6   0   0   0\n"}, {"SecureBoot": "   6   0   0   0   7\n"}, {"SecureBoot": DENIED}],
    ),
    "kernel.sysctl": Cases(
        {"value": ["vm.swappiness=10", "net.ipv4.tcp_rmem=4096 131072 6291456"]},
        [{"sysctl": _SYSCTL}],
        [
            {"sysctl": _SYSCTL.replace("= 10", "= 60")},
            {"sysctl": _SYSCTL.replace("6291456", "629145")},
            {"sysctl": _NO_KEY},
            {"sysctl": Answered(1, _NO_KEY.stdout, _NO_KEY.stderr)},
        ],
        [
            {"sysctl": "vm.swappiness = 10\n"},
            {"sysctl": Answered(255, _SYSCTL, "")},
            {"sysctl": Answered(0, _NO_KEY.stdout, _NO_KEY.stderr)},
            {"sysctl": Answered(255, "", "sysctl: permission denied on key 'vm.swappiness'\n")},
            {"sysctl": NOT_THERE},
        ],
    ),
    "memory.swap": Cases(
        {"at_most": 0},
        [{"/proc/meminfo": "MemTotal:       528246540 kB\nSwapTotal:             0 kB\n"}],
        [{"/proc/meminfo": "MemTotal:       528246540 kB\nSwapTotal:       8388604 kB\n"}],
        [{"/proc/meminfo": "MemTotal:       528246540 kB\nSwapFree: 0 kB\n"}, {"/proc/meminfo": DENIED}],
    ),
    "security.access_control": Cases(
        {"value": "apparmor"},
        [{"/lsm": "lockdown,capability,landlock,yama,apparmor"}],
        [{"/lsm": "capability,yama,selinux\n"}, {"/lsm": "lockdown,capability,yama"}],
        [{"/lsm": "no modules\n"}, {"/lsm": DENIED}],
    ),
    "security.selinux": Cases(
        {"any_of": ["Enforcing", "Permissive"]},
        [{"getenforce": "Enforcing\n"}, {"getenforce": "Permissive\n"}],
        [{"getenforce": "Disabled\n"}],
        [{"getenforce": "1\n"}, {"getenforce": NOT_THERE}],
    ),
    "security.apparmor": Cases(
        {"at_least": 1},
        [{"apparmor/profiles": _PROFILES}],
        [{"apparmor/profiles": "nvidia_modprobe (complain)\n"}],
        [{"apparmor/profiles": f"{_PROFILES}/usr/bin/man\n"}, {"apparmor/profiles": DENIED}],
    ),
}
