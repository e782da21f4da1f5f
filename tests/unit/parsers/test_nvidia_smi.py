"""nvidia-smi: what a person reads off the recordings, and the forms that break a naive reader."""

import pytest
from forms import GLUED
from recordings import text_of

from hybridctl.checks import CannotTell
from hybridctl.parsers import Unreadable
from hybridctl.parsers.dcgmi_diag import read_diag
from hybridctl.parsers.gpu import Gpu, RemappedRows, bdf
from hybridctl.parsers.nvidia_smi_csv import read_csv
from hybridctl.parsers.nvidia_smi_nvlink import read_list, read_nvlink
from hybridctl.parsers.nvidia_smi_q import read_q
from hybridctl.parsers.nvidia_smi_table import read_dmon, read_table, read_version
from hybridctl.parsers.nvidia_smi_topo import read_p2p, read_topology
from hybridctl.parsers.nvidia_smi_xml import read_q_xml

NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.\n\n"
)


def test_eight_gpus() -> None:
    """A host whose GPUs are held down by their power brake."""
    report = read_q(text_of("nvidia-smi/q-h100-8gpu-535.161.08.txt"))
    assert (report.driver, report.cuda, report.attached) == ("535.161.08", "12.2", 8)
    gpus = report.all_gpus()
    assert len(gpus) == 8
    first = gpus[0]
    assert (first.address, first.name) == ("0000:19:00.0", "NVIDIA H100 80GB HBM3")
    assert (first.uuid, first.serial) == ("GPU-ee7954ec-da95-fd7a-ddfd-c6b32cc2f8aa", "1650124031592")
    assert (first.vbios, first.gsp_firmware) == ("96.00.74.00.0D", "535.161.08")
    assert (first.pcie_generation, first.pcie_generation_max, first.pcie_width, first.pcie_width_max) == (5, 5, 16, 16)
    assert [gpu.pcie_replays for gpu in gpus[:2]] == [67, 63]
    assert (first.memory, first.memory_used, first.bar1) == (81559, 0, 131072)
    assert first.throttled_by == {"HW Slowdown", "HW Power Brake Slowdown"}
    assert (first.has_ecc, first.ecc_pending, first.has_mig, first.is_persistent) == (True, True, False, True)
    assert (first.ecc_errors(corrected=True), first.ecc_errors(corrected=False, since_boot=False)) == (0, 0)
    assert first.remapped == RemappedRows(0, 0, pending=False, failed=False)
    assert (first.temperature, first.power_limit) == (29, 700.0)
    assert (first.clock("SM"), first.clock("SM", "Max Clocks"), first.clock("Memory")) == (86, 1980, 2619)
    assert (first.fabric, first.needs_reset, first.addressing) == (("Completed", "Success"), False, "None")


def test_rows_to_be_remapped() -> None:
    """An A100 that wants a reset; seven of eight GPUs were cut out, so that the report is not of all."""
    report = read_q(text_of("nvidia-smi/q-a100-row-remap-pending-excerpt.txt"))
    (gpu,) = report.gpus
    assert gpu.remapped == RemappedRows(1, 0, pending=True, failed=False)
    assert (gpu.ecc_errors(corrected=True), gpu.ecc_errors(corrected=False)) == (177, 0)
    with pytest.raises(Unreadable, match="1 are described: 'Attached GPUs : 8'"):
        report.all_gpus()
    with pytest.raises(Unreadable, match="has no 'FB Memory Usage > Total'"):
        assert gpu.memory


def test_a_card_for_desktops_and_an_old_one() -> None:
    """What they do not measure is refused with the line that says so."""
    gpus = read_q(text_of("nvidia-smi/q-rtx4090-8gpu-leading-blank-lines.txt")).all_gpus()
    assert (len(gpus), gpus[0].address, gpus[0].has_ecc, gpus[0].memory) == (8, "0000:01:00.0", False, 24564)
    (titan,) = read_q(text_of("nvidia-smi/q-titan-v-560.txt")).all_gpus()
    assert (titan.pcie_generation, titan.pcie_generation_max, titan.throttled_by) == (1, 3, {"Idle"})
    with pytest.raises(Unreadable, match="'ECC Mode > Current : N/A'"):
        assert titan.has_ecc
    with pytest.raises(Unreadable, match="'Remapped Rows : N/A'"):
        assert titan.remapped


def test_xml_of_three_schemas() -> None:
    """Tags change between drivers; with MIG remapped rows are a bare N/A, and one GPU stood for four."""
    report = read_q_xml(text_of("nvidia-smi/q-x-a100-sxm4-80gb-535-mig-4gpu.xml"))
    (a100,) = report.gpus
    assert (report.driver, report.attached, a100.serial) == ("535.54.03", 4, "1650522003820")
    assert (a100.has_mig, a100.is_persistent, a100.memory, a100.pcie_generation) == (True, False, 81920, 4)
    assert (a100.clock("SM"), a100.clock("Memory", "Max Clocks"), a100.power_limit) == (1275, 1593, 500.0)
    assert a100.throttled_by == frozenset()
    with pytest.raises(Unreadable):
        assert a100.remapped
    with pytest.raises(Unreadable):
        report.all_gpus()
    (a10,) = read_q_xml(text_of("nvidia-smi/q-x-a10g.xml")).all_gpus()
    assert (a10.name, a10.memory, a10.pcie_width, a10.power_limit) == ("NVIDIA A10G", 23028, 8, 300.0)
    (t4,) = read_q_xml(text_of("nvidia-smi/q-x-tesla-t4.xml")).all_gpus()
    assert (t4.name, t4.memory, t4.pcie_generation, t4.power_limit) == ("Tesla T4", 15360, 3, 70.0)


def test_xml_with_entities_is_refused() -> None:
    """An entity could blow up or read files; nvidia-smi has none."""
    text = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><nvidia_smi_log>&b;</nvidia_smi_log>'
    with pytest.raises(Unreadable):
        read_q_xml(text)


@pytest.mark.parametrize("read", [read_q, read_q_xml, read_csv, read_list, read_nvlink, read_table])
def test_a_driver_that_does_not_answer(read: object) -> None:
    """The sentence comes with exit 0 through many a wrapper; it is quoted."""
    assert callable(read)
    with pytest.raises(Unreadable, match="couldn't communicate with the NVIDIA driver") as refused:
        read(NO_DRIVER)
    assert isinstance(refused.value, CannotTell)


def test_a_lost_gpu_makes_the_report_incomplete() -> None:
    """Seven GPUs are described well, the eighth only in a complaint above them."""
    lost = "Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error\n"
    report = read_q(lost + text_of("nvidia-smi/q-titan-v-560.txt"))
    assert report.complaints == (lost.strip(),)
    with pytest.raises(Unreadable, match="Unknown Error"):
        report.all_gpus()
    table = read_table(lost + text_of("nvidia-smi/table-8gpu-550.txt"))
    with pytest.raises(Unreadable, match="Unknown Error"):
        table.all_gpus()


@pytest.mark.parametrize("said", ["16", "16 GB", "ERR!", "[N/A]", "Unknown Error", "N/A", "", "1.5 MiB"])
def test_a_value_of_another_form_is_no_number(said: str) -> None:
    """Another unit, an error or a fraction where there is none: refused with the line."""
    gpu = Gpu("0000:01:00.0", {("FB Memory Usage", "Total"): said})
    with pytest.raises(Unreadable, match="FB Memory Usage > Total"):
        assert gpu.memory


def test_addresses() -> None:
    """Domains of eight digits, of four, none, and beyond four."""
    assert bdf("00000000:3B:00.0") == bdf("3b:00.0") == "0000:3b:00.0"
    assert bdf("00010000:01:00.0") == "10000:01:00.0"
    with pytest.raises(Unreadable):
        bdf("GPU 0")


def test_csv() -> None:
    """Units from cell or header, reasons in brackets."""
    (h100,) = read_csv(text_of("nvidia-smi/query-gpu-csv-h100.txt"))
    assert (h100.text("name"), h100.text("vbios_version")) == ("NVIDIA H100 80GB HBM3", "96.00.A5.00.01")
    assert (h100.number("memory.total", "MiB"), h100.number("pcie.link.gen.current")) == (81559, 5)
    assert (h100.flag("ecc.mode.current"), h100.flag("remapped_rows.pending")) == (True, False)
    assert (h100.number("power.limit", "W"), h100.number("temperature.gpu")) == (700.0, 41)
    with pytest.raises(Unreadable, match=r"display_mode: .Requested functionality has been deprecated"):
        h100.text("display_mode")
    with pytest.raises(Unreadable, match=r"a number in GiB was expected: 'memory.total: 81559 MiB'"):
        h100.number("memory.total", "GiB")
    with pytest.raises(Unreadable, match=r"no column clocks.sm"):
        h100.number("clocks.sm")
    (h200,) = read_csv(text_of("nvidia-smi/query-gpu-csv-h200.txt"))
    assert (h200.text("name"), h200.number("memory.total", "MiB")) == ("NVIDIA H200", 143771)
    (desktop,) = read_csv(text_of("nvidia-smi/query-gpu-csv-rtx2080s.txt"))
    assert (desktop.text("addressing_mode"), desktop.number("fan.speed", "%")) == ("HMM", 38)
    assert read_csv("index, memory.total [MiB]\n0, 81920\n")[0].number("memory.total", "MiB") == 81920
    assert read_csv(text_of("nvidia-smi/compute-apps-idle-h100.txt")) == ()
    rows = read_csv(text_of("nvidia-smi/compute-apps-load-h100.txt"))
    assert [(row.text("pid"), row.number("used_gpu_memory", "MiB")) for row in rows] == [
        ("11327", 2566),
        ("11328", 1542),
        ("11345", 15690),
    ]


def test_csv_with_fewer_rows_than_gpus() -> None:
    """The column `count` says that one is missing."""
    with pytest.raises(Unreadable, match="1 rows were printed: 'count: 2'"):
        read_csv("index, count\n0, 2\n")


def test_topology() -> None:
    """Eight GPUs in a full mesh, and two over a host bridge."""
    mesh = read_topology(text_of("nvidia-smi/topo-m-a100-8gpu-spaces.txt"))
    assert len(mesh.gpus) == 8
    assert {mesh.link(a, b) for a in mesh.gpus for b in mesh.gpus if a != b} == {"NV12"}
    assert [mesh.node(gpu) for gpu in mesh.gpus] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert mesh.cpus["GPU4"] == "24-47"
    pair = read_topology(text_of("nvidia-smi/topo-m-2gpu-phb.txt"))
    assert (pair.link("GPU0", "GPU1"), pair.cpus["GPU1"]) == ("PHB", "0-11")
    with pytest.raises(Unreadable, match="no NUMA node of GPU0"):
        pair.node("GPU0")
    coloured = read_topology(text_of("nvidia-smi/topo-m-h100.txt"))
    assert (coloured.gpus, coloured.node("GPU0"), coloured.cpus) == (("GPU0",), 0, {"GPU0": "0-19"})
    assert read_topology(text_of("nvidia-smi/topo-m-l40s.txt")).cpus == {"GPU0": "0-7"}
    peers = read_p2p(text_of("nvidia-smi/topo-p2p-r-h100.txt"))
    assert {peers.link("GPU0", other) for other in peers.gpus[1:]} == {"OK"}


def test_cells_that_run_into_each_other() -> None:
    """The cell is read across the diagonal; affinities that cannot be told apart are refused with the row."""
    topology = read_topology(GLUED)
    assert topology.link("GPU0", "GPU1") == "NV18"
    assert topology.link("GPU0", "NIC1") == "PHB"
    assert topology.adapters == {"NIC0": "mlx5_0", "NIC1": "mlx5_3"}
    assert (topology.cpus, topology.numa) == ({}, {})
    with pytest.raises(Unreadable, match="PH0-115"):
        topology.node("GPU0")


def test_a_row_that_lacks_a_cell_is_not_shifted() -> None:
    """Which one is missing cannot be known: the other half of the matrix must say it."""
    text = "\tGPU0\tGPU1\tGPU2\nGPU0\t X \tNV4\tSYS\nGPU1\t X \tPIX\nGPU2\tSYS\tPIX\t X \n"
    topology = read_topology(text)
    assert (topology.link("GPU1", "GPU0"), topology.link("GPU1", "GPU2")) == ("NV4", "PIX")
    assert "GPU1" in topology.broken
    right = read_topology("\tGPU0\tGPU1\tGPU2\nGPU0\t X \tSYS\nGPU1\tNV4\t X \tPIX\nGPU2\tSYS\tPIX\t X \n")
    assert (right.link("GPU0", "GPU1"), right.link("GPU0", "GPU2")) == ("NV4", "SYS")
    with pytest.raises(Unreadable, match="differently by direction"):
        read_topology("\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tPIX\t X \n").link("GPU0", "GPU1")


def test_nvlink() -> None:
    """Links in two spellings, and a card that has none."""
    gpus = read_nvlink(text_of("nvidia-smi/nvlink-s-a100-sxm4-80gb-8gpu.txt"))
    assert [(gpu.index, len(gpu.links), set(gpu.links.values())) for gpu in gpus] == [(i, 12, {25.0}) for i in range(8)]
    (h100,) = read_nvlink(text_of("nvidia-smi/nvlink-s-h100.txt"))
    assert (len(h100.links), h100.links[17]) == (18, 26.562)
    (l40s,) = read_nvlink(text_of("nvidia-smi/nvlink-s-l40s.txt"))
    assert (l40s.name, l40s.links, l40s.refusal) == ("NVIDIA L40S", {}, "Device does not have or support Nvlink")


def test_nvlink_that_is_down() -> None:
    """An inactive link has no speed; one that is left out is no shorter list."""
    head = "GPU 0: NVIDIA A100 80GB PCIe (UUID: GPU-00000000-0000-0000-0000-000000000000)\n"
    (gpu,) = read_nvlink(head + "\t Link 0: <inactive>\n\t Link 1: 25 GB/s\n")
    assert gpu.links == {0: None, 1: 25.0}
    (gpu,) = read_nvlink(head + "NVML: Unable to retrieve NvLink information as all links are inActive\n")
    assert "all links are inActive" in gpu.refusal
    for text in (head, head + "\t Link 1: 25 GB/s\n", head + "\t Link 0: Unknown Error\n"):
        with pytest.raises(Unreadable):
            read_nvlink(text)


def test_list() -> None:
    """Two cards, and one with MIG devices below it."""
    assert [(gpu.index, gpu.name) for gpu in read_list(text_of("nvidia-smi/L-a100-pcie-40gb-2gpu.txt"))] == [
        (0, "NVIDIA A100-PCIE-40GB"),
        (1, "NVIDIA A100-PCIE-40GB"),
    ]
    text = text_of("nvidia-smi/L-h100.txt") + "  MIG 1g.10gb     Device  0: (UUID: MIG-1-2-3)\n"
    assert read_list(text)[0].instances == ("1g.10gb",)
    with pytest.raises(Unreadable, match="GPU 0 is left out"):
        read_list("GPU 1: NVIDIA A100 80GB PCIe (UUID: GPU-00000000-0000-0000-0000-000000000000)\n")


def test_table() -> None:
    """The table, whole and cut."""
    table = read_table(text_of("nvidia-smi/table-8gpu-550.txt"))
    assert (table.driver, len(table.all_gpus())) == ("550.90.07", 8)
    last = table.gpus[7]
    assert (last.address, last.temperature, last.power, last.power_limit) == ("0000:db:00.0", 23, 72, 700)
    cut = read_table(text_of("nvidia-smi/table-a100-80gb-pcie-550-partial.txt"))
    (a100,) = cut.gpus
    assert (a100.name, a100.is_persistent, a100.memory_used, a100.memory) == (
        "NVIDIA A100 80GB PCIe",
        False,
        437,
        81920,
    )
    assert (a100.utilisation, a100.ecc_errors, cut.cuda) == (100, 0, "12.4")
    with pytest.raises(Unreadable, match="the table is cut"):
        cut.all_gpus()
    (desktop,) = read_table(text_of("nvidia-smi/table-idle-rtx2080s.txt")).all_gpus()
    assert (desktop.name, desktop.ecc_errors, desktop.state) == ("NVIDIA GeForce RTX 2080 ...", None, "P8")
    assert read_table(text_of("nvidia-smi/table-idle-h100.txt")).driver == "590.48.01"


def test_table_of_a_newer_driver_and_of_a_sick_gpu() -> None:
    """Driver 610 names its two halves; ERR! in the place of a number is no number."""
    text = text_of("nvidia-smi/table-idle-h100.txt")
    newer = text.replace("Driver Version:", "KMD Version:").replace("CUDA Version:", "CUDA UMD Version:")
    assert read_table(newer).cuda == "13.1"
    with pytest.raises(Unreadable, match="ERR!"):
        read_table(text.replace("  69W /  700W", " ERR! /  700W"))


def test_versions_and_dmon() -> None:
    """The short ones."""
    versions = read_version(text_of("nvidia-smi/version-h100.txt"))
    assert (versions.smi, versions.nvml, versions.driver, versions.cuda) == ("590.48.01", "590.48", "590.48.01", "13.1")
    rows = read_dmon(text_of("nvidia-smi/dmon-load-h100.txt"))
    assert [(row["pwr"], row["gtemp"], row["mtemp"], row["pclk"]) for row in rows] == [
        (631, 63, 57, 1980),
        (634, 63, 58, 1980),
        (633, 64, 58, 1980),
        (634, 64, 59, 1980),
        (636, 65, 59, 1980),
    ]


def test_diagnosis() -> None:
    """Words that the table breaks are whole again."""
    (test,) = read_diag(text_of("nvidia-smi/dcgmi-diag-r2-thermal.txt"))
    assert (test.name, test.gpus) == ("GPU Memory", {"Pass": (1, 2, 3, 4, 5, 6, 7), "Fail": (0,)})
    (warning,) = test.warnings
    assert warning.startswith(
        "GPU 0 Thermal violations totaling 13.3 seconds started at 9.7 seconds into the test for GPU 0 "
    )
    assert warning.endswith("thermal material interface, fans, and any other components.")
