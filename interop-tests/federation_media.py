"""The media connection of such a member as federation_member.py is: the checks, DTLS, SRTP and RTP of docs/federation.md."""
import asyncio
import random
import time

from aioice import stun
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport, RTCRtpCodecParameters
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpReceiveParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

SOUND = RTCRtpReceiveParameters(codecs=[RTCRtpCodecParameters("audio/opus", 48000, 2, payloadType=111)],
                                headerExtensions=[RTCRtpHeaderExtensionParameters(1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level")])


class Media(asyncio.DatagramProtocol):
    """The one media connection between two gateways."""

    def __init__(self, identity, heard):
        self.identity, self.heard = identity, heard
        self.ufrag, self.password = f"{random.getrandbits(32):08x}", f"{random.getrandbits(128):032x}"
        self.certificate = RTCCertificate.generateCertificate()
        self.inbox, self.peer, self.consent, self.dtls, self.pending = asyncio.Queue(), None, 0, None, set()
        self.levels, self.role = HeaderExtensionsMap(), "controlled"  # a word that aiortc asks for
        self.levels.configure(SOUND)

    async def opens(self):
        self.socket, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(self.identity.address, 0))
        return self

    def told(self):
        """What the other side has to know."""
        fingerprint = next(one.value for one in self.certificate.getFingerprints() if one.algorithm == "sha-256")
        return {"addresses": [f"{self.identity.address}:{self.socket.get_extra_info('sockname')[1]}"], "fingerprint": f"sha-256 {fingerprint}",
                "ufrag": self.ufrag, "password": self.password}

    async def meets(self, theirs, dials):
        """Until the keys are there; whoever dials goes on with its checks."""
        self.theirs = theirs
        if dials:
            host, _, port = theirs["addresses"][0].rpartition(":")
            self.checking = asyncio.create_task(self.checks((host.strip("[]"), int(port))))
        while not self.peer:
            await asyncio.sleep(0.02)
        self.dtls = RTCDtlsTransport(self, [self.certificate])
        self.dtls._srtp_profiles = [SRTP_AEAD_AES_128_GCM]
        self.dtls._set_role("client" if dials else "server")
        self.dtls._register_rtp_receiver(self, SOUND)
        await self.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(*theirs["fingerprint"].split())]))

    async def checks(self, place):
        while True:
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            request.attributes |= {"USERNAME": f"{self.theirs['ufrag']}:{self.ufrag}", "PRIORITY": 1, "ICE-CONTROLLING": 1, "USE-CANDIDATE": None}
            request.add_message_integrity(self.theirs["password"].encode())
            self.pending = {*list(self.pending)[-8:], request.transaction_id}
            self.socket.sendto(bytes(request), place)
            await asyncio.sleep(0.5)

    def datagram_received(self, datagram, source):
        if datagram[0] >= 4:
            if source == self.peer:
                self.inbox.put_nowait(datagram)
            return
        message = stun.parse_message(datagram)
        if message.message_class == stun.Class.REQUEST and message.attributes["USERNAME"].startswith(f"{self.ufrag}:"):
            if message.check_message_integrity(self.password.encode()):
                answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id, {"XOR-MAPPED-ADDRESS": source})
                answer.add_message_integrity(self.password.encode())
                self.socket.sendto(bytes(answer), source)
                self.peer, self.consent = source, time.monotonic()
        elif message.transaction_id in self.pending and message.check_message_integrity(self.theirs["password"].encode()):
            self.peer, self.consent = source, time.monotonic()

    async def _recv(self):
        return await self.inbox.get()

    async def _send(self, datagram):
        self.socket.sendto(datagram, self.peer)

    async def _handle_rtp_packet(self, packet, arrival_time_ms):
        self.heard(packet)

    def _handle_disconnect(self):
        pass

    def ready(self):
        return self.dtls is not None and self.dtls.state == "connected" and time.monotonic() - self.consent < 3

    async def sends(self, ssrc, number, when, level, opus):
        packet = RtpPacket(payload_type=111, sequence_number=number % 65536, timestamp=when % 2**32, ssrc=ssrc, payload=opus)
        packet.extensions.audio_level = (True, level)
        await self.dtls._send_rtp(packet.serialize(self.levels))
