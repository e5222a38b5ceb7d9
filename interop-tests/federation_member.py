"""A member of the federation that shares no code with Einwahl: written from docs/federation.md alone, in other words of another language.

`Member` knows what is said. What recognises it and carries its messages is in federation_link.py, its sound in federation_media.py.
"""
import asyncio
import collections
import random

from federation_link import Link
from federation_media import Media


class Member:
    """What is said on a link, as one who has people in a room of the other side."""

    def __init__(self, identity, peer_domain, peer, pin):
        self.identity, self.peer_domain = identity, peer_domain
        self.link = Link(identity, peer, pin, self.heard, self.told_anew)
        self.rooms, self.answers, self.shard, self.lines, self.named, self.acts, self.speaking, self.texts = {}, {}, None, {}, set(), [], [], []
        self.room, self.mine, self.media, self.tasks, self.packets, self.ended = None, {}, None, [], collections.defaultdict(list), None
        self.attempt = 0

    def told_anew(self, by_us):
        if by_us and self.room:
            self.tells()
        elif not by_us:
            self.named = set()

    def tells(self):
        self.named = set()
        self.link.say("enter", room=self.room)
        for line in self.mine.values():
            self.link.say("put", room=self.room, line=line)
        self.link.say("allTold", room=self.room)

    async def runs(self):
        """Keeps the link; and the sound, if that is ours to begin: the institution whose domain comes first does."""
        self.tasks.append(asyncio.ensure_future(self.link.keeps()))
        while True:
            if self.identity.domain < self.peer_domain and self.link.went and not (self.media and self.media.ready()):
                self.media = await Media(self.identity, self.receives).opens()
                self.attempt += 1
                self.link.say("offer", attempt=self.attempt, **self.media.told())
                await asyncio.sleep(3)
            await asyncio.sleep(0.1)

    async def asks(self, room, **pin):
        ticket = random.getrandbits(31)
        self.answers[ticket] = asyncio.get_running_loop().create_future()
        self.link.say("ask", ticket=ticket, room=room, **pin)
        answer = await asyncio.wait_for(self.answers[ticket], 5)
        await asyncio.sleep(answer["hold"] / 1000)
        return answer["verdict"]

    def enters(self, room, *lines):
        self.room, self.mine = room, {line["who"]["id"]: line for line in lines}
        self.tells()

    def puts(self, number, **words):
        self.mine[number] |= words
        self.link.say("put", room=self.room, line=self.mine[number])

    def acts_on(self, by, action, event, **whom):
        self.link.say("act", room=self.room, by=self.mine[by]["who"], action=action, event=event, **whom)

    def types(self, number, text):
        self.link.say("text", room=self.room, who=self.mine[number]["who"], text=text)

    def heard(self, what):
        do = what.get("do")
        if do == "rooms":
            self.rooms = {one["room"]: one for one in what["rooms"]}
        elif do == "answer" and what["ticket"] in self.answers:
            self.answers[what["ticket"]].set_result(what)
        elif do == "offer":
            self.tasks.append(asyncio.ensure_future(self.is_offered(what)))
        elif do == "answered" and what["attempt"] == self.attempt:
            self.tasks.append(asyncio.ensure_future(self.media.meets(what, dials=True)))
        elif what.get("room") != self.room:
            return
        elif do == "shard":
            self.shard = what
        elif do == "put":
            who = what["line"]["who"]
            self.lines[who["of"], who["id"]] = what["line"]
            self.named.add((who["of"], who["id"]))
        elif do == "gone":
            self.lines.pop((what["who"]["of"], what["who"]["id"]), None)
        elif do == "allTold":
            self.lines = {who: line for who, line in self.lines.items() if who in self.named}
        elif do == "act":
            self.acts.append(what)
            self.does(what["action"], what.get("whom"))
        elif do == "speaking":
            self.speaking = what["who"]
        elif do == "text":
            self.texts.append((what["who"]["of"], what["who"]["id"], what["text"]))
        elif do in ("refuse", "close"):
            self.ended = what

    def does(self, action, whom):
        """What the home institution wants with ours; moderators are not muted with all others."""
        wish = {"mute": action.get("on"), "muteAll": action.get("on"), "giveFloor": False}.get(action["do"])
        for number, line in self.mine.items():
            meant = line["role"] != "moderator" if whom is None else whom == line["who"]
            if meant and wish is not None:
                self.puts(number, muted=wish, mutedByModerator=wish)

    def leaves(self):
        for line in self.mine.values():
            self.link.say("gone", room=self.room, who=line["who"])
        self.link.say("leave", room=self.room)
        self.room, self.mine, self.lines = None, {}, {}

    async def is_offered(self, offer):
        self.media = await Media(self.identity, self.receives).opens()
        self.link.say("answered", attempt=offer["attempt"], **self.media.told())
        await self.media.meets(offer, dials=False)

    def receives(self, packet):
        self.packets[packet.ssrc].append(packet)
