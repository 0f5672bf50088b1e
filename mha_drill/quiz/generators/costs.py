"""What attention costs: multiplications of the scores, bytes of the score matrix, bytes of a KV cache."""

from __future__ import annotations

from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, phrase

KIBI = 1024
MEBI = KIBI * KIBI
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def _flops(random: Random) -> Draw:
    batch, heads = random.choice((1, 2, 4)), random.choice((2, 4, 8))
    length, head_width = random.choice((10, 20, 50, 100)), random.choice((16, 32, 64))
    count = 2 * batch * heads * length * length * head_width
    values = {"B": batch, "H": heads, "L": length, "d": head_width, "answer": f"{count:,}"}
    return Draw(values, answer=str(count))


def _score_bytes(random: Random) -> Draw:
    dtype = random.choice(tuple(BYTES))
    batch, heads = random.choice((1, 2, 4, 8)), random.choice((4, 8, 12, 16, 32))
    length = random.choice((1024, 2048, 4096, 8192))
    mebibytes = batch * heads * length * length * BYTES[dtype] // MEBI
    values = {
        "B": batch,
        "H": heads,
        "L": f"{length:,}",
        "dtype": dtype,
        "bytes": BYTES[dtype],
        "answer": f"{mebibytes:,}",
        "double": f"{4 * mebibytes:,}",
        "length": length,
    }
    return Draw(values, answer=str(mebibytes))


def _cache(random: Random) -> Draw:
    dtype = random.choice(("float16", "bfloat16", "float32"))
    layers, heads, head_width = random.choice(((12, 12, 64), (24, 16, 64), (32, 32, 128), (16, 16, 128)))
    way = random.choice(("all", "grouped", "one"))
    key_heads = {"all": heads, "grouped": heads // 4, "one": 1}[way]
    batch, length = random.choice((1, 4, 8)), random.choice((1024, 2048, 4096, 8192))
    if key_heads * batch * length < KIBI * 4:
        length = 8192
    size = 2 * layers * batch * key_heads * length * head_width * BYTES[dtype]
    values = {
        "layers": layers,
        "H": heads,
        "d": head_width,
        "G": key_heads,
        "way": phrase("costs", way, G=key_heads),
        "B": batch,
        "L": f"{length:,}",
        "length": length,
        "dtype": dtype,
        "bytes": BYTES[dtype],
        "answer": f"{size // MEBI:,}",
    }
    return Draw(values, answer=str(size // MEBI))


GENERATORS = (
    Generator("costs", "score-flops", "number", ("score",), "cost", 2, _flops, ("complexity",)),
    Generator(
        "costs", "score-bytes", "number", ("score", "softmax"), "cost", 2, _score_bytes, ("complexity",)
    ),
    Generator("costs", "cache-bytes", "number", ("project",), "cost", 3, _cache, ("kv-cache",)),
)
