"""Cases of logins over SSH."""

from check_cases import NOT_THERE, Cases

from hybridctl.checks.fake import Answered

READS = ("/usr/sbin/sshd -T",)

_SSHD = (
    "port 22\naddressfamily any\npermitrootlogin without-password\npubkeyauthentication yes\n"
    "passwordauthentication no\nkbdinteractiveauthentication no\nsubsystem sftp /usr/lib/openssh/sftp-server\n"
)
_NO_KEYS = Answered(1, "", "sshd: no hostkeys available -- exiting.\n")

CASES: dict[str, Cases] = {
    "ssh.password_login": Cases(
        {"value": "no"},
        [{"sshd": _SSHD}],
        [
            {"sshd": _SSHD.replace("passwordauthentication no", "passwordauthentication yes")},
            {"sshd": _SSHD.replace("kbdinteractiveauthentication no", "kbdinteractiveauthentication yes")},
            {"sshd": _SSHD.replace("kbdinteractiveauthentication no", "challengeresponseauthentication yes")},
        ],
        [{"sshd": _NO_KEYS}, {"sshd": _SSHD.replace("passwordauthentication no\n", "")}, {"sshd": _SSHD[:-3]}],
    ),
    "ssh.root_login": Cases(
        {"any_of": ["no", "prohibit-password"]},
        [{"sshd": _SSHD}, {"sshd": _SSHD.replace("without-password", "no")}],
        [{"sshd": _SSHD.replace("without-password", "yes")}],
        [{"sshd": _SSHD.replace("permitrootlogin without-password\n", "")}, {"sshd": NOT_THERE}, {"sshd": "Port=22\n"}],
    ),
}
