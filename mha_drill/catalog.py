"""`problems/` and `solutions/` read into records; every command that speaks of a problem starts here.

The start of `quiz` and `list` waits for this room, so it reads no more than is asked for: of a `problem.toml`
only what stands before its first list other than `[[hints]]`, until somebody wants the lists as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Final, get_args

from mha_drill.errors import DrillError, UsageError
from mha_drill.records import (
    LANGS,
    QUESTION_KINDS,
    STEPS,
    CodeSpec,
    Edit,
    Form,
    Inputs,
    OutputProjection,
    Point,
    Problem,
    Question,
    QuestionKind,
    Returns,
    Step,
    Text,
)
from mha_drill.tables import Table, read_text

QUESTION_BANK: Final = "questions"
OUTLINE_LENGTH: Final = 600
"""Where the fields that a question is filed under stand: before its texts."""
LETTERS: Final = "ABCDEFGH"
SOLUTION_ENDINGS: Final = ("", "_numpy")
SOURCES: Final = ("interview-sheet", "view-article", "interviews")

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_REST = re.compile(r"^\[\[(?!hints\]\])", re.MULTILINE)
_QUESTION = re.compile(r"^(?=\[\[questions\]\]$)", re.MULTILINE)
_FIELD = re.compile(r"^(id|kind|topic|difficulty|steps|covers) *= *(.+)$", re.MULTILINE)


def load_catalog(root: Path | None = None) -> Catalog:
    """Return the catalogue of the content under `root`, else of the content this package came with."""
    if root is None:
        package = Path(__file__).resolve().parent
        inside = package / "_content"
        root = inside if inside.is_dir() else package.parent
    if not (root / "problems").is_dir():
        raise DrillError("catalog.no-content", path=root / "problems")
    return Catalog(root)


def file_stem(problem: Problem) -> str:
    """Return the problem's id as Python files spell it."""
    return problem.id.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Outline:
    """What a question is filed under, told without reading it: the whole bank is looked through at every start."""

    id: str
    kind: str
    steps: tuple[str, ...]
    difficulty: int
    topic: str
    covers: tuple[str, ...]
    read: Callable[[], Question] = field(repr=False)


class Catalog:
    """What there is to drill. Folders are read when they are asked for, each once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[str, Problem] = {}

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of all problems, by alphabet; nothing is read for them."""
        folders = (self.root / "problems").iterdir()
        return tuple(sorted(folder.name for folder in folders if (folder / "problem.toml").is_file()))

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All problems, in the order to learn them."""
        return tuple(sorted(map(self._problem, self.ids), key=lambda problem: problem.order))

    def problem(self, name: str) -> Problem:
        """Return the problem of that id (underscores will do); a UsageError offers the close ones."""
        wanted = name.strip().lower().replace("_", "-")
        if wanted in self.ids:
            return self._problem(wanted)
        from difflib import get_close_matches

        close = get_close_matches(wanted, self.ids, cutoff=0.5)
        if close:
            raise UsageError("catalog.unknown-problem-close", name=name, close=", ".join(close))
        raise UsageError("catalog.unknown-problem", name=name)

    def questions(self) -> tuple[Question, ...]:
        """Return every question with an answer to mark: the folders' in learning order, then the bank's."""
        asked = [self._folder_question(problem) for problem in self.problems if problem.kind != "code"]
        for step in STEPS:
            path = self.root / "problems" / QUESTION_BANK / f"{step}.toml"
            if path.is_file():
                bank = Table.parse(path, read_text(path))
                asked += [_question(table, steps=(step,)) for table in bank.tables("questions")]
        return tuple(asked)

    def outlines(self) -> tuple[Outline, ...]:
        """Return every question, unread, in the order of `questions`; a broken one is said when it is read."""
        found = [
            _outline(read_text(problem.folder / "problem.toml"), (), partial(self._folder_question, problem))
            for problem in self.problems
            if problem.kind != "code"
        ]
        for step in STEPS:
            path = self.root / "problems" / QUESTION_BANK / f"{step}.toml"
            if path.is_file():
                pieces = _QUESTION.split(read_text(path))[1:]
                found += [_outline(piece, (step,), partial(_piece, path, piece, step)) for piece in pieces]
        return tuple(found)

    def mistakes(self, problem: Problem) -> tuple[Edit, ...]:
        """Return the mistakes listed for a code problem, each as one edit of its main solution."""
        rows = _whole(problem.folder).tables("mistakes")
        return tuple(Edit(row.string("code"), row.string("old"), row.string("new")) for row in rows)

    def skeleton(self, problem: Problem) -> str:
        """Return the blank a learner starts from; its first line names the problem."""
        if problem.code is None:
            raise UsageError("catalog.no-code", name=problem.id, kind=problem.kind)
        return read_text(problem.folder / "skeleton.py")

    def solutions(self, problem: Problem) -> tuple[Path, ...]:
        """Return the reference solutions, the main one (torch) first; none for a question."""
        if problem.code is None:
            return ()
        names = (f"{file_stem(problem)}{ending}.py" for ending in SOLUTION_ENDINGS)
        found = tuple(path for name in names if (path := self.root / "solutions" / name).is_file())
        if not found:
            raise DrillError("catalog.no-solution-file", name=problem.id, path=self.root / "solutions")
        return found

    def solution(self, problem: Problem, *, numpy: bool = False) -> str:
        """Return the code of the main solution, or of the one in numpy; a UsageError where there is none."""
        if problem.code is None:
            raise UsageError("catalog.no-code", name=problem.id, kind=problem.kind)
        main, *others = self.solutions(problem)
        if numpy and not others:
            raise UsageError("catalog.no-numpy", name=problem.id)
        return read_text(others[0] if numpy else main)

    def tests(self, problem: Problem) -> Path:
        """Return the file of the problem's hidden tests."""
        return problem.folder / f"test_{file_stem(problem)}.py"

    def _problem(self, name: str) -> Problem:
        if name not in self._read:
            self._read[name] = _read_problem(self.root / "problems" / name)
        return self._read[name]

    def _folder_question(self, problem: Problem) -> Question:
        table = _whole(problem.folder)
        return _question(table, steps=problem.steps, prompt=problem.statement)


def _read_problem(folder: Path) -> Problem:
    path = folder / "problem.toml"
    source = read_text(path)
    rest = _REST.search(source)
    table = Table.parse(path, source[: rest.start()] if rest else source)
    kind = table.one_of("kind", QUESTION_KINDS)
    statement = {lang: read_text(folder / f"statement.{lang}.md").strip("\n") for lang in LANGS}
    return Problem(
        id=table.one_of("id", (folder.name,)),
        kind=kind,
        order=table.number("order"),
        steps=table.some_of("steps", STEPS),
        difficulty=table.number("difficulty"),
        source=table.one_of("source", SOURCES),
        title=table.text("title"),
        statement=Text(**statement),
        hints=tuple(hint.both() for hint in table.tables("hints")),
        folder=folder,
        code=_code(table) if kind == "code" else None,
    )


def _outline(source: str, steps: tuple[str, ...], read: Callable[[], Question]) -> Outline:
    """Return what the first lines of a question say; the texts further down are never looked at."""
    said = dict(reversed(_FIELD.findall(source[:OUTLINE_LENGTH])))  # the first of a name wins
    named = {name: said.get(name, "").strip("'\" ") for name in ("id", "kind", "topic", "difficulty")}
    listed = tuple(re.findall(r"[a-z-]+", said.get("steps", ""))) or steps
    level = int(named["difficulty"]) if named["difficulty"].isdecimal() else 1
    covers = tuple(re.findall(r"[a-z-]+", said.get("covers", "")))
    return Outline(named["id"], named["kind"], listed, level, named["topic"], covers, read)


def _piece(path: Path, source: str, step: Step) -> Question:
    (table,) = Table.parse(path, source).tables("questions")
    return _question(table, steps=(step,))


def _code(problem: Table) -> CodeSpec:
    table = problem.table("code")
    return CodeSpec(
        form=table.one_of("form", get_args(Form)),
        names=table.strings("names"),
        inputs=table.one_of("inputs", get_args(Inputs)),
        heads=table.flag("heads"),
        causal=table.flag("causal"),
        projections=table.flag("projections"),
        output_projection=table.one_of("output_projection", get_args(OutputProjection)),
        returns=table.one_of("returns", get_args(Returns)),
    )


def _whole(folder: Path) -> Table:
    path = folder / "problem.toml"
    return Table.parse(path, read_text(path))


def _question(table: Table, steps: tuple[Step, ...], prompt: Text | None = None) -> Question:
    kind: QuestionKind = table.one_of("kind", QUESTION_KINDS)
    prompt, code = prompt or table.text("prompt"), table.block("code")
    if code and kind != "spot":
        prompt, code = Text(*(f"{said}\n\n```\n{code}\n```" for said in (prompt.en, prompt.zh))), ""
    options = table.texts("options")
    points = tuple(
        Point(row.string("id"), row.text("say"), row.strings("wordings_en"), row.strings("wordings_zh"))
        for row in table.tables("points")
    )
    return Question(
        id=table.string("id"),
        kind=kind,
        steps=table.some_of("steps", STEPS) if "steps" in table else steps,
        difficulty=table.number("difficulty"),
        source=table.one_of("source", SOURCES),
        title=table.text("title"),
        prompt=prompt,
        why=table.text("why"),
        options=options,
        answer=_answer(table, kind, len(options), code),
        points=points,
        model=table.text("model") if kind == "short" else None,
        topic=table.string("topic") if "topic" in table else "",
        hints=table.texts("hints"),
        unit=table.text("unit") if "unit" in table else None,
        code=code,
        fix=table.string("fix") if kind == "spot" else "",
    )


def _answer(table: Table, kind: QuestionKind, options: int, code: str) -> str:
    if kind == "choice":
        return table.one_of("answer", LETTERS[:options])
    if kind == "spot":
        return table.one_of("answer", [str(line) for line in range(1, len(code.splitlines()) + 1)])
    if kind == "number":
        answer = table.string("answer")
        if not _NUMBER.fullmatch(answer):
            raise table.wrong("answer", answer)
        return answer
    return ""
