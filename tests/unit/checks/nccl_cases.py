"""Cases of NCCL's configuration file."""

from check_cases import DENIED, Answers, Cases
from fabric_cases import ROCE, adapter, port
from roce_cases import IPV4, V2, gids

READS = ("find /sys/class/net/ -mindepth 1 -maxdepth 1 -printf",)

_CONF = "# by the site\nNCCL_SOCKET_IFNAME==eno1\nNCCL_DEBUG=WARN\nNCCL_IB_HCA==mlx5_0:1 # HDR\n"


def _host(wanted: str, interfaces: str = "lo\neno1\nib0\n") -> Answers:
    return {"nccl.conf": f"NCCL_SOCKET_IFNAME={wanted}\n", "/sys/class/net/": interfaces}


def _fabric(conf: str, *adapters: str) -> Answers:
    return {"nccl.conf": conf, "ibstat": "".join(adapters or (adapter(0, port()), adapter(1, port()), ROCE))}


_DOWN = adapter(1, port("Down", "Disabled", 10))
_CUT = {"nccl.conf": "A=b\n", "ibstat": adapter(0, port())[:-9]}


def _roce(conf: str, *types: tuple[str, str]) -> Answers:
    """A host whose Ethernet port has these addresses, the first one at 0."""
    listed = gids(*types or (*V2, *IPV4)).replace("mlx5_0", "mlx5_2")
    return {**_fabric(f"A=b\n{conf}"), "ibv_devinfo": listed}


CASES: dict[str, Cases] = {
    "nccl.ports_left_out": Cases(
        {"value": 0},
        [
            _fabric("NCCL_IB_TC=106\n"),
            _fabric("NCCL_IB_HCA==mlx5_0,mlx5_1\n"),
            _fabric("NCCL_IB_HCA=mlx5\nNCCL_IB_DISABLE=0\n"),
            _fabric("NCCL_IB_HCA=mlx5_0:1,mlx5_1:1\n"),
            _fabric("NCCL_IB_HCA=^mlx5_2\n"),
            _fabric("NCCL_IB_HCA==mlx5_0\n", adapter(0, port()), _DOWN, ROCE),
            _fabric("NCCL_IB_HCA=mlx5_2\n", _DOWN, ROCE),
        ],
        [
            _fabric("NCCL_IB_HCA==mlx5_0\n"),
            _fabric("NCCL_IB_HCA==mlx5\n"),
            _fabric("NCCL_IB_HCA=mlx5_0,mlx5_1:2\n"),
            _fabric("NCCL_IB_HCA=^=mlx5_1\n"),
            _fabric("NCCL_IB_HCA=mlx5\nNCCL_IB_DISABLE=1\n"),
            _fabric("NCCL_IB_DISABLE=1\n"),
        ],
        [_fabric("A=b\n", _DOWN), _CUT, {"nccl.conf": "NCCL_IB_HCA=mlx5\n"}, {"ibstat": adapter(0, port())}],
    ),
    "nccl.adapters_not_there": Cases(
        {"value": 0},
        [
            _fabric("NCCL_IB_TC=106\n"),
            _fabric("NCCL_IB_HCA=mlx5\n"),
            _fabric("NCCL_IB_HCA==mlx5_0,mlx5_1:1\n"),
            _fabric("NCCL_IB_HCA=^=mlx5_2\n"),
        ],
        [
            _fabric("NCCL_IB_HCA==mlx5_0,mlx5_7\n"),
            _fabric("NCCL_IB_HCA=mlx4\n"),
            _fabric("NCCL_IB_HCA=mlx5_0:2\n"),
            _fabric("NCCL_IB_HCA=^ibp\n"),
        ],
        [_CUT, {"nccl.conf": "NCCL_IB_HCA=mlx5\n"}, {"ibstat": adapter(0, port())}],
    ),
    "nccl.gid_index": Cases(
        {"value": "RoCE v2 over IPv4"},
        [_roce("NCCL_IB_GID_INDEX=4\n"), _roce("NCCL_IB_GID_INDEX=4\nNCCL_IB_HCA=mlx5_2\n")],
        [
            _roce("NCCL_IB_GID_INDEX=0\n"),
            _roce("NCCL_IB_GID_INDEX=1\n"),
            _roce("NCCL_IB_GID_INDEX=3\n"),
            _roce("NCCL_IB_GID_INDEX=9\n"),
            _roce("NCCL_IB_GID_INDEX=four\n"),
            _roce("NCCL_IB_ROCE_VERSION_NUM=1\n"),
            _roce("NCCL_IB_GID_INDEX=4\nNCCL_IB_HCA=^mlx5_2\n"),
            _roce("NCCL_IB_GID_INDEX=4\nNCCL_IB_DISABLE=1\n"),
        ],
        [
            # Which NCCL would choose is not known.
            _roce("NCCL_IB_GID_INDEX=-1\n"),
            _roce("NCCL_IB_ROCE_VERSION_NUM=2\nNCCL_IB_HCA=mlx5_2\n"),
            _fabric("A=b\n"),
            {**_roce("NCCL_IB_GID_INDEX=4\n"), "ibv_devinfo": gids(*IPV4)},  # of another adapter
            {**_roce("NCCL_IB_GID_INDEX=4\n"), "ibv_devinfo": gids((V2[1][0], "RoCE v2")).replace(", RoCE v2", "")},
            {**_roce("NCCL_IB_GID_INDEX=4\n"), "ibv_devinfo": DENIED},
            _fabric("A=b\n", adapter(0, port())),
            _CUT,
            {"nccl.conf": "NCCL_IB_GID_INDEX=4\n"},
            {"ibstat": ROCE},
        ],
    ),
    "nccl.unknown_names": Cases(
        {"value": 0},
        [{"nccl.conf": _CONF}],
        [{"nccl.conf": _CONF.replace("NCCL_IB_HCA", "NCCL_IB_HCAS")}, {"nccl.conf": f"{_CONF}DEBUG=INFO\n"}],
        [{"nccl.conf": f"{_CONF}NCCL_IB_TC 106\n"}, {"nccl.conf": _CONF[:-1]}, {}],
    ),
    "nccl.debug": Cases(
        {"any_of": ["off", "VERSION", "WARN"]},
        [{"nccl.conf": _CONF}, {"nccl.conf": "NCCL_IB_TC=106\n"}, {"nccl.conf": "NCCL_DEBUG=warn\n"}],
        [{"nccl.conf": _CONF.replace("WARN", "INFO")}, {"nccl.conf": "NCCL_DEBUG=TRACE\nNCCL_DEBUG=WARN\n"}],
        [{"nccl.conf": "export NCCL_DEBUG=INFO\n"}, {"nccl.conf": DENIED}],
    ),
    "nccl.interfaces": Cases(
        {"value": 1},
        [_host("=eno1"), _host("en"), _host("^ib,docker"), _host("=eno1:4791,eno9")],
        [
            _host("=eno"),
            _host("eth"),
            _host("^=eno1,ib0"),
            _host("e", "lo\neno1\neno2\n"),
            {"nccl.conf": "NCCL_IB_TC=1\n"},
        ],
        [_host("=eno1", ""), _host("=eno1", "a b\n"), {"nccl.conf": "=eno1\n"}],
    ),
}
