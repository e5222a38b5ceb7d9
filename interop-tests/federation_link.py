"""The link of a member that shares no code with Einwahl: written from docs/federation.md alone, in other words of another language.

`Identity` is what recognises it, `Link` carries messages to one gateway without loss or duplication. What they mean is in federation_member.py.
"""
import asyncio
import base64
import collections
import contextlib
import hashlib
import json
import random
import ssl
import time

import websockets
from aiortc import RTCCertificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SUBPROTOCOL, VERSIONS = "einwahl-link-1", [1]


def pin_of(certificate):
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + base64.urlsafe_b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode()


class Identity:
    """A key on P-256 and its certificate, in a folder; with the name and address under which it stands in the registry."""

    def __init__(self, folder, name, address, leads=False):
        self.name, self.domain, self.address, self.leads = name, f"stadt-{name}.example", address, leads
        made = RTCCertificate.generateCertificate()
        self.certificate, self.files = made._cert, (folder / f"{name}.crt", folder / f"{name}.key")
        self.files[0].write_bytes(made._cert.public_bytes(Encoding.PEM))
        self.files[1].write_bytes(made._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def pin(self):
        return pin_of(self.certificate)

    def tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only the key counts, and is looked at afterwards
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_ecdh_curve("prime256v1")
        context.load_cert_chain(*self.files)
        return context


class Link:
    """One link to one gateway, which outlives the connections under it. `heard` is called with all that it says, once and in order, and
    `told_anew` when all that counts has to be said again (with True), or is said to us again (with False)."""

    def __init__(self, identity, peer, pin, heard, told_anew):
        self.identity, self.peer, self.pin, self.heard, self.told_anew = identity, peer, pin, heard, told_anew
        self.session, self.next, self.kept = random.getrandbits(63), 1, collections.deque()
        self.theirs, self.got, self.acknowledged = None, 0, 0
        self.socket, self.out, self.went, self.connections, self.byes = None, None, False, 0, []

    async def keeps(self):
        """Connects, and does it again after each break."""
        wait = 0.25
        while True:
            before = self.got
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                await self.connects()
            wait = 0.25 if self.got > before else min(30, 2 * wait)
            await asyncio.sleep(wait * random.uniform(0.5, 1))

    async def connects(self, versions=VERSIONS):
        """One connection, from its beginning to its end."""
        async with websockets.connect(
                f"wss://{self.peer}:8448/federation/v1", ssl=self.identity.tls(), subprotocols=[SUBPROTOCOL], compression=None, proxy=None,
                local_addr=(self.identity.address, 0), ping_interval=None, open_timeout=5, close_timeout=1, max_size=65536) as socket:
            shown = socket.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if pin_of(x509.load_der_x509_certificate(shown)) != self.pin:
                raise ConnectionError("another key than the registry tells")
            self.socket, self.out, self.went, self.last, self.asked = socket, asyncio.Queue(), False, time.monotonic(), 0
            self.connections += 1
            far = {} if self.theirs is None else {"got": {"session": self.theirs, "number": self.got}}
            self.send("hello", versions=versions, **far)
            others = [asyncio.create_task(self.writes(socket, self.out)), asyncio.create_task(self.looks_after(socket))]
            try:
                async for text in socket:
                    self.last = time.monotonic()
                    if not await self.takes(socket, json.loads(text)):
                        break
            finally:
                self.went = False
                for task in others:
                    task.cancel()

    async def writes(self, socket, out):
        while True:
            await socket.send(json.dumps(await out.get()))

    async def looks_after(self, socket):
        """Whether the other is there."""
        while True:
            await asyncio.sleep(0.1)
            silent = time.monotonic() - self.last
            if silent > 1.2:
                socket.transport.abort()
            elif silent > 0.4 and time.monotonic() - self.asked > 0.4:
                self.asked = time.monotonic()
                self.acknowledge()
                self.send("ping", mark=random.getrandbits(31))

    def send(self, kind, **words):
        self.out.put_nowait({"kind": kind, **words})

    def acknowledge(self):
        if self.got > self.acknowledged:
            self.acknowledged = self.got
            self.send("got", number=self.got)

    def say(self, do, **words):
        self.kept.append((self.next, {"do": do, **words}))
        self.next += 1
        if self.went:
            self.send("said", number=self.kept[-1][0], what=self.kept[-1][1])

    async def bye(self, socket, why):
        await socket.send(json.dumps({"kind": "bye", "why": why}))
        return False

    async def takes(self, socket, message):
        """What came, and whether the connection goes on."""
        kind = message.get("kind")
        if kind == "hello":
            if not set(VERSIONS) & set(message["versions"]):
                return await self.bye(socket, "noCommonVersion")
            got = message.get("got") or {}
            if got.get("session") == self.session and self.next - 1 - len(self.kept) <= got["number"] < self.next:
                self.forget(got["number"])
            else:
                self.session, self.next = random.getrandbits(63), 1
                self.kept.clear()
                self.told_anew(True)
            self.send("go", session=self.session, **{"from": self.next - len(self.kept)})
            for number, what in self.kept:
                self.send("said", number=number, what=what)
            self.went = True
        elif kind == "go":
            if message["session"] != self.theirs:
                self.theirs, self.got, self.acknowledged = message["session"], message["from"] - 1, message["from"] - 1
                self.told_anew(False)
        elif kind == "said":
            if message["number"] != self.got + 1:
                return await self.bye(socket, "broken")
            self.got += 1
            self.heard(message["what"])
            if self.got - self.acknowledged >= 32:
                self.acknowledge()
        elif kind == "got":
            self.forget(message["number"])
        elif kind == "ping":
            self.acknowledge()
            self.send("pong", mark=message["mark"])
        elif kind == "bye":
            self.byes.append(message["why"])
            return False
        return True

    def forget(self, number):
        while self.kept and self.kept[0][0] <= number:
            self.kept.popleft()

    def is_cut(self):
        """The connection under it breaks at once; the link does not know that it would."""
        self.socket.transport.abort()
