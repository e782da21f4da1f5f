"""HAProxy and Prometheus."""

import pytest
from forms import VECTOR
from recordings import text_of

from hybridctl.parsers import Unreadable
from hybridctl.parsers.haproxy import read_info, read_stat
from hybridctl.parsers.prometheus import labels_of, parse_metrics, read_query


def test_haproxy() -> None:
    """Frontends, backends and servers, a spare among them."""
    rows = {(row.proxy, row.server): row for row in read_stat(text_of("haproxy/show-stat.csv"))}
    assert len(rows) == 13
    www = rows["www", "www"]
    assert (www.status, www.is_server, www.is_up, www.count("stot"), www.count("hrsp_5xx")) == (
        "UP",
        True,
        True,
        1719698,
        4,
    )
    assert (www.count("chkfail"), www.cells["check_status"]) == (561, "L7OK")
    assert rows["http-in", "FRONTEND"].status == "OPEN"
    assert rows["git", "BACKEND"].count("econ") == 2
    assert sorted(key for key, row in rows.items() if row.is_server) == [
        ("git", "bck"),
        ("git", "www"),
        ("www", "bck"),
        ("www", "www"),
    ]
    with pytest.raises(Unreadable, match="http-in/FRONTEND qcur"):
        rows["http-in", "FRONTEND"].count("qcur")


HEAD = "# pxname,svname,status,type,last_chk,\n"


@pytest.mark.parametrize(
    ("status", "is_up"),
    [
        *[(status, True) for status in ("UP", "UP 1/3", "no check", "OPEN")],
        *[(status, False) for status in ("DOWN", "DOWN 1/2", "MAINT", "MAINT (via b/s)", "DRAIN", "NOLB")],
    ],
)
def test_status_of_a_server(status: str, is_up: bool) -> None:
    """On its way up or down, taken out, drained, not checked."""
    (row,) = read_stat(f'{HEAD}vllm,w1,{status},2,"Layer7 wrong status, code: 503",\n')
    assert (row.is_up, row.cells["last_chk"]) == (is_up, "Layer7 wrong status, code: 503")


def test_haproxy_in_other_forms() -> None:
    """A status nobody knows, a row too short, a server twice, no header."""
    with pytest.raises(Unreadable, match="an unknown status"):
        assert read_stat(f"{HEAD}vllm,w1,SLEEPING,2,,\n")[0].is_up
    for bad in (f"{HEAD}vllm,w1,UP\n", f"{HEAD}a,b,UP,2,,\na,b,UP,2,,\n", "Permission denied\n", f"{HEAD}a,b,UP,2,,"):
        with pytest.raises(Unreadable):
            read_stat(bad)
    assert read_info("Name: HAProxy\nVersion: 2.6.12\nUptime_sec: 5\n")["Version"] == "2.6.12"
    with pytest.raises(Unreadable):
        read_info("Unknown command\n")


def test_metrics() -> None:
    """Values a person reads off; labels with blanks and escapes."""
    found = parse_metrics(text_of("prometheus/node_exporter-edac.prom"))
    assert found["node_edac_csrow_uncorrectable_errors_total", '{controller="0",csrow="unknown"}'] == 6
    assert found["node_edac_correctable_errors_total", '{controller="0"}'] == 1
    nvme = parse_metrics(text_of("prometheus/node_exporter-nvme.prom"))
    (info,) = [labels_of(labels) for name, labels in nvme if name == "node_nvme_info"]
    assert (info["model"], info["state"]) == ("Samsung SSD 970 PRO 512GB", "live")
    assert nvme["node_nvme_namespace_capacity_bytes", '{device="nvme0",nsid="1"}'] == 1.6e13
    ports = parse_metrics(text_of("prometheus/node_exporter-infiniband.prom"))
    assert ports["node_infiniband_legacy_data_received_bytes_total", '{device="mlx4_0",port="1"}'] == 1.8527668e07
    gpu = parse_metrics(text_of("prometheus/nvidia_gpu_exporter-h100-idle.prom"))
    uuid = '{uuid="00000000-0000-0000-0000-000000000000"}'
    assert gpu["nvidia_smi_clocks_current_sm_clock_hz", uuid] == 3.45e8
    loaded = parse_metrics(text_of("prometheus/nvidia_gpu_exporter-l40s-load.prom"))
    assert loaded["nvidia_smi_clocks_current_sm_clock_hz", uuid] == 2.52e9
    assert labels_of('{a="x\\"y\\\\z\\n",b=""}') == {"a": 'x"y\\z\n', "b": ""}


def test_a_pages_size_of_64k() -> None:
    """Memory of each node of a host with large pages."""
    found = parse_metrics(text_of("prometheus/node_exporter-64k-page.prom"))
    assert found["node_memory_numa_Inactive", '{node="0"}'] == 6.0569788416e10
    assert {labels_of(labels).get("node") for _, labels in found} == {"0", "1", "2"}


def test_an_answer_of_the_api() -> None:
    """A vector, a scalar, nothing, an error."""
    (sample,) = read_query(VECTOR)
    assert (sample.labels["instance"], sample.time, sample.value) == ("w1", 1700000000.5, 1.0)
    scalar = '{"status": "success", "data": {"resultType": "scalar", "result": [1, "2.5"]}}'
    assert read_query(scalar)[0].value == 2.5
    assert read_query('{"status": "success", "data": {"resultType": "vector", "result": []}}') == ()
    with pytest.raises(Unreadable, match="bad_data: 'parse error'"):
        read_query('{"status": "error", "errorType": "bad_data", "error": "parse error"}')
    for bad in (VECTOR[:-4], VECTOR.replace("vector", "matrix"), VECTOR.replace('"1"', '"one"'), "<html>502</html>"):
        with pytest.raises(Unreadable):
            read_query(bad)
