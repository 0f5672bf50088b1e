"""The nouns of the drill, as frozen records; every room speaks in them and none of them acts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = get_args(Lang)

Step = Literal["project", "split", "score", "scale", "mask", "softmax", "dropout", "weigh", "merge", "output"]
STEPS: tuple[Step, ...] = get_args(Step)

QuestionKind = Literal["choice", "short", "number", "order", "spot", "code"]
QUESTION_KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)

Group = Literal["load", "construct", "shape", "value", "backward", "robust"]
GROUPS: tuple[Group, ...] = get_args(Group)

Form = Literal["attention", "reshapes"]
Inputs = Literal["qkv", "x"]
OutputProjection = Literal["required", "optional", "none"]
Returns = Literal["output", "output-and-weights"]

Outcome = Literal["passed", "failed", "skipped"]
Verdict = Literal["pass", "fail", "error"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    en: str
    zh: str

    def say(self, lang: Lang) -> str:
        """Return the text in `lang`."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Edit:
    """A listed mistake of a problem: one edit of its solution, and the code `check` must name."""

    code: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """What the judge must be told about a code problem.

    form: "attention" (judged by the ten steps) or "reshapes" (`split-merge`).
    names: the names the skeleton uses; the first is the one an answer is asked for.
    inputs: "qkv" where key and value may be longer than the query, "x" for self-attention alone.
    heads: whether the width is split into heads.
    output_projection: "required", "optional" or "none".
    projections: whether query, key and value have linear maps of their own.
    """

    form: Form
    names: tuple[str, ...]
    inputs: Inputs
    heads: bool
    causal: bool
    projections: bool
    output_projection: OutputProjection
    returns: Returns


@dataclass(frozen=True, slots=True)
class Problem:
    """One folder of `problems/`: a code problem, or one of the two first questions.

    order: its place in the order to learn them, small first. difficulty: 1 to 3. hints: idea, structure,
    line; none for a question.
    """

    id: str
    kind: QuestionKind
    order: int
    steps: tuple[Step, ...]
    difficulty: int
    source: str
    title: Text
    statement: Text
    hints: tuple[Text, ...]
    folder: Path
    code: CodeSpec | None


@dataclass(frozen=True, slots=True)
class Point:
    """A key point of a short answer: what a careful reader looks for.

    say: the point as one sentence. wordings: how people usually put it, in each language.
    """

    id: str
    say: Text
    wordings_en: tuple[str, ...]
    wordings_zh: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Something the quiz asks.

    options: what a `choice` offers; the pieces of an `order`, in the right order, which is the only one.
    answer: the letter of a `choice`, the number of a `number` as text, the number of the wrong line of a
    `spot`, counted from 1; empty for `order` and `short`. unit: of a number, where it has one.
    code: the lines of a `spot`; fix: its wrong line as it should be. points and model: of a `short`.
    """

    id: str
    kind: QuestionKind
    steps: tuple[Step, ...]
    difficulty: int
    source: str
    title: Text
    prompt: Text
    why: Text
    options: tuple[Text, ...] = ()
    answer: str = ""
    points: tuple[Point, ...] = ()
    model: Text | None = None
    topic: str = ""
    hints: tuple[Text, ...] = ()
    unit: Text | None = None
    code: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class TestResult:
    """One hidden test, judged. `ms` is how long the judge took over it."""

    __test__ = False

    id: str
    group: Group
    title: str
    outcome: Outcome
    message: str
    ms: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake, named: a code of the contract, the learner's line and the reference's for that step.

    line is None where no single line holds the mistake. proved: putting the wrong step into the reference
    reproduced the submission's own numbers.
    """

    code: str
    step: str
    line: int | None
    yours: str
    reference: str
    title: str
    explanation: str
    fix: str
    topic: str
    proved: bool


@dataclass(frozen=True, slots=True)
class StepSide:
    """One side of a row of the step-aligned diff: a line of code and the shape after it."""

    line: int | None
    code: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One of the ten steps, the learner's side beside the reference's; a side is None where not exercised."""

    step: Step
    yours: StepSide | None
    reference: StepSide | None
    same: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` has to say about one file. `why` says how the problem was chosen, or why the drill broke."""

    file: str
    problem: str
    verdict: Verdict
    tests: tuple[TestResult, ...]
    mistakes: tuple[Mistake, ...]
    notes: tuple[str, ...]
    steps: tuple[StepRow, ...]
    seconds_total: float
    seconds_judge: float
    why: str = ""
    bound: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer given or one check made, as the store keeps it. `at` is seconds since the epoch, UTC.

    score is between 0 (wrong) and 1 (right). seconds is how long it took. hints is how many were read first.
    missed: which of the ten steps a `check` found wrong, or a recitation got wrong.
    """

    item: str
    kind: str
    steps: tuple[str, ...]
    at: float
    score: float
    answer: str
    seconds: float
    hints: int = 0
    missed: tuple[str, ...] = ()
