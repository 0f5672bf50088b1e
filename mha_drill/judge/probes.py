"""What the submission is tried on: sizes, inputs, masks. All sizes differ, and H is not 3. Judge side.

With B = 1 a wrong mask repeat is accepted; with H = d two wrong scales look the same; with H = 3
`chunk(3, dim=1)` silently cuts heads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from mha_drill.judge.binding import Sizes

FIRST = Sizes(batch=2, heads=4, width=24, query_length=5, key_length=5)
SINGLE = replace(FIRST, heads=1, head_dim=10)


@dataclass(frozen=True, slots=True)
class Probe:
    """One way to try a submission.

    spread: how large the inputs are. twin: a seed for every batch item but the first. first: a seed for the first
    item. last: a seed for the last position of every item. alike: whether every position holds the same token.
    tiled: whether every item of the batch is the same, its mask too. same: whether query, key and value hold the
    same numbers. veil: a seed for the mask. usual: whether the mask is as masks are used, in place of a drawn one.
    """

    name: str
    batch: int = 2
    query_length: int = 5
    key_length: int = 5
    spread: float = 1.0
    seed: int = 11
    train: bool = False
    dropout: float = 0.0
    twin: int = 0
    first: int = 0
    last: int = 0
    alike: bool = False
    tiled: bool = False
    same: bool = False
    veil: int = 5
    usual: bool = False

    def sizes(self, base: Sizes) -> Sizes:
        """Return the sizes of this probe; the width and the heads are the submission's."""
        return replace(
            base,
            batch=self.batch,
            query_length=self.query_length,
            key_length=self.key_length,
            dropout=self.dropout,
        )

    def inputs(self, style: str, width: int) -> dict[str, np.ndarray]:
        """Return the content inputs: `x` alone, or `q`, `k`, `v`, or `q` and `context`; (B, T, width) each."""
        generator = np.random.default_rng(self.seed)

        def draw(length: int) -> np.ndarray:
            nonlocal generator
            generator = np.random.default_rng(self.seed) if self.same else generator
            drawn = generator.standard_normal((self.batch, 1 if self.alike else length, width)) * self.spread
            drawn = np.repeat(drawn, length, axis=1) if self.alike else drawn
            if self.twin:
                drawn[1:] = np.random.default_rng(self.twin).standard_normal(drawn[1:].shape)
            if self.first:
                drawn[:1] = np.random.default_rng(self.first).standard_normal(drawn[:1].shape)
            if self.tiled:
                drawn[:] = drawn[:1]
            if self.last:
                drawn[:, -1] = np.random.default_rng(self.last).standard_normal(drawn[:, -1].shape)
            return drawn

        if style == "x":
            return {"x": draw(self.query_length)}
        if style == "cross":
            return {"q": draw(self.query_length), "context": draw(self.key_length)}
        return {"q": draw(self.query_length), "k": draw(self.key_length), "v": draw(self.key_length)}


SQUARE = Probe("square")
CROSS = Probe("cross", key_length=7)
OTHER = Probe("other", batch=3, query_length=8, key_length=8, seed=12)
LARGE = Probe("large", spread=300.0, seed=13)
FEWER = Probe("fewer", key_length=3, seed=15)
ONE = Probe("one", query_length=1, key_length=1, seed=16)
SOLE = Probe("sole", batch=1, seed=17)
# The token of `ONE` again and again: each position then sees what it would see alone.
ALIKE = replace(ONE, name="alike", query_length=5, key_length=5, alike=True)
# In evaluation with dropout asked for; in training, with much of it and with little.
QUIET = Probe("quiet", dropout=0.5)
NOISY = Probe("noisy", dropout=0.5, train=True)
LITTLE = Probe("little", dropout=0.1, train=True)
# One item again and again, each with another draw: what dropout makes of it in the mean.
THINNED = Probe("thinned", batch=96, dropout=0.3, train=True, tiled=True, seed=18)
LATER = Probe("later", last=88)


@dataclass(frozen=True, slots=True)
class MaskForm:
    """One convention of masks: what its axes are and what its entries mean.

    axes: "ls", "bls", "b1ls", "bs", "b11s", "11ls", "bhls", "(bh)ls", "lengths"; over queries "bl", "bl1", "b1l1",
    "l1"; time first "lsb", "ls1". meaning: "keep", "drop", "add". dtype: "bool", "int" or "float".
    """

    axes: str
    meaning: str
    dtype: str

    @property
    def shape(self) -> str:
        """The mask's shape in letters."""
        if self.axes == "lengths":
            return "(B,)"
        letters = {"l": "L", "s": "S", "b": "B", "h": "H", "1": "1"}
        if self.axes.startswith("("):
            return "(B*H, L, S)"
        return "(" + ", ".join(letters[axis] for axis in self.axes) + ")"


# Names of masks that say yes or no to each position: nobody adds them to scores.
SEEN = re.compile(r"((may|can|could)_?(look|see|attend)|is_?visible|allowed|visible|permitted|keep)(_?mask)?")

# The likelier conventions first: an (L, S) grid for every item and head, then one for padding, then additive.
TIME_FIRST = tuple(
    MaskForm(axes, meaning, dtype)
    for axes in ("lsb", "ls1")
    for meaning, dtype in (("keep", "bool"), ("drop", "bool"), ("keep", "int"), ("add", "float"))
)
FORMS = tuple(
    MaskForm(axes, meaning_, dtype)
    for axes in ("b1ls", "bls", "ls", "b11s", "bs", "11ls", "bhls", "(bh)ls", "b1s", "1ls")
    for meaning_, dtype in (
        ("keep", "bool"),
        ("drop", "bool"),
        ("keep", "int"),
        ("drop", "int"),
        ("add", "float"),
        ("keep", "float"),
        ("drop", "float"),
    )
)


def allowed_for(form: MaskForm, probe: Probe) -> np.ndarray:
    """Return who may see whom, (B, 1, L, S): every row keeps a key and drops one, also when inverted or transposed."""
    if probe.tiled:
        return np.repeat(allowed_for(form, replace(probe, batch=1, tiled=False)), probe.batch, axis=0)
    generator = np.random.default_rng(probe.veil)
    batch, length, key_length = probe.batch, probe.query_length, probe.key_length
    if probe.usual:
        return np.broadcast_to(_usual(form, probe)[:, None], (batch, 1, length, key_length)).copy()
    if form.axes == "lengths":
        lengths = 1 + np.arange(batch) % (key_length - 1)
        return np.broadcast_to(
            (np.arange(key_length) < lengths[:, None])[:, None, None, :], (batch, 1, length, key_length)
        ).copy()
    if form.axes in ("bs", "b11s", "b1s"):
        rows = np.zeros((batch, key_length), dtype=bool)
        for index in range(batch):
            rows[index] = _row(generator, key_length)
        return np.broadcast_to(rows[:, None, None, :], (batch, 1, length, key_length)).copy()
    count = 1 if form.axes in ("ls", "11ls", "1ls", "ls1") else batch
    while True:
        grid = np.stack(
            [np.stack([_row(generator, key_length) for _ in range(length)]) for _ in range(count)]
        )
        columns = grid.any(1).all() and (~grid).any(1).all()
        if columns and not (length == key_length and np.array_equal(grid, grid.swapaxes(1, 2))):
            break
    return np.broadcast_to(grid[:, None], (batch, 1, length, key_length)).copy()


def _usual(form: MaskForm, probe: Probe) -> np.ndarray:
    """Return a mask as it is used, (B, L, S): of the future for every other item, of padding at the end for the rest.

    A mask of keys alone hides nothing in place of the future. No drawn mask lets a row see everything.
    """
    batch, length, key_length = probe.batch, probe.query_length, probe.key_length
    seen = np.ones((batch, length, key_length), dtype=bool)
    if "l" in form.axes and form.axes != "lengths":
        seen[::2] = np.tril(seen[0], key_length - length)
    if form.axes not in ("ls", "11ls", "1ls", "ls1"):
        padding = np.random.default_rng(probe.veil).integers(1, key_length // 2, (batch, 1, 1))
        seen[1::2] &= (np.arange(key_length) < key_length - padding)[1::2]
    else:
        seen[1::2] = seen[0]
    return seen


def _row(generator: np.random.Generator, length: int) -> np.ndarray:
    row = generator.random(length) < 0.6
    keep, drop = generator.permutation(length)[:2]
    row[keep], row[drop] = True, False
    return row


def mask_array(form: MaskForm, allowed: np.ndarray, heads: int) -> np.ndarray:
    """Return the mask of a form that says `allowed`, (B, 1, L, S)."""
    batch, _, length, key_length = allowed.shape
    if form.axes == "lengths":
        lengths: np.ndarray = allowed[:, 0, 0].sum(-1).astype(np.int64)
        return lengths
    shapes: dict[str, np.ndarray] = {
        "ls": allowed[0, 0],
        "1ls": allowed[:1, 0],
        "11ls": allowed[:1],
        "bls": allowed[:, 0],
        "b1ls": allowed,
        "bhls": np.broadcast_to(allowed, (batch, heads, length, key_length)),
        "(bh)ls": np.repeat(allowed[:, 0], heads, 0),
        "bs": allowed[:, 0, 0],
        "b1s": allowed[:, :, 0],
        "b11s": allowed[:, :, :1],
        "bl": allowed[:, 0, :, 0],
        "bl1": allowed[:, 0, :, :1],
        "b1l1": allowed[..., :1],
        "l1": allowed[0, 0, :, :1],
        "lsb": allowed[:, 0].transpose(1, 2, 0),
        "ls1": allowed[0, 0, :, :, None],
    }
    shaped = shapes[form.axes]
    if form.meaning == "add":
        return np.where(shaped, 0.0, -1e9)
    marked: np.ndarray = shaped if form.meaning == "keep" else ~shaped
    kinds = {"bool": np.bool_, "int": np.int64, "float": np.float64}
    return marked.astype(kinds[form.dtype])
