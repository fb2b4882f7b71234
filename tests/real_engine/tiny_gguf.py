"""Writes the smallest model that llama.cpp takes: random weights, an alphabet of bytes.

The format is GGUF 3, as ggml's docs/gguf.md describes it: a header, keys with typed values, the
list of tensors, then their data, each aligned to 32 bytes. What it generates is noise; what it
costs, counts and reports is real.
"""
import array
import random
import struct

UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # kinds of tokens
ALIGNMENT = 32

WIDTH, HEADS, LAYERS, FEED_FORWARD, CONTEXT = 32, 2, 2, 64, 2048


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def typed(kind, value):
    if kind == STRING:
        return text(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f"}[kind], value)


def key(name, kind, value):
    return text(name) + struct.pack("<I", kind) + typed(kind, value)


def key_of_list(name, kind, values):
    head = text(name) + struct.pack("<IIQ", ARRAY, kind, len(values))
    return head + b"".join(typed(kind, value) for value in values)


def vocabulary():
    """Special tokens, every byte, and the letters: (text, score, kind)."""
    tokens = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    tokens += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    letters = "\u2581abcdefghijklmnopqrstuvwxyz"
    tokens += [(letter, -1.0 - rank, NORMAL) for rank, letter in enumerate(letters)]
    return tokens


def keys(tokens):
    texts, scores, kinds = zip(*tokens)
    return [
        key("general.architecture", STRING, "llama"),
        key("general.name", STRING, "tiny-random"),
        key("llama.context_length", UINT32, CONTEXT),
        key("llama.embedding_length", UINT32, WIDTH),
        key("llama.block_count", UINT32, LAYERS),
        key("llama.feed_forward_length", UINT32, FEED_FORWARD),
        key("llama.attention.head_count", UINT32, HEADS),
        key("llama.attention.head_count_kv", UINT32, HEADS),
        key("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        key("llama.rope.dimension_count", UINT32, WIDTH // HEADS),
        key("llama.vocab_size", UINT32, len(tokens)),
        key("tokenizer.ggml.model", STRING, "llama"),
        key_of_list("tokenizer.ggml.tokens", STRING, texts),
        key_of_list("tokenizer.ggml.scores", FLOAT32, scores),
        key_of_list("tokenizer.ggml.token_type", INT32, kinds),
        key("tokenizer.ggml.unknown_token_id", UINT32, 0),
        key("tokenizer.ggml.bos_token_id", UINT32, 1),
        key("tokenizer.ggml.eos_token_id", UINT32, 2),
    ]


def shapes(vocabulary_size):
    """Tensors by name; the first dimension is the one that lies together in memory."""
    yield "token_embd.weight", (WIDTH, vocabulary_size)
    yield "output_norm.weight", (WIDTH,)
    yield "output.weight", (WIDTH, vocabulary_size)
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{name}.weight", (WIDTH, WIDTH)
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", (WIDTH,)
        for name in ("ffn_gate", "ffn_up"):
            yield f"blk.{layer}.{name}.weight", (WIDTH, FEED_FORWARD)
        yield f"blk.{layer}.ffn_down.weight", (FEED_FORWARD, WIDTH)


def write(path, seed=1):
    """The same bytes for the same seed."""
    chance = random.Random(seed)
    tokens = vocabulary()
    infos, data = [], bytearray()
    for name, shape in shapes(len(tokens)):
        size = shape[0] * (shape[1] if len(shape) > 1 else 1)
        norm = name.endswith("norm.weight")
        weights = array.array("f", (1.0 if norm else chance.gauss(0, 0.3) for _ in range(size)))
        data += bytes(-len(data) % ALIGNMENT)
        infos.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0,
                                              len(data)))
        data += weights.tobytes()
    pairs = keys(tokens)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(pairs))
    head += b"".join(pairs) + b"".join(infos)
    with open(path, "wb") as out:
        out.write(head + bytes(-len(head) % ALIGNMENT) + data)
