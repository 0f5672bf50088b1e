"""What an einsum gives: which axes are summed away and in which order the others come."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, mistaken, shape
from mha_drill.quiz.generators.shapes import draw_sizes


@dataclass(frozen=True, slots=True)
class Product:
    """One einsum of attention: the letters of its two operands, and of what comes out."""

    one: str
    two: str
    out: str

    @property
    def equation(self) -> str:
        """The equation as torch takes it."""
        return f"{self.one},{self.two}->{self.out}"


SCORES = (Product("bhld", "bhsd", "bhls"), Product("blhd", "bshd", "bhls"), Product("bhld", "bhsd", "bhsl"))
SUMS = (Product("bhls", "bhsd", "bhld"), Product("bhls", "bshd", "blhd"), Product("bhls", "bhsd", "blhd"))


def _draw(random: Random, products: tuple[Product, ...]) -> Draw:
    values = draw_sizes(random).values
    size = {"b": values["B"], "h": values["H"], "l": values["L"], "s": values["S"], "d": values["d"]}
    product = random.choice(products)

    def of(letters: str) -> str:
        return shape(*(size[letter] for letter in letters))

    wrong = ["bhls", "bhsl", "bhld", "blhd", "bhlsd", "bhsd"]
    random.shuffle(wrong)
    summed = sorted(set(product.one) & set(product.two) - set(product.out))
    filled = {
        "equation": product.equation,
        "one": of(product.one),
        "two": of(product.two),
        "summed": ", ".join(f"`{letter}`" for letter in summed),
        "answer": of(product.out),
        "out": product.out,
    }
    right = of(product.out)
    return Draw(filled, right=right, wrong=mistaken(right, map(of, wrong), random))


GENERATORS = (
    Generator(
        "einsum", "einsum-scores", "choice", ("score",), "score", 2, lambda random: _draw(random, SCORES)
    ),
    Generator("einsum", "einsum-weigh", "choice", ("weigh",), "weigh", 2, lambda random: _draw(random, SUMS)),
)
