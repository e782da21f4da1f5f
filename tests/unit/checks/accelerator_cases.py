"""Cases of Kunpeng's accelerators."""

from check_cases import DENIED, NOT_THERE, TOO_SLOW, Cases

from hybridctl.checks.fake import Answered

NAMES = ("hisi_sec2", "hisi_hpre", "hisi_zip")


def lsmod(*names: str) -> str:
    """What lsmod prints."""
    return "Module                  Size  Used by\n" + "".join(f"{name:24}{45056}  0\n" for name in names)


MODULES = ("uacce", "hisi_qm", *NAMES)


def lspci(*, sec: str = "19e5:a255", driver: str = "hisi_zip") -> str:
    """Accelerators of one socket in the form of lspci -D -nn -k."""
    use = f"\tKernel driver in use: {driver}\n" if driver else ""
    return (
        "0000:74:00.0 PCI bridge [0604]: Huawei Technologies Co., Ltd. HiSilicon PCI-PCI Bridge [19e5:a121] (rev 20)\n"
        "0000:75:00.0 Processing accelerators [1200]: Huawei Technologies Co., Ltd. HiSilicon ZIP Engine [19e5:a250]"
        f" (rev 21)\n\tSubsystem: Huawei Technologies Co., Ltd. Device [19e5:0000]\n{use}\tKernel modules: hisi_zip\n"
        f"0000:76:00.0 Network and computing encryption device [1000]: Huawei HiSilicon SEC Engine [{sec}] (rev 21)\n"
        "\tKernel driver in use: hisi_sec2\n"
        "0000:7d:00.0 Ethernet controller [0200]: Huawei HNS GE/10GE/25GE Controller [19e5:a222] (rev 21)\n"
    )


NO_IDS = "0000:75:00.0 Processing accelerators: Huawei HiSilicon ZIP Engine (rev 21)\n"
NETWORK_ONLY = "0000:7d:00.0 Ethernet controller [0200]: Huawei HNS Controller [19e5:a222] (rev 21)\n"


def queues(**free: int | str) -> str:
    """Free queues by kind; 256 unless said otherwise."""
    return "".join(
        f"/sys/class/uacce/{name}-{n}/available_instances:{free.get(name, 256)}\n" for n, name in enumerate(NAMES)
    )


def queued(name: str) -> Cases:
    """The cases of free queues of a kind."""
    part = "/available_instances"
    return Cases(
        {"at_least": 1},
        [{part: queues()}, {part: queues(**{name: 1})}],
        [{part: queues(**{name: 0})}],
        [
            {part: queues(**{name: "unknown"})},
            {part: queues().replace(name, "hisi_rde")},
            {part: queues().rstrip("\n")},
            {part: Answered(2, "", "grep: No such device")},
        ],
    )


def parameter(name: str, good: int, bad: int) -> Cases:
    """The cases of a parameter that a module was loaded with."""

    def values(of_zip: int | str) -> str:
        given = (good, good, of_zip)
        return "".join(f"/sys/module/{m}/parameters/{name}:{v}\n" for m, v in zip(NAMES, given, strict=True))

    part = f"/parameters/{name}"
    return Cases(
        {"value": good},
        [{part: values(good)}],
        [{part: values(bad)}],
        [{part: values("N")}, {part: values(good).rstrip("\n")}, {part: DENIED}, {part: "parameters\n"}],
    )


def engine(state: str) -> str:
    """What openssl says of an engine."""
    return f"(kae) Kunpeng Accelerator Engine\n     [ {state} ]\n"


def kernel_log(*messages: str, beginning: str = "Booting Linux on physical CPU 0x0000080000 [0x481fd010]") -> str:
    """The kernel's log as the journal prints it."""
    lines = (beginning, "Linux version 5.10.0-216.0.0.115.oe2203sp4.aarch64 (gcc 10.3.1)", "x: a", *messages)
    return "".join(
        f"2026-11-30T08:00:{n:02}+0800 cpu1 kernel: {line}\n" for n, line in enumerate(lines) if beginning or n > 1
    )


def logged(*bad: str, harmless: str) -> Cases:
    """The cases of a kind of message: none may be there, in a log that reaches back to the boot."""
    log = "journalctl --dmesg"
    return Cases(
        {"at_most": 0},
        [{log: kernel_log()}, {log: kernel_log(harmless)}],
        [*({log: kernel_log(message)} for message in bad), {log: kernel_log(bad[0], beginning="")}],
        [
            {log: kernel_log(harmless, beginning="")},
            {log: "-- No entries --\n"},
            {log: Answered(1, kernel_log(), "No journal files were opened due to insufficient permissions.")},
            {log: TOO_SLOW},
        ],
    )


def root_port(speed: str, kind: str = "Root Port (Slot+)") -> str:
    """A bridge in the form of lspci -D -nn -vvv."""
    return (
        "0000:00:00.0 PCI bridge [0604]: Huawei HiSilicon PCIe Root Port [19e5:a120] (rev 21)\n"
        f"\tCapabilities: [80] Express (v2) {kind}, MSI 00\n"
        f"\t\tLnkCap:\tPort #0, Speed {speed}, Width x16, ASPM not supported\n"
        "\t\tLnkSta:\tSpeed 2.5GT/s (downgraded), Width x0 (downgraded)\n\n"
    )


READS = ("lsmod", "lspci -D -nn", "grep -H . /sys/", "openssl engine -t kae", "journalctl --dmesg --no-pager")

CASES: dict[str, Cases] = {
    "accelerator.functions": Cases(
        {"value": ["19e5:a255", "19e5:A250"]},
        [{"lspci -D -nn": lspci()}],
        [{"lspci -D -nn": lspci(sec="19e5:a256")}, {"lspci -D -nn": NETWORK_ONLY}],
        [{"lspci -D -nn": NO_IDS}, {"lspci": NOT_THERE}],
    ),
    "accelerator.modules": Cases(
        {"value": list(MODULES)},
        [{"lsmod": lsmod(*MODULES, "mlx5_core")}],
        [{"lsmod": lsmod(*MODULES[:-1])}, {"lsmod": lsmod("kunpeng_accel")}],
        [{"lsmod": "uacce 1 0\n"}, {"lsmod": lsmod(*MODULES)[:-4]}, {"lsmod": NOT_THERE}],
    ),
    "accelerator.without_driver": Cases(
        {"value": 0},
        [{"lspci -D -nn -k": lspci()}],
        [{"lspci -D -nn -k": lspci(driver="")}],
        [{"lspci -D -nn -k": NETWORK_ONLY}, {"lspci -D -nn -k": NO_IDS}, {"lspci": TOO_SLOW}],
    ),
    "accelerator.devices": Cases(
        {"value": list(NAMES)},
        [{"/available_instances": queues()}],
        [{"/available_instances": queues().replace("hisi_hpre", "hisi_zip")}],
        [{"/available_instances": "hisi_zip-0\n"}, {"/available_instances": DENIED}],
    ),
    "accelerator.cipher_queues": queued("hisi_sec2"),
    "accelerator.key_queues": queued("hisi_hpre"),
    "accelerator.zip_queues": queued("hisi_zip"),
    "accelerator.mode": parameter("uacce_mode", 2, 0),
    "accelerator.queues": parameter("pf_q_num", 256, 64),
    "accelerator.engine": Cases(
        {"value": ["kae"]},
        [{"openssl engine": engine("available")}, {"openssl engine": engine(" available ")}],
        [{"openssl engine": engine("unavailable")}],
        [
            {"openssl engine": "(dynamic) Dynamic engine loading support\n     [ unavailable ]\n"},
            {"openssl engine": "(kae) Kunpeng Accelerator Engine\n"},
            {"openssl engine": Answered(1, "", "could not load the shared library: kae.so")},
            {"openssl engine": NOT_THERE},
        ],
    ),
    "accelerator.log_errors": logged(
        "hisi_sec2 0000:76:00.0: QM mailbox operation timeout!",
        "hisi_zip 0000:75:00.0: Controller resetting...",
        harmless="hisi_sec2 0000:76:00.0: qm register to uacce",
    ),
    "accelerator.gpu_link": Cases(
        {"value": "PCIe 4.0"},
        [{"lspci": root_port("16GT/s")}],
        [{"lspci": root_port("8GT/s")}, {"lspci": root_port("32GT/s")}],
        [
            {"lspci": root_port("16GT/s", "Downstream Port (Slot+)")},
            {"lspci": root_port("unknown")},
            {"lspci": root_port("17GT/s")},
            {"lspci": NOT_THERE},
        ],
    ),
}
