"""Attention as lines of code: which of them is wrong, and in which order they stand."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, phrase
from mha_drill.records import STEPS, Step


@dataclass(frozen=True, slots=True)
class Slip:
    """One line written wrong: what stood there, and what stands there now. name: its reason in `[phrases]`."""

    name: str
    step: Step
    line: int
    old: str
    new: str


SLIPS = (
    Slip("split", "split", 1, ".transpose(1, 2)", ""),
    Slip("shared", "project", 2, "k_proj", "q_proj"),
    Slip("turned", "split", 3, ".view({B}, {L}, {H}, {d}).transpose(1, 2)", ".view({B}, {H}, {L}, {d})"),
    Slip("axes", "score", 4, "k.transpose(-2, -1)", "k.transpose(1, 2)"),
    Slip("scale", "scale", 5, "math.sqrt({d})", "math.sqrt({D})"),
    Slip("factor", "scale", 5, "math.sqrt({d})", "{d}"),
    Slip("triangle", "mask", 6, "torch.tril", "torch.triu"),
    Slip("inverted", "mask", 7, "mask == 0", "mask == 1"),
    Slip("fill", "mask", 7, "-torch.inf", "0.0"),
    Slip("softmax", "softmax", 8, "dim=-1", "dim=-2"),
    Slip("heads", "softmax", 8, "dim=-1", "dim=1"),
    Slip("weighed", "weigh", 9, "weights @ v", "weights @ k"),
    Slip("merge", "merge", 10, ".transpose(1, 2).reshape", ".reshape"),
    Slip("view", "merge", 10, ".transpose(1, 2).reshape", ".transpose(1, 2).view"),
    Slip("output", "output", 11, "o_proj(out)", "out"),
)
SLIPPED = tuple(step for step in STEPS if any(slip.step == step for slip in SLIPS))


def _lines(sizes: dict[str, int]) -> list[str]:
    cut = "({B}, {L}, {H}, {d}).transpose(1, 2)"
    lines = [
        f"q = q_proj(x).view{cut}",
        f"k = k_proj(x).view{cut}",
        f"v = v_proj(x).view{cut}",
        "scores = q @ k.transpose(-2, -1)",
        "scores = scores / math.sqrt({d})",
        "mask = torch.tril(torch.ones({L}, {L}))",
        "scores = scores.masked_fill(mask == 0, -torch.inf)",
        "weights = torch.softmax(scores, dim=-1)",
        "out = weights @ v",
        "out = out.transpose(1, 2).reshape({B}, {L}, {D})",
        "y = o_proj(out)",
    ]
    return [line.format(**sizes) for line in lines]


def _sizes(random: Random) -> dict[str, int]:
    heads, head_width = random.sample((2, 4, 8, 16), 2)
    batch, length = random.choice((2, 3, 6)), random.choice((5, 7, 10, 12))
    return {"B": batch, "L": length, "D": heads * head_width, "H": heads, "d": head_width}


def _spot(random: Random) -> Draw:
    sizes = _sizes(random)
    slip = random.choice(SLIPS)
    lines = _lines(sizes)
    fix = lines[slip.line - 1]
    old, new = slip.old.format(**sizes), slip.new.format(**sizes)
    wrong = fix.replace(old, new)
    first = random.randint(max(1, slip.line - 4), min(slip.line, 7))
    shown = lines[first - 1 : first + 4]
    place = slip.line - first
    shown[place] = wrong
    reason = phrase("lines", slip.name, **sizes)
    values = {**sizes, "reason": reason, "first": first, "slip": slip.name}
    return Draw(values, answer=str(place + 1), code="\n".join(shown), fix=fix, steps=(slip.step,))


def _order(random: Random) -> Draw:
    sizes = _sizes(random)
    names = random.choice((("q", "k", "v"), ("query", "key", "value"), ("Q", "K", "V")))
    q, k, v = names
    masked = random.random() < 0.5
    lines = [
        f"scores = {q} @ {k}.transpose(-2, -1) / math.sqrt({{d}})",
        f"{'kept' if masked else 'weights'} = torch.softmax({'hidden' if masked else 'scores'}, dim=-1)",
        f"heads = {'kept' if masked else 'weights'} @ {v}",
        "merged = heads.transpose(1, 2).contiguous()",
        "flat = merged.view({B}, {L}, {D})",
        "y = o_proj(flat)",
    ]
    if masked:
        lines.insert(1, "hidden = scores.masked_fill(mask == 0, -torch.inf)")
    values = {**sizes, "names": f"`{q}`, `{k}`, `{v}`", "q": q, "k": k, "v": v}
    return Draw(values, lines=tuple(line.format(**sizes) for line in lines))


GENERATORS = (
    Generator("lines", "spot-line", "spot", SLIPPED, "attention", 2, _spot),
    Generator(
        "lines", "order-lines", "order", ("score", "softmax", "weigh", "merge"), "attention", 2, _order
    ),
)
