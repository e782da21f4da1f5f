"""Cases of the board: firmware, BMC, memory modules and their errors, the kernel's words, what is set for the cores."""

from accelerator_cases import logged
from check_cases import CHINESE, CLUSTERS, DENIED, KUNPENG, NOT_THERE, TOO_SLOW, Answers, Cases

from hybridctl.checks.fake import Answered

FIRMWARE = "acpi\ndmi\nefi\nmemmap\n"


def mc_info(revision: str) -> str:
    """What a BMC says of itself."""
    return (
        "Device ID                 : 1\nDevice Revision           : 1\n"
        f"Firmware Revision         : {revision}\nIPMI Version              : 2.0\n"
    )


def sel(*events: str) -> str:
    """Events of a BMC."""
    return "".join(f"{n:4x} | 05/12/2026 | 10:11:{n:02} | {event}\n" for n, event in enumerate(events, start=9))


BOOTED = "System ACPI Power State #0x01 | S0/G0: working | Asserted"
ENDED = "Power Supply PS1 Status | Power Supply AC lost: Failure detected | Deasserted"
BROKEN = "Memory DIMM010 | Uncorrectable ECC | Asserted | DIMM010"


def module(place: str, size: str = "32 GB", kind: str = "DDR4", speed: str = "2933 MT/s", rated: str = "") -> str:
    """A memory module in dmidecode's form."""
    return (
        f"Handle 0x00{abs(hash_of(place)):02X}, DMI type 17, 84 bytes\nMemory Device\n\tTotal Width: 72 bits\n"
        f"\tSize: {size}\n\tForm Factor: DIMM\n\tLocator: DIMM{hash_of(place):03}\n\tBank Locator: {place}\n"
        f"\tType: {kind}\n\tType Detail: Synchronous Registered (Buffered)\n\tSpeed: {rated or speed}\n"
        f"\tConfigured Memory Speed: {speed}\n\n"
    )


def hash_of(place: str) -> int:
    """A number of a place that is the same in every run."""
    return sum(map(ord, place)) % 251


def array(correction: str, use: str = "System Memory") -> str:
    """A memory array in dmidecode's form."""
    return (
        "Handle 0x0007, DMI type 16, 23 bytes\nPhysical Memory Array\n\tLocation: System Board Or Motherboard\n"
        f"\tUse: {use}\n\tError Correction Type: {correction}\n\tMaximum Capacity: 2 TB\n\tNumber Of Devices: 16\n\n"
    )


PLACES = [f"SOCKET {socket} CHANNEL {channel} DIMM 0" for socket in range(2) for channel in range(8)]
HEAD = "# dmidecode 3.3\nGetting SMBIOS data from sysfs.\nSMBIOS 3.2.0 present.\n\n"
EMPTY = module("SOCKET 0 CHANNEL 0 DIMM 1", "No Module Installed", "Unknown", "Unknown")


def tables(*places: str, last: str = "", correction: str = "Multi-bit ECC") -> Answers:
    """A board with these modules, one free place, and a flash memory that has no error correction."""
    modules = "".join(module(place) for place in places or PLACES[:-1])
    return {
        "dmidecode": HEAD + array(correction) + array("None", "Flash Memory") + modules + EMPTY
        + (module(PLACES[-1]) if not places and not last else last)
    }  # fmt: skip


NO_TABLES: list[Answers] = [
    {"dmidecode": "/dev/mem: Permission denied\n"},
    {"dmidecode": "# dmidecode 3.3\n# No SMBIOS nor DMI entry point found, sorry.\n"},
    {"dmidecode": HEAD + array("Multi-bit ECC", "Flash Memory") + EMPTY},
    {"dmidecode": NOT_THERE},
]


def numa(*sizes: int) -> Answers:
    """Nodes in the form of numactl -H."""
    names = "".join(f"{n:4}" for n in range(len(sizes)))
    nodes = "".join(
        f"node {n} cpus: {2 * n} {2 * n + 1}\nnode {n} size: {size} MB\nnode {n} free: {size // 2} MB\n"
        for n, size in enumerate(sizes)
    )
    rows = "".join(f"{n:3}:" + "  10" * len(sizes) + " \n" for n in range(len(sizes)))
    return {
        "numactl": f"available: {len(sizes)} nodes (0-{len(sizes) - 1})\n{nodes}node distances:\nnode{names} \n{rows}"
    }


NO_NUMA: list[Answers] = [{"numactl": "No NUMA available on this system\n"}, {"numactl": TOO_SLOW}]


def edac(name: str, second: int | str) -> Answers:
    """A count of two memory controllers."""
    folder = "/sys/devices/system/edac/mc"
    return {f"/{name}": f"{folder}/mc0/{name}:0\n{folder}/mc1/{name}:{second}\n"}


def counted(name: str, limit: int) -> Cases:
    """The cases of a count of memory errors."""
    return Cases(
        {"at_most": limit},
        [edac(name, limit)],
        [edac(name, limit + 1)],
        [
            edac(name, "none"),
            {f"/{name}": "/sys/devices/system/edac/mc/mc0/size_mb:262144\n"},
            {f"/{name}": f"/sys/devices/system/edac/mc/mc0/{name}:0"},
            {f"/{name}": Answered(2, "", "grep: No such file or directory")},
        ],
    )


def meminfo(**said: int) -> Answers:
    """/proc/meminfo with these lines."""
    pages = "".join(f"{key}:{value:10}{'' if key.startswith('Huge') else ' kB'}\n" for key, value in said.items())
    return {"/proc/meminfo": f"MemTotal:       528246540 kB\n{pages}Hugepagesize:       2048 kB\n"}


def cmdline(*words: str) -> Answers:
    """/proc/cmdline."""
    return {"/proc/cmdline": " ".join(("BOOT_IMAGE=/vmlinuz-5.10.0", "root=/dev/sda2", "ro", *words, "quiet")) + "\n"}


CUT = {"/proc/cmdline": "BOOT_IMAGE=/vmlinuz-5.10.0 root=/dev/sda2 iommu.passthrough=1 pci=no"}
LAST_CUT = {"/proc/cmdline": DENIED}


def governors(odd: str = "performance") -> Answers:
    """The governor of eight CPUs."""
    folder = "/sys/devices/system/cpu"
    lines = (f"{folder}/cpu{n}/cpufreq/scaling_governor:{odd if n == 5 else 'performance'}\n" for n in range(8))
    return {"scaling_governor": "".join(lines)}


def vulnerable(*states: str) -> Answers:
    """What the kernel says of vulnerabilities."""
    names = ("meltdown", "spectre_v1", "spectre_v2", "mmio_stale_data")
    given = ("Not affected", "Mitigation: __user pointer sanitization", *states)
    folder = "/sys/devices/system/cpu/vulnerabilities"
    return {"/vulnerabilities/*": "".join(f"{folder}/{n}:{s}\n" for n, s in zip(names, given, strict=False))}


MITIGATED = "Mitigation: CSV2, BHB"

READS = (
    "ls /sys/firmware",
    "cat -- /sys/class/dmi/id/bios_version",
    "ipmitool mc info",
    "ipmitool sel elist",
    "dmidecode -t memory",
    "numactl -H",
    "grep -H . /sys/",
)

CASES: dict[str, Cases] = {
    "board.firmware_mode": Cases(
        {"value": "UEFI"},
        [{"ls /sys/firmware": FIRMWARE}],
        [{"ls /sys/firmware": FIRMWARE.replace("efi\n", "")}],
        [{"ls /sys/firmware": "efivars\n"}, {"ls /sys/firmware": TOO_SLOW}],
    ),
    "board.bios_version": Cases(
        {"at_least": 1.05},
        [{"bios_version": "1.05\n"}, {"bios_version": "1.75\n"}],
        [{"bios_version": "0.98\n"}],
        [{"bios_version": "F30\n"}, {"bios_version": "1.2.3\n"}, {"bios_version": DENIED}],
    ),
    "board.bmc_firmware": Cases(
        {"at_least": 3.65},
        [{"ipmitool mc info": mc_info("3.65")}],
        [{"ipmitool mc info": mc_info("3.18")}],
        [
            {"ipmitool mc info": mc_info("unknown")},
            {"ipmitool mc info": Answered(1, "", "Could not open device at /dev/ipmi0")},
            {"ipmitool mc info": NOT_THERE},
        ],
    ),
    "board.bmc_events": Cases(
        {"at_most": 0},
        [{"ipmitool sel": sel(BOOTED, ENDED)}, {"ipmitool sel": "SEL has no entries\n"}],
        [{"ipmitool sel": sel(BOOTED, BROKEN)}],
        [{"ipmitool sel": "Get SEL Info command failed\n"}, {"ipmitool sel": NOT_THERE}],
    ),
    "board.machine_checks": logged(
        "mce: [Hardware Error]: Machine check events logged",
        harmless="mce: CPU0: Thermal monitoring enabled (TM1)",
    ),
    "board.firmware_errors": logged(
        "{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 10",
        harmless="GHES: HEST is not enabled!",
    ),
    "board.pcie_errors": logged(
        "pcieport 0000:80:00.0: AER: Corrected error received: 0000:81:00.0",
        "mlx5_core 0000:81:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer",
        harmless="pcieport 0000:80:00.0: AER: enabled with IRQ 45",
    ),
    "board.pcie_bandwidth": logged(
        "pci 0000:81:00.0: 63.008 Gb/s available PCIe bandwidth, limited by 8.0 GT/s PCIe x8 link at 0000:80:00.0",
        harmless="pci 0000:81:00.0: 252.048 Gb/s available PCIe bandwidth (16.0 GT/s PCIe x16 link)",
    ),
    "fabric.log_errors": logged(
        "mlx5_core 0000:81:00.0: mlx5_pcie_event:299:(pid 7): Detected insufficient power on the PCIe slot (27W).",
        "mlx5_core 0000:81:00.0 ens1f0np0: Link down",
        harmless="mlx5_core 0000:81:00.0: firmware version: 14.32.1010",
    ),
    "memory.type": Cases(
        {"value": "DDR4"},
        [tables()],
        [tables(last=module(PLACES[-1], kind="DDR5")), {"dmidecode": HEAD + module(PLACES[0], kind="DDR3")}],
        [*NO_TABLES, tables(last=module(PLACES[-1], kind="Unknown")), tables(last=module(PLACES[-1], size="Unknown"))],
    ),
    "memory.error_correction": Cases(
        {"value": "ECC"},
        [tables(), tables(correction="Single-bit ECC")],
        [tables(correction="None"), tables(correction="Parity")],
        [tables(correction="Unknown"), *NO_TABLES],
    ),
    "memory.speed": Cases(
        {"at_least": 2933},
        [tables(), {"dmidecode": tables()["dmidecode"].replace("Configured Memory Speed", "Configured Clock Speed")}],  # type: ignore[union-attr]
        [tables(last=module(PLACES[-1], speed="2666 MT/s"))],
        [*NO_TABLES, tables(last=module(PLACES[-1], speed="Unknown")), tables(last=module(PLACES[-1], speed="fast"))],
    ),
    "memory.kinds": Cases(
        {"value": 1},
        [tables()],
        [tables(last=module(PLACES[-1], size="64 GB")), tables(last=module(PLACES[-1], rated="3200 MT/s"))],
        [*NO_TABLES, tables(last=module(PLACES[-1], kind="Unknown"))],
    ),
    "memory.channels": Cases(
        {"value": 8},
        [tables(), tables(*(f"P{s} CHANNEL {c}" for s in range(2) for c in "ABCDEFGH"))],
        [tables(*PLACES[:-1]), tables(*PLACES[:7])],
        [*NO_TABLES, tables("BANK 0")],
    ),
    "memory.nodes_without": Cases({"value": 0}, [numa(128000, 129000)], [numa(128000, 0, 128000, 128000)], NO_NUMA),
    "memory.balance": Cases(
        {"at_least": 90}, [numa(128000, 129000), numa(128000, 0)], [numa(128000, 96000)], [*NO_NUMA, numa(0)]
    ),
    "memory.corrected_errors": counted("ce_count", 100),
    "memory.uncorrected_errors": counted("ue_count", 0),
    "memory.corrupted": Cases(
        {"value": 0},
        [meminfo(HardwareCorrupted=0)],
        [meminfo(HardwareCorrupted=4)],
        [meminfo(AnonPages=4), {"/proc/meminfo": DENIED}],
    ),
    "memory.log_errors": logged(
        "EDAC MC0: 1 CE memory read error on DIMM010 (node:0 card:1 module:0)",
        harmless="EDAC MC: Ver: 3.0.0",
    ),
    "memory.huge_pages": Cases(
        {"value": 0},
        [meminfo(HugePages_Total=0)],
        [meminfo(HugePages_Total=1024)],
        [meminfo(AnonPages=4), {"/proc/meminfo": "HugePages_Total: 0\n"}],
    ),
    "memory.transparent_huge_pages": Cases(
        {"value": "madvise"},
        [{"transparent_hugepage": "always [madvise] never\n"}],
        [{"transparent_hugepage": "[always] madvise never\n"}],
        [{"transparent_hugepage": "always madvise never\n"}, {"transparent_hugepage": "[always] [madvise]\n"}],
    ),
    "kernel.command_line": Cases(
        {"value": ["iommu.passthrough=1", "quiet"]},
        [cmdline("iommu.passthrough=1"), cmdline("iommu.passthrough=0", "iommu.passthrough=1")],
        [cmdline(), cmdline("iommu.passthrough=1", "iommu.passthrough=0"), cmdline("--", "iommu.passthrough=1")],
        [CUT, LAST_CUT, {"/proc/cmdline": "ro\nquiet\n"}],
    ),
    "kernel.command_line_without": Cases(
        {"value": ["pci=noaer", "mce=off"]},
        [cmdline(), cmdline("mce=ignore_ce", "pci=realloc")],
        [cmdline("pci=noaer"), cmdline("mce=off", "mce=ignore_ce")],
        [CUT, LAST_CUT, {"/proc/cmdline": "ro \x1b[31m\n"}],
    ),
    "cpu.threads_per_core": Cases(
        {"value": 1},
        [{"lscpu": KUNPENG}],
        [{"lscpu": KUNPENG.replace("Thread(s) per core:              1", "Thread(s) per core: 2")}],
        [{"lscpu": KUNPENG.replace("Thread(s) per core", "Threads")}, {"lscpu": CHINESE}],
    ),
    "cpu.numa_nodes": Cases(
        {"value": 2},
        [{"lscpu": KUNPENG}],
        [
            {"lscpu": KUNPENG.replace("NUMA node(s):                    4", "NUMA node(s): 2")},
            {"lscpu": KUNPENG.replace("NUMA node(s):                    4", "NUMA node(s): 3")},
        ],
        [{"lscpu": CLUSTERS}, {"lscpu": KUNPENG.replace("NUMA node(s)", "Nodes")}],
    ),
    "cpu.governor": Cases(
        {"value": "performance"},
        [governors()],
        [governors("schedutil")],
        [
            governors("1200000"),
            {"scaling_governor": "performance\n"},
            {"scaling_governor": Answered(2, "", "grep: No such file or directory")},
        ],
    ),
    "cpu.vulnerabilities": Cases(
        {"at_most": 0},
        [vulnerable(MITIGATED)],
        [
            vulnerable("Vulnerable"),
            vulnerable(MITIGATED, "Vulnerable: Clear CPU buffers attempted, no microcode"),
            vulnerable("KVM: Vulnerable"),
            vulnerable("Processor vulnerable"),
        ],
        [vulnerable("Unknown: No mitigations"), {"/vulnerabilities/*": "Not affected\n"}],
    ),
}
