"""Those who watch the gateway from outside: what they read, and whether Prometheus' own tool can read it."""
import pathlib
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).parent.parent
# What anybody may ask for: nothing of it may tell who is in a meeting.
PATHS = ("/healthz", "/readyz", "/metrics", "/", "/r/rat", "/api/openapi.json", "/api/v1/meetings", "/api/v1/rooms/rat",
         "/api/v1/rooms/rat/ws", "/api/v1/calls")


def get(port, path, **headers):
    """Status and text, over HTTPS with whatever certificate."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, context=trusting, timeout=10) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode("utf-8", "replace")


def promtool(*arguments, text=""):
    """What Prometheus' tool says; nothing, if all is well."""
    tool = shutil.which("promtool") or ROOT / "target/tools/promtool"
    done = subprocess.run([tool, *arguments], input=text, text=True, capture_output=True, timeout=30)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def documented_alerts():
    """The rules in docs/operator.md."""
    return re.search(r"```yaml\n(groups:.*?)```", (ROOT / "docs/operator.md").read_text("utf-8"), re.DOTALL).group(1)


def documented_figures():
    """The names in the table of docs/operator.md."""
    text = (ROOT / "docs/operator.md").read_text("utf-8").split("## Figures")[1].split("##")[0]
    return set(re.findall(r"^\| `(einwahl_\w+)", text, re.MULTILINE))
