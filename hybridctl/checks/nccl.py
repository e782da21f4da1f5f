"""Checks of NCCL's configuration file: it takes any line without a word, right or wrong."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hybridctl.checks.fabric import adapters_of
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output
from hybridctl.checks.roce import NO_PORT, active_ports
from hybridctl.checks.subjects import each
from hybridctl.parsers.ibv_devinfo import UNPROVEN as VERBS_UNPROVEN
from hybridctl.parsers.ibv_devinfo import read_gids
from hybridctl.parsers.nccl_conf import UNPROVEN, matching, read_nccl_conf

__all__ = ["CHECKS"]

# Of NCCL's documentation and source; NCCL itself passes over a name it does not know.
_NAMES = frozenset(
    "NCCL_" + name
    for name in [
        "ALGO",
        "BUFFSIZE",
        "CHECKS_DISABLE",
        "CHECK_POINTERS",
        "COLLNET_ENABLE",
        "COMM_BLOCKING",
        "CONF_FILE",
        "CROSS_NIC",
        "CTA_POLICY",
        "CUMEM_ENABLE",
        "CUMEM_HOST_ENABLE",
        "DEBUG",
        "DEBUG_FILE",
        "DEBUG_SUBSYS",
        "DEBUG_TIMESTAMP_FORMAT",
        "DEBUG_TIMESTAMP_LEVELS",
        "DMABUF_ENABLE",
        "GRAPH_DUMP_FILE",
        "GRAPH_FILE",
        "GRAPH_MIXING_SUPPORT",
        "GRAPH_REGISTER",
        "HOSTID",
        "IB_ADAPTIVE_ROUTING",
        "IB_ADDR_FAMILY",
        "IB_ADDR_RANGE",
        "IB_AR_THRESHOLD",
        "IB_CUDA_SUPPORT",
        "IB_DATA_DIRECT",
        "IB_DISABLE",
        "IB_ECE_ENABLE",
        "IB_FIFO_TC",
        "IB_GID_INDEX",
        "IB_HCA",
        "IB_MERGE_NICS",
        "IB_MERGE_VFS",
        "IB_OOO_RQ",
        "IB_PCI_RELAXED_ORDERING",
        "IB_PKEY",
        "IB_QPS_PER_CONNECTION",
        "IB_RETRY_CNT",
        "IB_RETURN_ASYNC_EVENTS",
        "IB_ROCE_VERSION_NUM",
        "IB_SL",
        "IB_SPLIT_DATA_ON_QPS",
        "IB_TC",
        "IB_TIMEOUT",
        "IB_USE_INLINE",
        "IGNORE_CPU_AFFINITY",
        "IGNORE_DISABLED_P2P",
        "L1_SHARED_MEMORY_CARVEOUT",
        "LAUNCH_MODE",
        "LAUNCH_ORDER_IMPLICIT",
        "LL128_BUFFSIZE",
        "LL_BUFFSIZE",
        "LOCAL_REGISTER",
        "MAX_CTAS",
        "MAX_NCHANNELS",
        "MAX_P2P_NCHANNELS",
        "MAX_RINGS",
        "MIN_CTAS",
        "MIN_NCHANNELS",
        "MIN_P2P_NCHANNELS",
        "MIN_RINGS",
        "MNNVL_ENABLE",
        "MNNVL_UUID",
        "NCHANNELS_PER_NET_PEER",
        "NCHANNELS_PER_PEER",
        "NET",
        "NETDEVS_POLICY",
        "NET_DISABLE_INTRA",
        "NET_FORCE_FLUSH",
        "NET_GDR_C2C",
        "NET_GDR_LEVEL",
        "NET_GDR_READ",
        "NET_PLUGIN",
        "NET_SHARED_BUFFERS",
        "NET_SHARED_COMMS",
        "NSOCKS_PERTHREAD",
        "NTHREADS",
        "NVB_DISABLE",
        "NVLSTREE_MAX_CHUNKSIZE",
        "NVLS_CHUNKSIZE",
        "NVLS_ENABLE",
        "NVLS_NCHANNELS",
        "OOB_NET_ENABLE",
        "OOB_NET_IFNAME",
        "P2P_DIRECT_DISABLE",
        "P2P_DISABLE",
        "P2P_LEVEL",
        "P2P_LL_THRESHOLD",
        "P2P_NET_CHUNKSIZE",
        "P2P_NVL_CHUNKSIZE",
        "P2P_PCI_CHUNKSIZE",
        "P2P_PXN_LEVEL",
        "P2P_READ_ENABLE",
        "PROFILER_PLUGIN",
        "PROGRAM_NAME",
        "PROTO",
        "PXN_DISABLE",
        "RAS_ADDR",
        "RAS_ENABLE",
        "RAS_TIMEOUT_FACTOR",
        "RUNTIME_CONNECT",
        "SET_STACK_SIZE",
        "SHM_DISABLE",
        "SHM_LOCALITY",
        "SHM_USE_CUDA_MEMCPY",
        "SINGLE_RING_THRESHOLD",
        "SOCKET_FAMILY",
        "SOCKET_IFNAME",
        "SOCKET_INLINE",
        "SOCKET_MIN_TASKSIZE",
        "SOCKET_NTHREADS",
        "SOCKET_POLL_TIMEOUT_MSEC",
        "SOCKET_RETRY_CNT",
        "SOCKET_RETRY_SLEEP_MSEC",
        "THREAD_THRESHOLDS",
        "TOPO_DUMP_FILE",
        "TOPO_DUMP_FILE_RANK",
        "TOPO_FILE",
        "TREE_THRESHOLD",
        "TUNER_CONFIG_FILE",
        "TUNER_PLUGIN",
        "WARN_ENABLE_DEBUG_INFO",
        "WIN_ENABLE",
        "WORK_ARGS_BYTES",
        "WORK_FIFO_BYTES",
    ]
)


# By what NCCL chooses an address where no index is set, since 2.21, and what is usual. Which NCCL runs is not known: it
# comes with the Python packages of a container.
_CHOICE = {"NCCL_IB_ROCE_VERSION_NUM": "2", "NCCL_IB_ADDR_FAMILY": "AF_INET"}


def names(host: Any, want: Want) -> Result:
    """How many lines set what NCCL does not have."""
    unknown = sorted(set(_conf(host)) - _NAMES)
    return want.judge(len(unknown), reason=f"NCCL has no {', '.join(unknown)}: it says nothing and goes on without")


def debug(host: Any, want: Want) -> Result:
    """How much NCCL logs; `off` where the file does not say."""
    return want.judge(_conf(host).get("NCCL_DEBUG", "off").upper().replace("OFF", "off"))


def interfaces(host: Any, want: Want) -> Result:
    """How many of the host's interfaces NCCL may meet the other ranks by."""
    wanted = _conf(host).get("NCCL_SOCKET_IFNAME")
    if wanted is None:
        return want.result(Verdict.FAIL, 0, reason="NCCL_SOCKET_IFNAME is not set: NCCL takes the first that it finds")
    found = output(host, "find /sys/class/net/ -mindepth 1 -maxdepth 1 -printf %s", "%f\n").split("\n")
    here = tuple(sorted(name for name in found if name))
    if not all(re.fullmatch(r"[\w.:@-]{1,64}", name, re.ASCII) for name in here):
        raise CannotTell(f"/sys/class/net holds what is no interface: {here[0]!r}")
    matched = matching(wanted, tuple(name for name in here if name not in ("lo", "bonding_masters")))
    return want.judge(len(matched), reason=f"NCCL_SOCKET_IFNAME={wanted}; the host has {', '.join(here)}")


def ports_left_out(host: Any, want: Want) -> Result:
    """How many of the host's fastest active RDMA ports NCCL may not use."""
    conf = _conf(host)
    rates = {f"{a.name}/{port.number}": port.rate for a in adapters_of(host) for port in a.ports if port.rate}
    if not rates:
        raise CannotTell("no RDMA port is active: fabric.ports and network.ports say how many there should be")
    fastest = tuple(port for port, rate in rates.items() if rate == max(rates.values()))
    used = _used(conf, fastest)
    left = [port for port in fastest if port not in used]
    why = "NCCL_IB_DISABLE is set" if _is_off(conf) else f"NCCL_IB_HCA={conf.get('NCCL_IB_HCA')}"
    return want.judge(len(left), reason=f"{why}: left out are {', '.join(left)}")


def adapters_not_there(host: Any, want: Want) -> Result:
    """How many names of NCCL_IB_HCA are no port of the host; NCCL goes on without them, more slowly."""
    wanted = _conf(host).get("NCCL_IB_HCA", "")
    ports = tuple(f"{adapter.name}/{port.number}" for adapter in adapters_of(host) for port in adapter.ports)
    mark = "=" if wanted.lstrip("^").startswith("=") else ""
    missing = [name for name in wanted.lstrip("^=").split(",") if name and not matching(mark + name, ports)]
    return want.judge(len(missing), reason=f"no port is {', '.join(missing)}; the host has {', '.join(ports)}")


def gid_index(host: Any, want: Want) -> Iterator[Result]:
    """The address that NCCL takes on each active Ethernet port: that at NCCL_IB_GID_INDEX.

    Where no index is set, NCCL chooses since 2.21; an older one takes index 0, which is link-local and RoCE v1.
    """
    conf = _conf(host)
    ports = tuple(active_ports(host))
    used, index = _used(conf, ports), conf.get("NCCL_IB_GID_INDEX", "-1")
    others = [f"{name}={conf[name]}" for name, usual in _CHOICE.items() if conf.get(name, usual) != usual]
    is_chosen = re.fullmatch(r"-\d+", index, re.ASCII) is not None
    gids = () if is_chosen else read_gids(output(host, "env LC_ALL=C ibv_devinfo -v"))

    def of(port: str) -> str:
        if port not in used:
            return "not used"
        if is_chosen and others:
            return ", ".join(["chosen by NCCL", *others])
        if is_chosen:
            raise CannotTell(
                "NCCL_IB_GID_INDEX is not set, and the version of NCCL is not known: before 2.21 it takes 0"
            )
        listed = {str(gid.index): gid for gid in gids if f"{gid.adapter}/{gid.port}" == port}
        if not listed:
            raise CannotTell(f"ibv_devinfo lists no address of {port}")
        gid = listed.get(index)
        return f"{gid.type} over {'IPv4' if gid.is_ipv4 else 'IPv6'}" if gid else f"none, at {index}"

    return each(want, ports, of, "the other hosts are reached by another kind of address, or by none", NO_PORT)


def _is_off(conf: Mapping[str, str]) -> bool:
    return conf.get("NCCL_IB_DISABLE", "0") != "0"


def _used(conf: Mapping[str, str], ports: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the ports that NCCL may use."""
    return () if _is_off(conf) else matching(conf.get("NCCL_IB_HCA", "^"), ports)


def _conf(host: Any) -> dict[str, str]:
    return read_nccl_conf(file_text(host, "/etc/nccl.conf"))


CHECKS = (
    Check(
        "nccl.unknown_names",
        "names in nccl.conf that NCCL does not have",
        Kind.NUMBER,
        names,
        "correct the name in /etc/nccl.conf; NCCL's documentation lists them under Environment Variables",
        unit="names",
        unproven=UNPROVEN,
    ),
    Check(
        "nccl.debug",
        "how much NCCL logs",
        Kind.TEXT,
        debug,
        "take NCCL_DEBUG out of /etc/nccl.conf, or set WARN; set INFO for one run by its environment",
        unproven=UNPROVEN,
    ),
    Check(
        "nccl.interfaces",
        "interfaces that NCCL_SOCKET_IFNAME names",
        Kind.NUMBER,
        interfaces,
        "name the management interface exactly: NCCL_SOCKET_IFNAME==NAME in /etc/nccl.conf; see ip -brief link",
        unit="interfaces",
        unproven=UNPROVEN,
    ),
    Check(
        "nccl.ports_left_out",
        "fastest RDMA ports that NCCL may not use",
        Kind.NUMBER,
        ports_left_out,
        "name all of them in NCCL_IB_HCA of /etc/nccl.conf, or take the line out; see their rates: ibstat",
        unit="ports",
        unproven=UNPROVEN,
    ),
    Check(
        "nccl.adapters_not_there",
        "adapters in NCCL_IB_HCA that the host does not have",
        Kind.NUMBER,
        adapters_not_there,
        "correct NCCL_IB_HCA in /etc/nccl.conf; names change with slots and drivers: ls /sys/class/infiniband",
        unit="adapters",
        unproven=UNPROVEN,
    ),
    Check(
        "nccl.gid_index",
        "address that NCCL takes on RoCE ports",
        Kind.TEXT,
        gid_index,
        "set NCCL_IB_GID_INDEX in /etc/nccl.conf to the index of RoCE v2 over IPv4, which show_gids lists; only NCCL "
        "2.21 and later choose it without",
        unproven=VERBS_UNPROVEN,
    ),
)
