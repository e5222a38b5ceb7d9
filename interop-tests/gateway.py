"""The real gateway on loopback, for as long as a test needs it."""
import contextlib
import json
import subprocess
import sys

from phones import connect


def configuration(sip, media=None, web=None, browsers=None, **meeting):
    """The ports of the doors (on loopback; or an address with one), the first and last of the telephones' media, and one meeting
    in the room `rat`."""
    def at(port):
        address = port if isinstance(port, str) else f"127.0.0.1:{port}"
        return f'listen = ["{address}"]' if port else "listen = []"

    lines = ["[sip]", at(sip), "[web]", at(web), "[browsers]", at(browsers)]
    if media:
        lines += ["[media]", f"first_port = {media[0]}", f"last_port = {media[1]}"]
    # A text, a number or a truth is written in TOML as in JSON.
    lines += ["[[meetings]]", 'room = "rat"', *(f"{word} = {json.dumps(value)}" for word, value in meeting.items())]
    return "\n".join(lines) + "\n"


def audited(folder, what):
    """The entries of the audit that are called so, or begin so, of the gateway whose configuration lies in that folder."""
    told = subprocess.run([sys.argv[1], "audit", "list", "--json", "--config", str(folder / "einwahl.toml")], capture_output=True, text=True, check=True)
    return [entry for entry in json.loads(told.stdout) if entry["what"].startswith(what)]


@contextlib.contextmanager
def serving(folder, text, port, **how):
    """Serves from the moment at which `port` answers to the end of the block."""
    kept = "" if "[store]" in text else f'[store]\nfolder = "{folder}/kept"\n'
    (folder / "einwahl.toml").write_text(kept + text)
    gateway = subprocess.Popen([sys.argv[1], "serve", "--config", str(folder / "einwahl.toml")], **how)
    try:
        connect(port).close()
        yield gateway
    finally:
        gateway.terminate()
        try:
            gateway.wait(2)
        except subprocess.TimeoutExpired:
            gateway.terminate()  # calls are up: they would have their time
            gateway.wait(10)
