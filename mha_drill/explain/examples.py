"""Pictures of small matrices with numbers to follow by hand: "how are you", and a few like it.

Each is a pure function, named for the topics in `pictures.py`; the sizes asked for do not change it.
`tests/test_explain.py` runs the code of every equation on the matrices drawn.
"""

from __future__ import annotations

from math import inf, sqrt

from mha_drill.explain.figures import Equation, Equations, Matrix
from mha_drill.explain.sizes import Sizes
from mha_drill.explain.sums import Rows, by_row, divided, times, transposed

WORDS = ("how", "are", "you")
QUERY: Rows = ((1, 0), (0, 1), (1, 1))
KEY: Rows = ((1, 0), (1, 1), (0, 1))
VALUE: Rows = ((10, 0), (0, 10), (10, 10))


def _scores(rows: Rows, name: str = "scores", places: int = 0) -> Matrix:
    return Matrix(name, rows, places, WORDS, WORDS)


def _weights(rows: Rows, name: str = "weights") -> Matrix:
    return Matrix(name, rows, 2, WORDS, WORDS, shaded=True)


def projected(sizes: Sizes) -> Equations:
    """The article's `q_proj(x)`: an identity weight, a bias of ones."""
    x: Rows = ((1, 2, 3, 4), (5, 6, 7, 8))
    identity: Rows = tuple(tuple(float(row == column) for column in range(4)) for row in range(4))
    query: Rows = tuple(tuple(number + 1 for number in row) for row in times(x, transposed(identity)))
    bias: Rows = ((1, 1, 1, 1),)
    given = (Matrix("x", x), Matrix("W.T", identity), Matrix("b", bias), Matrix("q", query))
    return Equations((Equation("q = x @ W.T + b", given, ("@", "+", "=")),))


def scores(sizes: Sizes) -> Equations:
    """The article's "how are you": the key transposed, and the query times it."""
    turned = Matrix("k.transpose(-2, -1)", transposed(KEY), across=WORDS)
    return Equations(
        (
            Equation("", (Matrix("k", KEY, down=WORDS), turned), ("→",)),
            Equation(
                "scores = q @ k.transpose(-2, -1)",
                (Matrix("q", QUERY, down=WORDS), turned, _scores(times(QUERY, transposed(KEY)))),
                ("@", "="),
            ),
        )
    )


def saturated(sizes: Sizes) -> Equations:
    """One query's scores as the head width grows, and their weights without and with the scale."""
    widths = (4, 16, 64, 256)
    names = tuple(f"d={width}" for width in widths)
    usual = (1.5, 0.5, -0.5, -1.5)
    raw: Rows = tuple(tuple(number * sqrt(width) for number in usual) for width in widths)
    scaled: Rows = (usual,) * len(widths)
    return Equations(
        (
            Equation(
                "weights = scores.softmax(dim=-1)",
                (
                    Matrix("scores", raw, 0, names),
                    Matrix("weights", by_row(raw), 2, names, shaded=True),
                ),
                ("→",),
            ),
            Equation(
                "weights = (scores / d ** 0.5).softmax(dim=-1)",
                (
                    Matrix("scores / d ** 0.5", scaled, 1, names),
                    Matrix("weights", by_row(scaled), 2, names, shaded=True),
                ),
                ("→",),
            ),
        )
    )


def masked(sizes: Sizes) -> Equations:
    """The article's four positions under the causal mask: before, filled, and after softmax."""
    size = range(4)
    raw: Rows = tuple(tuple((1 + 4 * row + column) / 10 for column in size) for row in size)
    mask: Rows = tuple(tuple(float(column <= row) for column in size) for row in size)
    filled: Rows = tuple(tuple(raw[i][j] if mask[i][j] else -inf for j in size) for i in size)
    down, across = tuple(f"q{at}" for at in size), tuple(f"k{at}" for at in size)
    before = Matrix("filled", filled, 1, down, across)
    return Equations(
        (
            Equation(
                "filled = scores.masked_fill(mask == 0, -math.inf)",
                (
                    Matrix("scores", raw, 1, down, across),
                    Matrix("mask", mask, 0, down, across),
                    before,
                ),
                ("", "→"),
            ),
            Equation(
                "weights = filled.softmax(dim=-1)",
                (before, Matrix("weights", by_row(filled), 2, down, across, shaded=True)),
                ("→",),
            ),
        )
    )


def normalised(sizes: Sizes) -> Equations:
    """The softmax of "how are you" over the keys, its sums, and the one over the queries."""
    raw = times(QUERY, transposed(KEY))
    right = by_row(raw)
    wrong = transposed(by_row(transposed(raw)))

    def sums(rows: Rows, name: str) -> Matrix:
        return Matrix(name, tuple((sum(row),) for row in rows), 2, WORDS)

    return Equations(
        (
            Equation("", (_scores(raw),)),
            Equation(
                "weights = scores.softmax(dim=-1)",
                (_weights(right), sums(right, "weights.sum(-1)")),
                ("→",),
            ),
            Equation(
                "wrong = scores.softmax(dim=-2)",
                (_weights(wrong, "wrong"), sums(wrong, "wrong.sum(-1)")),
                ("→",),
            ),
        )
    )


def dropped(sizes: Sizes) -> Equations:
    """One row of weights through dropout with p = 0.5, for one throw of the dice."""
    weights: Rows = ((0.1, 0.2, 0.3, 0.4),)
    keep: Rows = ((1, 0, 1, 0),)
    left: Rows = ((0.2, 0.0, 0.6, 0.0),)
    return Equations(
        (
            Equation(
                "dropped = weights * keep / (1 - 0.5)",
                (
                    Matrix("weights", weights, 1, shaded=True),
                    Matrix("keep", keep),
                    Matrix("dropped", left, 1, shaded=True),
                ),
                ("×", "→"),
            ),
        )
    )


def weighed(sizes: Sizes) -> Equations:
    """The weights of "how are you" times its values."""
    weights = by_row(divided(times(QUERY, transposed(KEY)), sqrt(2)))
    terms = (
        _weights(weights),
        Matrix("v", VALUE, 0, WORDS),
        Matrix("output", times(weights, VALUE), 1, WORDS),
    )
    return Equations((Equation("output = weights @ v", terms, ("@", "=")),))


def mixed_heads(sizes: Sizes) -> Equations:
    """Two tokens of two merged heads, and the last map that lets the heads meet."""
    merged: Rows = ((1, 2, 30, 40), (5, 6, 70, 80))
    weight: Rows = ((1, 0, 1, 0), (0, 1, 0, 0), (1, 0, -1, 0), (0, 0, 0, 1))
    heads = ("h0", "h0", "h1", "h1")
    terms = (
        Matrix("merged", merged, across=heads),
        Matrix("W.T", weight, down=heads),
        Matrix("output", times(merged, weight)),
    )
    return Equations((Equation("output = merged @ W.T", terms, ("@", "=")),))


def attended(sizes: Sizes) -> Equations:
    """The whole of "how are you": scores, scaled scores, weights, output."""
    raw = times(QUERY, transposed(KEY))
    scaled = divided(raw, sqrt(2))
    weights = by_row(scaled)
    return Equations(
        (
            Equation(
                "",
                (Matrix("q", QUERY, 0, WORDS), Matrix("k", KEY, 0, WORDS), Matrix("v", VALUE, 0, WORDS)),
            ),
            Equation(
                "scores = q @ k.transpose(-2, -1)",
                (
                    Matrix("q", QUERY, 0, WORDS),
                    Matrix("k.transpose(-2, -1)", transposed(KEY), across=WORDS),
                    _scores(raw),
                ),
                ("@", "="),
            ),
            Equation("scaled = scores / math.sqrt(2)", (_scores(raw), _scores(scaled, "scaled", 2)), ("→",)),
            Equation(
                "weights = scaled.softmax(dim=-1)",
                (_scores(scaled, "scaled", 2), _weights(weights)),
                ("→",),
            ),
            Equation(
                "output = weights @ v",
                (
                    _weights(weights),
                    Matrix("v", VALUE, 0, WORDS),
                    Matrix("output", times(weights, VALUE), 1, WORDS),
                ),
                ("@", "="),
            ),
        )
    )


def growth(sizes: Sizes) -> Equations:
    """Billions of multiplications of the maps and of attention proper, for a width of 512."""
    lengths = (512, 1024, 2048, 4096, 8192)
    billions: Rows = tuple((4 * length * 512**2 / 1e9, 2 * length**2 * 512 / 1e9) for length in lengths)
    terms = (
        Matrix("L", tuple((length,) for length in lengths)),
        Matrix("billions", billions, 2, across=("maps", "attend")),
    )
    return Equations(
        (Equation("billions = torch.hstack([4 * L * 512**2, 2 * L**2 * 512]) / 1e9", terms, ("→",)),)
    )
