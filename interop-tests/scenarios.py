"""SIPp scenarios of `sipp/`: what their words in braces stand for, and how one is run.

`{INVITE}`, `{ACK 2}`, `{BYE}` and so on are whole messages (the number is the CSeq), `{check Warning: 305}` looks into a header,
`{body a=recvonly}` into the SDP, `{without Require:}` sees that a header is not there.
"""
import itertools
import pathlib
import re
import subprocess

FOLDER = pathlib.Path(__file__).parent / "sipp"

OUTSIDE = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+4930123456@[local_ip]>;tag=[call_number]
To: <sip:[service]@[remote_ip]>
Call-ID: [call_id]
Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70"""

INSIDE = OUTSIDE.replace("[remote_ip]>", "[remote_ip]>[peer_tag_param]")

SDP = """v=0
o=sipp 1 {version} IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0 101
a=rtpmap:101 telephone-event/8000
a={direction}"""


def sdp(version=1, direction="sendrecv"):
    return SDP.format(version=version, direction=direction)


def send(method, number, inside, *headers, body="", repeat=True, uri="sip:[service]@[remote_ip]:[remote_port]"):
    lines = [f"{method} {uri} SIP/2.0", INSIDE if inside else OUTSIDE, f"CSeq: {number} {method}", *headers]
    if body.startswith("v=0"):
        lines.append("Content-Type: application/sdp")
    lines += ["Content-Length: [len]" if body else "Content-Length: 0", "", body]
    how = ' retrans="500"' if repeat else ""
    return f"<send{how}><![CDATA[\n\n" + "\n".join(lines) + "\n]]></send>"


def response(*headers, body=""):
    lines = ["SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]",
             "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>", *headers]
    if body:
        lines.append("Content-Type: application/sdp")
    return "<send><![CDATA[\n\n" + "\n".join(lines + ["Content-Length: [len]", "", body]) + "\n]]></send>"


def headers_in(words):
    return [header for header in words.split("|") if header]


def invite(words="", inside=False, number=1):
    return send("INVITE", number, inside, *headers_in(words), body=sdp())


def ack(words=""):
    return send("ACK", words or 1, True, repeat=False)


def ack_refusal(words=""):
    # In the transaction of the INVITE: its branch, which is that of the message sent before.
    return ack(words).replace("[branch]", "[branch-{back}]")


def bye(words=""):
    return send("BYE", words or 2, True) + '\n<recv response="200"/>'


def update(words):
    number, _, headers = words.partition(" ")
    return send("UPDATE", number, True, *headers_in(headers)) + '\n<recv response="200"/>'


def reinvite(words):
    number, direction, headers = (words.split(" ", 2) + [""])[:3]
    what = send("INVITE", number, True, *headers_in(headers), body=sdp(number, direction))
    return what + '\n<recv response="100" optional="true"/>'


def key(words):
    number, kind, signal = words.split(" ", 2)
    return send("INFO", number, True, f"Content-Type: {kind}", body=signal) + '\n<recv response="200"/>'


def strange(words):
    number, method = words.split()
    return send(method, number, False, body=sdp() if method == "INVITE" else "").replace(
        "To: <sip:[service]@[remote_ip]>", "To: <sip:[service]@[remote_ip]>;tag=nobody")


WORDS = {
    "OUTSIDE": lambda _: OUTSIDE,
    "INSIDE": lambda _: INSIDE,
    "SDP": lambda _: sdp(),
    "INVITE": invite,
    "INVITE_WITH": invite,
    "ANSWERED": lambda _: '<recv response="100"/>\n<recv response="180"/>\n<recv response="200"/>\n' + ack(),
    "ACK": ack,
    "ACK_ANSWER": lambda number: send("ACK", number, True, body=sdp(), repeat=False),
    "ACK_REFUSAL": ack_refusal,
    "BYE": bye,
    "BYE_AGAIN": lambda _: send("BYE", 3, True),
    "BYE_COMES": lambda _: '<recv request="BYE" timeout="25000"/>\n' + response(),
    "UPDATE": update,
    "REINVITE": reinvite,
    "KEY": key,
    "STRANGE": strange,
    "OK": lambda _: response(),
    "OK_SDP": lambda _: response(body=sdp(2)),
}

ports = itertools.count(25_200, 4)


def whole(name, values):
    """The scenario, with everything in it that its words stand for."""
    text = (FOLDER / f"{name}.xml").read_text(encoding="utf-8")
    for word, value in values.items():
        text = text.replace("{" + word + "}", value)
    text = re.sub(r"\{([A-Z_]+)(?: ([^{}]*))?\}", lambda found: WORDS[found[1]](found[2] or ""), text)
    used = []

    def variable():
        used.append(str(len(used) + 1))
        return used[-1]

    def look(found):
        what, words = found[1], found[2]
        if what == "body":
            return f'<ereg regexp="{words}" search_in="body" check_it="true" assign_to="{variable()}"/>'
        header, _, value = words.partition(":")
        check = 'check_it_inverse="true"' if what == "without" else 'check_it="true"'
        return f'<ereg regexp="{value.strip() or "."}" search_in="hdr" header="{header}:" {check} assign_to="{variable()}"/>'

    text = re.sub(r"\{(check|body|without) ([^{}]*)\}", look, text)
    if used:
        text = text.replace("</scenario>", f'<Reference variables="{",".join(used)}"/>\n</scenario>')
    return with_branches(text)


def with_branches(text):
    """How far back, in SIPp's count of all messages, the INVITE is that a refusal's ACK belongs to."""
    steps, last_invite = 0, 0
    pieces = re.split(r"(<send.*?</send>|<recv.*?(?:/>|</recv>)|<pause[^>]*/>|<nop[^>]*/>)", text, flags=re.S)
    for at, piece in enumerate(pieces):
        if not piece.startswith(("<send", "<recv", "<pause", "<nop")):
            continue
        if "[branch-{back}]" in piece:
            pieces[at] = piece.replace("{back}", str(steps - last_invite))
        elif re.search(r"\n\nINVITE ", piece):
            last_invite = steps
        steps += 1
    return "".join(pieces)


class Run:
    """A scenario that runs; its messages are kept."""

    def __init__(self, folder, name, port, service="100", transport="u1", address="127.0.0.1", source=None, extra=None, **values):
        """`source`: the address to call from, if not the one that is called; `extra`: a change of the scenario's text."""
        own = next(ports)
        self.folder = folder / f"{name}-{own}"
        self.folder.mkdir()
        scenario = self.folder / "scenario.xml"
        text = whole(name, values)
        scenario.write_text(text.replace(*extra) if extra else text, encoding="utf-8")
        host = f"[{address}]" if ":" in address else address
        command = ["sipp", f"{host}:{port}", "-sf", str(scenario), "-i", source or address, "-p", str(own), "-mp", str(own + 10_000), "-m", "1",
                   "-s", service, "-t", transport, "-nostdin", "-recv_timeout", "8000", "-timeout", "70", "-trace_msg", "-message_file",
                   str(self.folder / "messages"), "-trace_err", "-error_file", str(self.folder / "errors")]
        with open(self.folder / "screen", "w", encoding="utf-8") as screen:
            self.process = subprocess.Popen(command, stdout=screen, stderr=screen, cwd=self.folder)

    def messages(self):
        file = self.folder / "messages"
        return file.read_text(errors="replace") if file.exists() else ""

    def faults(self):
        """Waits for its end; what went wrong, if anything."""
        if self.process.wait(90) == 0:
            return ""
        errors = self.folder / "errors"
        told = errors.read_text(errors="replace") if errors.exists() else (self.folder / "screen").read_text(errors="replace")
        return told.strip()[:1500] or "failed"
