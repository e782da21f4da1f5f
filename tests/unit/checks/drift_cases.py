"""Cases of drift: the host is asked nothing; what the control node knows of it stands by `drift`."""

import json

from check_cases import Answers, Cases

READS = ()


def _seen(differing: int, hours: float = 2.0, trouble: str = "") -> Answers:
    named = [f"file /etc/{number}.conf" for number in range(min(differing, 2))]
    return {"drift": json.dumps({"age": hours * 3600, "differing": differing, "named": named, "trouble": trouble})}


CASES: dict[str, Cases] = {
    "drift.resources": Cases(
        {"value": 0},
        [_seen(0), _seen(0, 26), _seen(0, 0)],
        [_seen(1), _seen(7, 0.1)],
        [
            _seen(0, 26.1),
            _seen(3, -0.5),
            _seen(0, 1, "no provision or check of drift has come to the end of this host yet"),
            {},
        ],
    ),
}
