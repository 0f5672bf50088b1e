"""What a line prints: `view` and `transpose` give the same shape and other numbers."""

from __future__ import annotations

from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, mistaken


def _rows(values: list[int], columns: int) -> list[list[int]]:
    return [values[start : start + columns] for start in range(0, len(values), columns)]


def _reshape_or_transpose(random: Random) -> Draw:
    rows, columns = random.sample((2, 3, 4, 5), 2)
    x = _rows(list(range(rows * columns)), columns)
    viewed = _rows(list(range(rows * columns)), rows)
    turned = [[x[i][j] for i in range(rows)] for j in range(columns)]
    row = random.randrange(1, columns)
    transposing = random.random() < 0.5
    call = f"x.transpose(0, 1)[{row}]" if transposing else f"x.view({columns}, {rows})[{row}]"
    right, other = (turned, viewed) if transposing else (viewed, turned)
    start = x[min(row, rows - 1)]
    candidates = [str(each) for each in (other[row], right[row - 1], start, other[row - 1], x[0])]
    values = {"rows": rows, "columns": columns, "call": f"{call}.tolist()", "last": rows * columns - 1}
    answer = str(right[row])
    return Draw(values, right=answer, wrong=mistaken(answer, candidates, random))


def _split(random: Random) -> Draw:
    length, heads, width = random.choice((3, 4, 5)), random.choice((2, 3)), random.choice((2, 3))
    whole = heads * width
    head, position = random.randrange(heads), random.randrange(1, length)

    def at(start: int) -> str:
        return str(list(range(start, start + width)))

    right = at(position * whole + head * width)
    flat = (head * length + position) * width  # view(1, H, L, d), no transpose
    between = str([position * whole + head + heads * place for place in range(width)])  # view(1, L, d, H)
    candidates = [
        at(flat),
        between,
        at(head * whole + position * width),
        at(position * whole),
        at(head * width),
    ]
    candidates += [at((position - 1) * whole + head * width), at(position * whole + (1 - head % 2) * width)]
    values = {
        "last": length * whole - 1,
        "L": length,
        "D": whole,
        "call": f"x.view(1, {length}, {heads}, {width}).transpose(1, 2)[0, {head}, {position}].tolist()",
        "H": heads,
        "d": width,
        "head": head,
        "position": position,
        "flat": at(flat),
        "start": position * whole + head * width,
        "row": position * whole,
    }
    return Draw(values, right=right, wrong=mistaken(right, candidates, random))


def _merge(random: Random) -> Draw:
    length, heads, width = random.choice((2, 3, 4)), random.choice((2, 3)), random.choice((2, 3))
    size = length * width
    position = random.randrange(length)
    right = [head * size + position * width + place for head in range(heads) for place in range(width)]
    flat = list(range(position * heads * width, (position + 1) * heads * width))  # reshape without transpose
    turned = [head * size + position * width + place for place in range(width) for head in range(heads)]
    other = (position + 1) % length
    next_one = [head * size + other * width + place for head in range(heads) for place in range(width)]
    candidates = [str(each) for each in (flat, turned, next_one, right[::-1])]
    call = f"out.transpose(1, 2).reshape(1, {length}, {heads * width})[0, {position}].tolist()"
    values = {
        "last": heads * size - 1,
        "H": heads,
        "L": length,
        "d": width,
        "call": call,
        "position": position,
        "flat": str(flat),
    }
    answer = str(right)
    return Draw(values, right=answer, wrong=mistaken(answer, candidates, random))


GENERATORS = (
    Generator(
        "prints", "view-or-transpose", "choice", ("split", "merge"), "transpose", 2, _reshape_or_transpose
    ),
    Generator("prints", "split-prints", "choice", ("split",), "split", 3, _split),
    Generator("prints", "merge-prints", "choice", ("merge",), "merge", 3, _merge),
)
