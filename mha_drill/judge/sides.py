"""Where query, key and value each are projected and split: the two steps that happen three times. Judge side."""

from __future__ import annotations

from mha_drill.judge.recording import Recording
from mha_drill.judge.roles import Roles, Side
from mha_drill.judge.stepmap import MOVES, Place, last_layout
from mha_drill.judge.wiring import CHANNELS, Wiring

LETTERS = ("q", "k", "v")


def side_places(recording: Recording, wiring: Wiring, roles: Roles) -> dict[str, Place]:
    """Return `project:q` to `split:v` with their places; a step that a side does not have is absent."""
    found: dict[str, Place] = {}
    multiplied = operands(recording, wiring, roles)
    for letter, side in zip(LETTERS, (roles.query, roles.key, roles.value), strict=True):
        own = [index for index in side.projections if index >= 0]
        if own:
            call = wiring.projections[min(own)].call
            found[f"project:{letter}"] = Place(call.line, recording.values[call.outputs[0]].shape, call)
        number = multiplied.get(letter)
        layout = last_layout(recording, _untransposed(recording, number)) if number is not None else None
        if layout is not None and layout.outputs:
            found[f"split:{letter}"] = Place(layout.line, recording.values[layout.outputs[0]].shape, layout)
    return found


def operands(recording: Recording, wiring: Wiring, roles: Roles) -> dict[str, int]:
    """Return the values that go into the scores and the weighing, by letter."""
    scored = [number for number in roles.scores[0].inputs if recording.content[number]][:2]
    reached = recording.after(list(roles.scores))
    weighed = [
        number for number in roles.weighs[0].inputs if recording.content[number] and not reached[number]
    ]
    found: dict[str, int] = {}
    if len(scored) == 2:
        first, second = scored
        if not _holds(wiring, first, roles.query) and _holds(wiring, second, roles.query):
            first, second = second, first
        found |= {"q": first, "k": second}
    if weighed:
        found["v"] = weighed[0]
    return found


def _holds(wiring: Wiring, number: int, side: Side) -> bool:
    """Whether a value is made of a side's projections."""
    labels = wiring.labels.get(number)
    return labels is not None and {int(code) // CHANNELS - 1 for code in labels.channel.flat} <= set(
        side.projections
    )


def _untransposed(recording: Recording, number: int) -> int:
    """Return a key before it was turned for the scores, the last two axes swapped and nothing else."""
    call = recording.producer.get(number)
    if call is None or call.short not in MOVES or len(call.inputs) != 1:
        return number
    before, after = recording.values[call.inputs[0]].shape, recording.values[number].shape
    turned = (*before[:-2], *reversed(before[-2:]))
    return call.inputs[0] if len(before) > 1 and before != after == turned else number


__all__ = ["LETTERS", "operands", "side_places"]
