"""Test files as users of testinfra write them, after its documentation: with modules, fixtures, parameters, classes.

Each has one test that must fail, so that a run that judges nothing is seen.
"""

FILES = {
    "test_myinfra.py": """\
def test_passwd_file(host):
    passwd = host.file("/etc/passwd")
    assert passwd.contains("root")
    assert passwd.user == "root"
    assert passwd.group == "root"
    assert passwd.mode == 0o644


def test_ssh_is_running_and_enabled(host):
    ssh = host.service("ssh")
    assert ssh.is_running
    assert ssh.is_enabled


def test_sudo_package_of_the_wrong_version(host):
    assert host.package("sudo").is_installed
    assert host.package("sudo").version.startswith("0.")
""",
    "test_parameters.py": """\
import pytest


@pytest.fixture(scope="module")
def release(host):
    return dict(line.split("=", 1) for line in host.check_output("cat /etc/os-release").splitlines())


@pytest.fixture
def root(host):
    return host.user("root")


def test_fixtures(host, release, root):
    assert release["ID"] == host.system_info.distribution
    assert root.home == "/root"
    assert root.shell


@pytest.mark.parametrize("name", ["bash", "openssh-server", "nosuch-package"])
def test_packages(host, name):
    assert host.package(name).is_installed


@pytest.mark.parametrize("path,kind", [("/etc", "directory"), ("/etc/hostname", "file"), ("/dev/null", "pipe")])
def test_kinds(host, path, kind):
    assert getattr(host.file(path), f"is_{kind}")
""",
    "test_commands.py": """\
import pytest


class TestCommands:
    def test_statuses(self, host):
        assert host.run("exit 42").rc == 42
        assert host.run("echo a; echo b >&2").stderr == "b\\n"
        assert host.run("printf '\\\\377'").stdout_bytes == b"\\xff"

    def test_depending(self, host):
        kernel = host.check_output("uname -r")
        assert host.check_output("echo %s", kernel) == kernel

    def test_another_user(self, host):
        with host.sudo("nobody"):
            assert host.check_output("id -un") == "nobody"
        assert host.check_output("id -un") == "root"

    @pytest.mark.skip(reason="not here")
    def test_skipped(self, host):
        assert host.run("touch /must-not-be-run").rc == 0


def test_what_fails(host):
    host.run_expect([0], "ls /nosuch")


def test_ansible_is_for_another_backend(host):
    with pytest.raises(RuntimeError, match="only available with ansible"):
        host.ansible("ping")
""",
}
