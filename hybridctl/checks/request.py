"""Ask a service over HTTP from the very host it runs on; a key is read there from its file and never leaves it."""

import json
from dataclasses import dataclass
from typing import Any

from hybridctl.checks.model import CannotTell, Parameter
from hybridctl.checks.reading import run
from hybridctl.refusals import MOST_QUOTED

__all__ = ["SHORT_TIMEOUT", "TIMEOUT", "Answer", "KeyFile", "ask"]

# A worker under load takes its time, and a hanging one is found by it; a connection ends any command after 90 s.
TIMEOUT = {"timeout": Parameter(60, 1, 80, "s")}
# Of an answer that no model has to make.
SHORT_TIMEOUT = {"timeout": Parameter(20, 1, 80, "s")}

# Python 3.9 of openEuler 22.03 must run it. The key file has a line `NAME=KEY` (marker "NAME=") or `KEY NAME` (none).
_SCRIPT = r"""
import json, ssl, sys, time, urllib.error, urllib.request
q = json.loads(sys.argv[1])
headers = {"Content-Type": "application/json"}
def say(**answer):
    print(json.dumps(answer))
    sys.exit()
try:
    if q["key_file"]:
        with open(q["key_file"]) as f:
            lines = [line.strip() for line in f]
        lines = [line for line in lines if line and not line.startswith("#") and line.startswith(q["key_marker"])]
        headers["Authorization"] = "Bearer " + lines[0][len(q["key_marker"]):].split()[0]
    handlers = [urllib.request.ProxyHandler({})]
    if q["ca_file"]:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # What is served must be the very certificate of that file, or signed by one in it; whatever name it has.
        trust.check_hostname = False
        trust.verify_flags |= 0x80000
        trust.load_verify_locations(q["ca_file"])
        handlers.append(urllib.request.HTTPSHandler(context=trust))
    opener = urllib.request.build_opener(*handlers)
except Exception as error:
    say(unreadable=type(error).__name__ + ": " + str(error))
def get(path, body):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(q["url"] + path, data, headers)
    with opener.open(request, timeout=q["timeout"]) as answer:
        return answer.status, answer.read().decode("utf-8", "replace")
before = time.time()
try:
    if q["body"] is not None and not q["body"].get("model"):
        q["body"]["model"] = json.loads(get("/v1/models", None)[1])["data"][0]["id"]
    status, text = get(q["path"], q["body"])
except urllib.error.HTTPError as error:
    status, text = error.code, error.read().decode("utf-8", "replace")
except Exception as error:
    error = getattr(error, "reason", error)
    say(error=type(error).__name__ + ": " + str(error), before=before, after=time.time())
say(status=status, text=text, before=before, after=time.time())
"""


@dataclass(frozen=True)
class KeyFile:
    """Where the key lies on the host.

    Attributes:
        marker: what stands before the key in its line; without one the key is the line's first word.
    """

    path: str
    marker: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status; 0 when there was no answer.
        error: why there was none: refused, no answer in time, a certificate that is not the expected one.
        before: the host's clock when it asked, in seconds since 1970; `after` when the answer was there.
    """

    status: int
    text: str
    error: str
    before: float
    after: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return round(max(self.after - self.before, 0.0), 1)

    @property
    def trouble(self) -> str:
        """Why the answer is no good, empty with status 200."""
        if self.error:
            return self.error
        return "" if self.status == 200 else f"HTTP {self.status}: {' '.join(self.text.split())[:MOST_QUOTED]}"

    def document(self) -> Any:
        """Return the answer as JSON, None when it is none: the service did answer, but with rubbish."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


def ask(
    host: Any,
    url: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    key: KeyFile | None = None,
    ca_file: str = "",
    timeout: int,
) -> Answer:
    """Send one request on the host itself, by its Python.

    Args:
        body: sent by POST; its `model`, when empty, becomes the first one the service offers.
        ca_file: file on the host with the certificate that must be served, or its authority's.
        timeout: seconds of silence after which the service is taken for hanging.

    Raises:
        CannotTell: the request could not be made: no Python, a key that cannot be read.
    """
    question = {
        "url": url,
        "path": path,
        "body": body,
        "key_file": key.path if key else "",
        "key_marker": key.marker if key else "",
        "ca_file": ca_file,
        "timeout": timeout,
    }
    said = run(host, "python3 -c %s %s", _SCRIPT, json.dumps(question, sort_keys=True)).stdout
    try:
        answer = json.loads(said)
        if "unreadable" in answer:
            raise CannotTell(f"the request could not be made: {answer['unreadable']}")
        return Answer(
            status=int(answer.get("status", 0)),
            text=str(answer.get("text", "")),
            error=str(answer.get("error", "")),
            before=float(answer["before"]),
            after=float(answer["after"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotTell(f"the request's answer cannot be read: {str(said)[:MOST_QUOTED]!r}") from None
