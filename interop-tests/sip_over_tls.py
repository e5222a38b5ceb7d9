"""A system that calls by SIP over mutual TLS, right or wrong in every word."""
import base64
import contextlib
import re
import secrets
import socket
import ssl

DOMAIN = "stadt-a.example"

SDP = "v=0\r\no=- 1 1 IN IP4 {media}\r\ns=-\r\nc=IN IP4 {media}\r\nt=0 0\r\nm=audio 40000 {protocol} 8\r\na=rtpmap:8 PCMA/8000\r\n"
CRYPTO = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{base64.b64encode(secrets.token_bytes(30)).decode()}|2^31\r\n"


class Refused(Exception):
    """TLS, or TCP, ends."""


class System:
    """One connection."""

    def __init__(self, folder, certificate, key, source, to=("127.1.0.1", 5061), version=None):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_verify_locations(folder / "ca.pem")
        if certificate:
            tls.load_cert_chain(folder / f"{certificate}.pem", folder / f"{key}.key")
        if version:
            tls.minimum_version = tls.maximum_version = version
        self.source = source
        stream = socket.create_connection(to, timeout=5, source_address=(source, 0))
        try:
            self.stream = tls.wrap_socket(stream, server_hostname=DOMAIN)
            self.rest = b""
            # In TLS 1.3 a server says only after its handshake what it thinks of a certificate.
            if self.asks("OPTIONS", f"sip:{DOMAIN}") != 200:
                raise Refused("OPTIONS")
        except (OSError, EOFError) as error:
            stream.close()
            raise Refused(str(error)) from error

    def says(self, text):
        self.stream.sendall(text.encode())

    def hears(self, cseq=None, final=True):
        """The next answer, perhaps to that request, perhaps a final one."""
        while True:
            while b"\r\n\r\n" not in self.rest:
                piece = self.stream.recv(65536)
                if not piece:
                    raise EOFError
                self.rest += piece
            head, _, rest = self.rest.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length:\s*(\d+)", head, re.I)[1])
            while len(rest) < length:
                rest += self.stream.recv(65536)
            self.rest = rest[length:]
            text = head.decode()
            if not text.startswith("SIP/2.0"):
                self.last_request = text
                continue
            status = int(text.split()[1])
            if (cseq is None or f" {cseq}" in re.search(r"cseq:(.*)", text, re.I)[1]) and (status >= 200 or not final):
                return status, text

    def request(self, method, uri, to=None, sender="stadt-c.example", name='"Cem"', user="+4930900042", media=None, call=None, tag=None, to_tag="", number=1,
                more="", branch=None, plain=False):
        self.call = call or secrets.token_hex(8)
        self.tag = tag or secrets.token_hex(4)
        self.branch = branch or f"z9hG4bK{secrets.token_hex(8)}"
        offer = SDP.format(media=media, protocol="RTP/AVP") if plain else SDP.format(media=media, protocol="RTP/SAVP") + CRYPTO
        body = offer if media else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TLS {self.source}:5061;branch={self.branch}\r\nMax-Forwards: 70\r\n"
                f"From: {name} <sip:{user}@{sender}>;tag={self.tag}\r\nTo: <{to or uri}>{to_tag}\r\nCall-ID: {self.call}\r\nCSeq: {number} {method}\r\n"
                f"Contact: <sip:{self.source}:5061;transport=tls>\r\n{kind}{more}Content-Length: {len(body)}\r\n\r\n{body}")

    def asks(self, method, uri, **how):
        """The status that it gets."""
        self.says(self.request(method, uri, **how))
        self.uri, self.how = uri, how
        status, text = self.hears(method)
        self.answer = text
        if method == "INVITE" and status >= 300:
            self.acknowledges(status)
        return status

    def inside(self, method, number=2, **how):
        """A request in the call that is up; its status."""
        to_tag = ";tag=" + re.search(r"^to:.*;tag=([^\s;]+)", self.answer, re.I | re.M)[1]
        self.says(self.request(method, self.uri, call=self.call, tag=self.tag, to_tag=to_tag, number=number, **how))
        return None if method == "ACK" else self.hears(method)[0]

    def acknowledges(self, status=200):
        # RFC 3261 section 17.1.1.3: of a refusal it belongs to the INVITE itself.
        self.inside("ACK", number=1, **({"branch": self.branch} if status >= 300 else {}))

    def calls(self, room="rat", **how):
        """The status of a call to a room; of one that is taken it is acknowledged."""
        how.setdefault("media", self.source)
        status = self.asks("INVITE", f"sip:{room}@{DOMAIN}", **how)
        if status == 200:
            self.acknowledges()
        return status

    def is_alone(self):
        """Whether the gateway ends the connection."""
        with contextlib.suppress(OSError):
            self.stream.settimeout(3)
            return self.stream.recv(10) == b""
        return False

    def ends(self):
        self.stream.close()
