"""Cases of node_exporter's word about itself."""

from check_cases import REFUSED, TOO_SLOW, Answers, Cases, answer

READS = ()

_HTTP = "python3 -c"


def _shows(*lines: str) -> Answers:
    return {_HTTP: answer(status=200, text="# TYPE x gauge\n" + "".join(f"node_{line}\n" for line in lines))}


def _collectors(name: str, cpu: str, nfs: str) -> Answers:
    return _shows(
        f'scrape_collector_{name}{{collector="cpu"}} {cpu}', f'scrape_collector_{name}{{collector="nfs"}} {nfs}'
    )


_UNREAD: list[Answers] = [{_HTTP: REFUSED}, {_HTTP: TOO_SLOW}, _shows("load1 0.5"), {_HTTP: answer(status=500)}]

CASES: dict[str, Cases] = {
    "exporter.collectors": Cases(
        {"value": ["cpu"]},
        [_collectors("success", "1", "0")],
        [_collectors("success", "0", "1"), _shows('scrape_collector_success{collector="nfs"} 1')],
        [*_UNREAD, _shows("scrape_collector_success 1")],
    ),
    "exporter.slowest_collector": Cases(
        {"at_most": 2},
        [_collectors("duration_seconds", "0.0021", "1.9e+00")],
        [_collectors("duration_seconds", "0.0021", "2.5"), _collectors("duration_seconds", "12", "1")],
        _UNREAD,
    ),
    "exporter.textfile_errors": Cases(
        {"value": 0},
        [_shows("textfile_scrape_error 0")],
        [_shows("textfile_scrape_error 1")],
        _UNREAD,
    ),
}
