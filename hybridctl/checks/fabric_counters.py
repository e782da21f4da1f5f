"""Checks of the error counters of RDMA ports: all errors since the counters were last set back, mostly at boot.

Some counters are full after 15, 255 or 65535 and stop there (`SATURATION`): what they show is then the least that was.
"""

from collections.abc import Callable, Iterator
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.checks.subjects import each
from hybridctl.parsers.infiniband_sysfs import SATURATION, read_counters

__all__ = ["CHECKS"]

_PORT = "grep -H . /sys/class/infiniband/*/ports/*/counters/*"
_ADAPTER = "grep -H . /sys/class/infiniband/*/ports/*/hw_counters/*"
_VARIES = "counters grow for as long as the host is up: decide how many are too many"


def _counter(name: str, command: str) -> Callable[[Any, Want], Iterator[Result]]:
    """Return the function of the check that reads a counter."""

    def measured(host: Any, want: Want) -> Iterator[Result]:
        ports = read_counters(output(host, command))

        def of(port: str) -> int:
            # Adapters of several makers may be in a host, and not each counts everything.
            if name not in ports[port]:
                raise CannotTell(f"{port} has no counter {name}")
            count = ports[port][name]
            full = SATURATION.get(name)
            if full is not None and count >= full and want.expectation.verdict_of(count) is Verdict.PASS:
                raise CannotTell(f"the counter {name} is full at {full}: there were as many or more")
            return count

        return each(want, ports, of, f"{name} since the counters were set back", "no port has counters")

    measured.__doc__ = f"Read {name} of each port."
    return measured


def _check(id_: str, title: str, name: str, remedy: str, command: str = _PORT) -> Check:
    return Check(id_, title, Kind.NUMBER, _counter(name, command), remedy, unit="errors", varies=_VARIES)


CHECKS = (
    _check(
        "fabric.symbol_errors",
        "symbol errors",
        "symbol_error",
        "clean both ends of the fibre of {subject}; see its bit error rate: mlxlink -d DEVICE -c",
    ),
    _check(
        "fabric.link_downed",
        "links that went down",
        "link_downed",
        "see in the switch's log when the port of {subject} lost its link; set back after the repair: perfquery -x -R",
    ),
    _check(
        "fabric.link_recoveries",
        "links that were trained again",
        "link_error_recovery",
        "swap the transceiver of {subject}; mlxlink -d DEVICE -m shows its temperature and power",
    ),
    _check(
        "fabric.receive_errors",
        "packets received with errors",
        "port_rcv_errors",
        "find the link on the way that damages packets: ibqueryerrors; then swap its cable",
    ),
    _check(
        "fabric.remote_errors",
        "packets marked bad by the other end",
        "port_rcv_remote_physical_errors",
        "the damage is on a link behind the switch of {subject}: ibqueryerrors --switch",
    ),
    _check(
        "fabric.local_integrity",
        "link integrity errors",
        "local_link_integrity_errors",
        "move {subject} to another port of the switch: if the errors stay, change the adapter",
    ),
    _check(
        "fabric.buffer_overruns",
        "buffer overruns",
        "excessive_buffer_overrun_errors",
        "the other end sends more than it was granted: bring the switch's firmware up to date; flint -d DEVICE query",
    ),
    _check(
        "fabric.transmit_discards",
        "packets that could not be sent",
        "port_xmit_discards",
        "look for the congested or dead route: ibqueryerrors --details; ibdiagnet --routing",
    ),
    _check(
        "fabric.sequence_errors",
        "packets out of sequence",
        "packet_seq_err",
        "packets are lost on the way: on Ethernet see pause and drops of the switch, and: ethtool -S IFACE",
        _ADAPTER,
    ),
    _check(
        "fabric.ack_timeouts",
        "acknowledgements that did not come",
        "local_ack_timeout_err",
        "see which peer is gone or cut off: rdma resource show qp; on a network with losses raise NCCL_IB_TIMEOUT",
        _ADAPTER,
    ),
    _check(
        "fabric.receiver_not_ready",
        "retries exhausted because the receiver was not ready",
        "rnr_nak_retry_err",
        "a program posts too few receive buffers: see which one holds the queue pairs: rdma resource show qp pid",
        _ADAPTER,
    ),
    _check(
        "fabric.completion_errors",
        "requests that completed with an error",
        "req_cqe_error",
        "a program's transfers fail: rdma resource show cq; NCCL says more with NCCL_DEBUG=WARN",
        _ADAPTER,
    ),
)
