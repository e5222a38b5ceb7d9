"""A bad telephone line on loopback: carries the SIP and RTP of one call, loses packets and delays them unevenly.

SIP passes through and only the ports of the media are rewritten (with as many digits), so that RTP passes through too.
"""
import heapq
import random
import select
import socket
import threading
import time


class LossyLine:
    def __init__(self, sip, gateway_sip, gateway_media, phone_media, loss, jitter, seed):
        """`sip`: the port to call; the ports of the gateway's and of the phone's RTP are known beforehand."""
        self.loss, self.jitter, self.random = loss, jitter, random.Random(seed)
        self.gateway_sip, self.phone_sip = ("127.0.0.1", gateway_sip), None
        self.ports = {gateway_media: gateway_media + 10, phone_media: phone_media + 10}
        self.sip_in, self.sip_out = self.bound(sip), self.bound(0)
        # What comes in at a side's stand-in goes to that side, from the stand-in of the other.
        self.media = {self.bound(alias): port for port, alias in self.ports.items()}
        self.stand_in = {port: next(s for s, p in self.media.items() if p != port) for port in self.ports}
        self.waiting, self.lost, self.carried, self.stopped = [], 0, 0, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def bound(port):
        it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        it.bind(("127.0.0.1", port))
        return it

    def rewritten(self, message):
        for port, alias in self.ports.items():
            message = message.replace(f"m=audio {port} ".encode(), f"m=audio {alias} ".encode())
        return message

    def run(self):
        number = 0
        while not self.stopped:
            pause = max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else 0.05
            for ready in select.select([self.sip_in, self.sip_out, *self.media], [], [], min(pause, 0.05))[0]:
                datagram, source = ready.recvfrom(4096)
                if ready is self.sip_in:
                    self.phone_sip = source
                    self.sip_out.sendto(self.rewritten(datagram), self.gateway_sip)
                elif ready is self.sip_out and self.phone_sip:
                    self.sip_in.sendto(self.rewritten(datagram), self.phone_sip)
                elif ready in self.media:
                    self.carried += 1
                    if self.random.random() < self.loss:
                        self.lost += 1
                        continue
                    port = self.media[ready]
                    number += 1
                    due = time.monotonic() + self.random.uniform(0, self.jitter)
                    heapq.heappush(self.waiting, (due, number, self.stand_in[port], datagram, port))
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, sender, datagram, port = heapq.heappop(self.waiting)
                sender.sendto(datagram, ("127.0.0.1", port))

    def ends(self):
        self.stopped = True
        self.thread.join(2)
        for it in [self.sip_in, self.sip_out, *self.media]:
            it.close()
