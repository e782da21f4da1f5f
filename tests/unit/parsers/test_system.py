"""The operating system: modules, processors, memory, firmware, packages, clock, BMC."""

import pytest
from forms import DMI, LSCPU, NUMACTL
from recordings import text_of

from hybridctl.parsers import Unreadable
from hybridctl.parsers.dmidecode import memory_modules, read_dmidecode
from hybridctl.parsers.ipmi_sel import read_sel
from hybridctl.parsers.kernel import parse_cmdline, parse_release, parse_sysctl
from hybridctl.parsers.kernel_modules import Module, read_lsmod, read_modinfo
from hybridctl.parsers.lscpu import implementer_of, model_of, number_of, online_of, parse_lscpu
from hybridctl.parsers.meminfo import parse_meminfo
from hybridctl.parsers.numactl import read_hardware
from hybridctl.parsers.os_release import distribution_of, parse_os_release, service_pack_of
from hybridctl.parsers.packages import parse_dpkg_query, parse_rpm_query
from hybridctl.parsers.systemctl import parse_show
from hybridctl.parsers.time_sync import read_timedatectl, read_tracking


def test_lsmod() -> None:
    """Modules with their users, and some that devices use."""
    modules = read_lsmod(text_of("os/lsmod-centos7.txt"))
    assert len(modules) == 98
    assert modules["llc"] == Module("llc", 14552, 2, ("stp", "bridge"))
    assert modules["xt_conntrack"] == Module("xt_conntrack", 12760, 22, ())
    assert modules["dm_mod"] == Module("dm_mod", 124501, 8, ("dm_log", "dm_mirror"))
    assert "nouveau" not in modules
    with pytest.raises(Unreadable, match="it is no line of a module"):
        read_lsmod("Module Size Used by\nhisi_sec2 many 0\n")


def test_modinfo() -> None:
    """Fields that come once and many times."""
    text = (
        "filename:       /lib/modules/x/hisi_sec2.ko\nversion:        1.3.14\n"
        "parm:           uacce_mode:int\nparm:           pf_q_num:int\n"
    )
    found = read_modinfo(text)
    assert (found["version"], len(found["parm"])) == (("1.3.14",), 2)
    with pytest.raises(Unreadable, match="Module nosuch not found"):
        read_modinfo("modinfo: ERROR: Module nosuch not found.\n")


def test_os_release() -> None:
    """A real Ubuntu; and openEuler, which has its service pack in two places only, whatever ID says."""
    release = parse_os_release(text_of("os/os-release-ubuntu-22.04.5.txt"))
    assert (distribution_of(release), release["VERSION_ID"], release["ID_LIKE"]) == ("Ubuntu", "22.04", "debian")
    text = 'NAME="openEuler"\nVERSION="22.03 (LTS-SP4)"\nID=centos\nPRETTY_NAME="openEuler 22.03 (LTS-SP4)"\n'
    assert (distribution_of(parse_os_release(text)), service_pack_of(parse_os_release(text))) == (
        "openEuler",
        "LTS-SP4",
    )
    for bad in (text.replace("SP4)", "SP3)", 1), 'NAME="openEuler"\n'):
        with pytest.raises(Unreadable, match="service pack"):
            service_pack_of(parse_os_release(bad))
    # Cut in the middle of its number the version is not another one.
    assert "VERSION_ID" not in parse_os_release("NAME=openEuler\nVERSION_ID=22.0")


def test_lscpu() -> None:
    """Lists of CPUs; what is said twice has no value; a cut count is not a smaller one."""
    cpu = parse_lscpu(LSCPU)
    assert (number_of(cpu, "CPU(s)"), online_of(cpu), model_of(cpu)) == (128, 65, "Kunpeng-920")
    with pytest.raises(Unreadable, match=r"Socket\(s\): \(nothing\)"):
        number_of(parse_lscpu(LSCPU + "Socket(s): 1\n"), "Socket(s)")
    for bad in (LSCPU[:-2], "架构：aarch64\n", "lscpu: failed\n"):  # a host in Chinese
        with pytest.raises(Unreadable):
            parse_lscpu(bad)
    assert implementer_of("processor\t: 0\nCPU implementer\t: 0x48\n") == "0x48"
    with pytest.raises(Unreadable):
        implementer_of("CPU implementer\t: 0x48\nCPU implementer\t: 0x41\n")
    with pytest.raises(Unreadable):
        implementer_of("CPU implementer\t: 0x4")  # cut


def test_meminfo() -> None:
    """Bytes, and pages where there is no unit."""
    found = parse_meminfo("MemTotal:       528246540 kB\nHugePages_Total:       4\nHugepagesize:    2048 kB\n")
    assert found == {"MemTotal": 528246540 * 1024, "HugePages_Total": 4, "Hugepagesize": 2048 * 1024}
    for bad in ("MemTotal: 528246540 kB", "MemTotal: 512 GB\n", "MemTotal: 1 kB\nMemTotal: 2 kB\n"):
        with pytest.raises(Unreadable):
            parse_meminfo(bad)


def test_numactl() -> None:
    """Four nodes, one without memory, one without CPUs; distances that differ."""
    nodes = read_hardware(NUMACTL)
    assert [(node.cpus, node.memory) for node in nodes[1:3]] == [((2, 3), 0), ((), 128000)]
    assert nodes[1].distances == {0: 12, 1: 10, 2: 22, 3: 24}
    for end in range(len(NUMACTL) - 1):
        with pytest.raises(Unreadable):
            read_hardware(NUMACTL[:end])
    with pytest.raises(Unreadable):
        read_hardware("No NUMA support available on this system.\n")


def test_dmidecode() -> None:
    """The firmware's version, and the modules that are fitted."""
    structures = read_dmidecode(DMI)
    assert [(one.title, one.type) for one in structures] == [
        ("BIOS Information", 0),
        ("Memory Device", 17),
        ("Memory Device", 17),
    ]
    assert structures[0].said["Version"] == "1.75"
    (module,) = memory_modules(structures)
    assert (module.said["Locator"], module.size()) == ("DIMM000", 32 * 2**30)
    with pytest.raises(Unreadable, match="Size: Unknown"):
        memory_modules(read_dmidecode(DMI.replace("Size: 32 GB", "Size: Unknown")))
    for bad in ("/dev/mem: Permission denied\n", "# dmidecode 3.3\n# No SMBIOS nor DMI entry point found, sorry.\n"):
        with pytest.raises(Unreadable):
            read_dmidecode(bad)


def test_kernel() -> None:
    """Command line, release, settings."""
    line = 'root=/dev/sda2 iommu.passthrough=1 console=tty0 console=ttyAMA0,115200 dyndbg="a b" quiet\n'
    found = parse_cmdline(line)
    assert (found["iommu.passthrough"], found["console"]) == (("1",), ("tty0", "ttyAMA0,115200"))
    assert (found["quiet"], found["dyndbg"]) == (("",), ("a b",))
    assert parse_release("5.10.0-216.0.0.115.oe2203sp4.aarch64\n")[:2] == (5, 10)
    assert parse_sysctl("vm.nr_hugepages = 0\nnet.ipv4.tcp_rmem = 4096\t131072\t6291456\nkernel.x = \n") == {
        "vm.nr_hugepages": "0",
        "net.ipv4.tcp_rmem": "4096 131072 6291456",
        "kernel.x": "",
    }
    for read, bad in (
        (parse_cmdline, line.strip()),
        (parse_release, "Linux\n"),
        (parse_sysctl, "sysctl: cannot stat /proc/sys/vm/nosuch: No such file or directory\n"),
    ):
        with pytest.raises(Unreadable):
            read(bad)


def test_packages() -> None:
    """What is held, what is not installed, several of one."""
    assert parse_dpkg_query("socat\thold\tinstalled\t1.7.4.4-2\n") == {"socat": ("hold", "installed", "1.7.4.4-2")}
    assert parse_dpkg_query("") == {}
    kernels = "kernel\t0\t5.10.0-1\taarch64\nkernel\t0\t5.10.0-2\taarch64\n"
    rpm = kernels + "bind\t32\t9.16-1\taarch64\npackage x is not installed\n"
    assert parse_rpm_query(rpm) == {"kernel": ("5.10.0-1", "5.10.0-2"), "bind": ("32:9.16-1",), "x": ()}
    with pytest.raises(Unreadable):
        parse_dpkg_query("socat\thold\n")
    for bad in ("error: rpmdb\n", "a\t0\t1"):
        with pytest.raises(Unreadable):
            parse_rpm_query(bad)


def test_units_and_clock() -> None:
    """Properties that were asked for; a clock that follows nobody."""
    assert parse_show("LoadState=loaded\nExecStart={ a=b }\n", ("LoadState",))["ExecStart"] == "{ a=b }"
    with pytest.raises(Unreadable, match="printed no ActiveState"):
        parse_show("LoadState=loaded\n", ("LoadState", "ActiveState"))
    assert read_timedatectl("Timezone=Asia/Shanghai\nNTPSynchronized=yes\n")["NTPSynchronized"] is True
    line = "C0A80001,192.168.0.1,3,1700000000.1,-0.000012,0.00001,0.00002,1.5,0.001,0.01,0.02,0.03,64.2,Normal\n"
    tracking = read_tracking(line)
    assert (tracking.reference, tracking.stratum, tracking.offset) == ("192.168.0.1", 3, -0.000012)
    assert tracking.is_synchronised
    nobody = read_tracking(line.replace("192.168.0.1,3", ",0").replace("Normal", "Not synchronised"))
    assert not nobody.is_synchronised
    for bad in ("506 Cannot talk to daemon\n", line.strip()):
        with pytest.raises(Unreadable):
            read_tracking(bad)
    with pytest.raises(Unreadable):
        read_timedatectl("Timezone=Asia/Shanghai\n")


def test_events_of_the_bmc() -> None:
    """Hexadecimal records, and a column that only some have."""
    text = (
        "   9 | 05/12/2024 | 10:11:12 | Memory #0x53 | Correctable ECC | Asserted\n"
        "   a | 05/12/2024 | 10:11:13 | Memory #0x53 | Uncorrectable ECC | Deasserted | DIMM000\n"
    )
    events = read_sel(text)
    assert [(one.record, one.event, one.is_asserted, one.detail) for one in events] == [
        (9, "Correctable ECC", True, ""),
        (10, "Uncorrectable ECC", False, "DIMM000"),
    ]
    assert read_sel("SEL has no entries\n") == ()
    with pytest.raises(Unreadable, match="Could not open device"):
        read_sel("Could not open device at /dev/ipmi0: No such file or directory\n")
