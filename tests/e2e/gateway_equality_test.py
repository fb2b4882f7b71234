"""Bytes in are bytes out: recorded and generated streams through the gateway, cut at every offset. With
nothing asked for on the gateway's own account they are equal; else equal after only the usage that it
asked for is cut."""
import json
import random
import time

import harness
from gateways import PROMPT, Client, Gateway, ScriptedEngine, post

RECORDED = harness.ROOT / "tests/data/streams"
PAUSE = 0.0002  # between two pieces, so that the gateway reads them apart; nothing depends on it

# What stands between « and » is there because the gateway asked for it.
GENERATED = {
    "continuous": (
        'data: {"choices":[{"delta":{"role":"assistant","content":""}}]«,"usage":null»}\n\n'
        ': keep-alive\n\n'
        'data:{"choices":[{"delta":{"content":"a"}}]«, "usage" : {"completion_tokens":1}»}\n\n'
        'event: x\ndata: {«"usage":{"completion_tokens":2},»"choices":[{"delta":{"content":"é😀"}}]}'
        '\nid: 7\nretry: 5\n\n'
        '«data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\n»'
        'data: [DONE]\n\n'),
    "no end, and words that look like usage": (
        'data: {"choices":[{"delta":{"content":"\\"usage\\":{\\"x\\":1}"}}],"x":{"usage":null}}\n\n'
        'data: {"choices":[{"delta":{"content":"b\\\\"}}]«,"usage":{"a":"}\\"","b":[{}]}»}\n\n'
        '«data: {"usage":{"prompt_tokens":5},"choices":[]}\n\n»'
        'data: {"choices":[{"delta":{"content":"last"}}]}\n'),
    "an error inside": (
        'data: {"choices":[{"delta":{"content":"c"}}]«,"usage":{"completion_tokens":1}»}\n\n'
        'data: {"error":{"message":"the engine died","usage":null}}\n\n'),
    "several data lines, fields that nobody knows": (
        '\n\ndata\ndata: {"choices":[{"text":"d"}],\ndata: "z":1}\nnonsense\n:\n\n'
        'data: [1,2]\n\ndata: "usage"\n\n'),
}


def asked_and_expected(marked):
    asked = marked.replace("«", "").replace("»", "")
    expected = "".join(part.partition("»")[2] if i else part
                       for i, part in enumerate(marked.split("«")))
    return asked.encode(), expected.encode()


def wire(payload, framing):
    """An answer with that payload as bytes, and whether the connection ends with it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    if framing == "length":
        return head + b"Content-Length: %d\r\n\r\n%s" % (len(payload), payload), False
    if framing == "close":
        return head + b"Connection: close\r\n\r\n" + payload, True
    chance = random.Random(len(payload))
    chunks, at = b"", 0
    while at < len(payload):
        size = chance.randrange(1, 200)
        piece = payload[at:at + size]
        chunks += b"%x;ext=1\r\n%s\r\n" % (len(piece), piece)
        at += size
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Trailer: y\r\n\r\n", False


class Script:
    """What the engine sends next: the wire of `payload`, cut at `cut`."""
    payload, framing, cut = b"", "chunked", 0
    asked = None  # whether the last request had stream_options

    def answer(self, head, body):
        self.asked = b'"stream_options":{"include_usage":true' in body
        bytes_, ends = wire(self.payload, self.framing)
        first, rest = bytes_[:self.cut], bytes_[self.cut:]
        yield first
        yield PAUSE
        yield rest
        if ends:
            yield ScriptedEngine.CLOSE


class EqualityTest(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.script = Script()
        engine = ScriptedEngine(self.script.answer)
        self.addCleanup(engine.close)
        self.gateway = self.start(Gateway(self.directory, [
            {"name": "plain", "url": engine.url, "models": ["plain"], "kind": "other"},
            {"name": "asks", "url": engine.url, "models": ["asks"], "kind": "vllm"}]))
        self.client = Client(self.gateway.port)
        self.addCleanup(self.client.close)

    def through(self, model, payload, framing, cut):
        self.script.payload, self.script.framing, self.script.cut = payload, framing, cut
        body = dict(PROMPT, model=model, stream=True)
        status, got = self.client.ask(post("/v1/chat/completions", body, close=False))
        self.assertEqual(status, 200)
        self.assertEqual(self.script.asked, model == "asks")
        return got

    def every_cut(self, model, payload, expected, framing):
        for cut in range(len(wire(payload, framing)[0]) + 1):
            self.assertEqual(self.through(model, payload, framing, cut), expected, (framing, cut))

    def test_generated_streams(self):
        for name, marked in GENERATED.items():
            for line_end in ("\n", "\r\n", "\r"):
                asked, expected = asked_and_expected(marked.replace("\n", line_end))
                with self.subTest(name, line_end=line_end):
                    self.every_cut("asks", asked, expected, "chunked")
                    self.every_cut("plain", asked, asked, "chunked")

    def test_every_framing_of_a_body(self):
        asked, expected = asked_and_expected(GENERATED["continuous"])
        for framing in ("length", "close"):
            with self.subTest(framing):
                self.every_cut("plain", asked, asked, framing)
                self.every_cut("asks", asked, expected, framing)

    def test_recorded_streams(self):
        for path in sorted(RECORDED.glob("*.sse")):
            payload = path.read_bytes()
            with self.subTest(path.name):
                self.every_cut("plain", payload, payload, "chunked")

    def test_of_recorded_streams_only_the_frame_that_was_asked_for_is_cut(self):
        payload = (RECORDED / "llamacpp-chat-usage.sse").read_bytes()
        events = [event for event in payload.split(b"\n\n") if b'"choices":[]' not in event]
        self.every_cut("asks", payload, b"\n\n".join(events), "chunked")

    def test_random_streams_cut_in_many_places(self):
        chance = random.Random(7)
        events = ['data: {"choices":[{"delta":{"content":"x"}}]«,"usage":{"completion_tokens":9}»}\n\n',
                  '«data: {"choices":[],"usage":{"completion_tokens":9}}\n\n»',
                  'data: {"choices":[{"delta":{}}]«,"usage":null»}\n\n', ": ping\n\n", "\n",
                  'data: {"choices":[{"text":"\\u00e9\\n"}],"logprobs":{"usage":{}}}\n\n']
        for number in range(500):
            marked = "".join(chance.choices(events, k=chance.randrange(1, 9)))
            line_end = chance.choice(("\n", "\r\n", "\r"))
            asked, expected = asked_and_expected(marked.replace("\n", line_end))
            cut = chance.randrange(len(asked) + 1)
            self.assertEqual(self.through("asks", asked, "chunked", cut), expected, (number, cut))
            self.assertEqual(self.through("plain", asked, "chunked", cut), asked, (number, cut))

    def test_a_request_may_come_in_any_two_pieces(self):
        seen = []

        def echo(head, body):
            seen.append(body)
            yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        engine = ScriptedEngine(echo)
        self.addCleanup(engine.close)
        gateway = self.start(Gateway(self.directory, [{"name": "echo", "url": engine.url}],
                                     name="echo"))
        data = json.dumps(PROMPT).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(data[i:i + 9]), data[i:i + 9])
                          for i in range(0, len(data), 9)) + b"0\r\n\r\n"
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
        requests = (head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
                    head + b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        with Client(gateway.port) as client:
            for request in requests:
                for cut in range(len(request)):
                    client.send(request[:cut])
                    time.sleep(PAUSE)
                    client.send(request[cut:])
                    status, fields = client.read_head()
                    self.assertEqual((status, client.read_body(fields)), (200, data), cut)
        self.assertEqual(set(seen), {data})


if __name__ == "__main__":
    harness.main()
