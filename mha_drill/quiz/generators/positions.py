"""RoPE by hand: a pair that is turned, and two places with one distance."""

from __future__ import annotations

from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, phrase, shape

QUARTER = 90
MOST_STEPS = 13
MOST_PLACES = 64


def _turn(random: Random) -> Draw:
    degrees = random.choice((30, 45, 60, 90))
    places = [m for m in range(1, MOST_STEPS) if m * degrees % QUARTER == 0 and m * degrees % (4 * QUARTER)]
    place = random.choice(places)
    one, two = random.sample((-5, -3, -2, -1, 1, 2, 3, 4, 5, 6), 2)
    angle = place * degrees
    rest = angle % (4 * QUARTER)
    turned = [(one, two), (-two, one), (-one, -two), (two, -one)][rest // QUARTER]
    values = {
        "pair": shape(one, two),
        "degrees": degrees,
        "m": place,
        "angle": angle,
        "end": phrase("positions", "plain" if angle == rest else "round", angle=angle, rest=rest),
        "answer": shape(*turned),
    }
    return Draw(values, answer=shape(*turned))


def _distance(random: Random) -> Draw:
    query, key = random.sample(range(MOST_PLACES), 2)
    distance = query - key
    other = random.choice([m for m in range(MOST_PLACES) if m != query and 0 <= m - distance < MOST_PLACES])
    values = {
        "m": query,
        "n": key,
        "other": other,
        "distance": distance,
        "taken": distance if distance > 0 else f"({distance})",
        "answer": other - distance,
    }
    return Draw(values, answer=str(other - distance))


GENERATORS = (
    Generator("positions", "rope-turn", "number", ("score",), "score", 2, _turn, ("rope",)),
    Generator("positions", "rope-distance", "number", ("score",), "score", 2, _distance, ("rope",)),
)
