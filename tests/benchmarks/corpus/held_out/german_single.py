"""One head with German names; one weight of three parts, cut by rows for three inputs."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "german-single",
    "single-head",
    r'''
import math
import torch
from torch import nn
from torch.nn.functional import linear, softmax


class Aufmerksamkeit(nn.Module):
    """Ein Kopf: Abfrage, Schlüssel und Wert mit je einer eigenen Abbildung."""

    def __init__(self, breite):
        super().__init__()
        self.breite = breite
        self.abbildung = nn.Linear(breite, 3 * breite)

    def forward(self, abfrage, schluessel, wert, maske=None):
        g_a, g_s, g_w = self.abbildung.weight.chunk(3, dim=0)
        v_a, v_s, v_w = self.abbildung.bias.chunk(3)
        a = linear(abfrage, g_a, v_a)
        s = linear(schluessel, g_s, v_s)
        w = linear(wert, g_w, v_w)
        # Ähnlichkeit jeder Abfrage mit jedem Schlüssel
        punkte = torch.baddbmm(a.new_zeros(()), a, s.transpose(1, 2), beta=0, alpha=1 / math.sqrt(self.breite))
        if maske is not None:
            punkte = torch.where(maske > 0, punkte, -1e15)
        gewichte = softmax(punkte, dim=-1)
        ergebnis = gewichte.bmm(w)
        return ergebnis, gewichte
''',
    Drive(
        "Aufmerksamkeit(D)",
        "m(q, k, v)[0]",
        "*fused(lin(m.abbildung), 'k h d', 1),",
        "m(q, k, v, keep.double())[0]",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "output-alone",
    ("return ergebnis, gewichte", "return ergebnis"),
    call="m(q, k, v)",
    masked="m(q, k, v, keep.int())",
)
right(
    "output-map",
    (
        "        self.abbildung = nn",
        "        self.ausgang = nn.Linear(breite, breite)\n        self.abbildung = nn",
    ),
    ("return ergebnis, gewichte", "return self.ausgang(ergebnis), gewichte"),
    weights="*fused(lin(m.abbildung), 'k h d', 1), lin(m.ausgang)",
)
right(
    "no-mask",
    (", maske=None", ""),
    ("        if maske is not None:\n            punkte = torch.where(maske > 0, punkte, -1e15)\n", ""),
    masked="",
)
right(
    "one-input",
    ("abfrage, schluessel, wert, maske=None", "x, maske=None"),
    (
        (
            "        g_a, g_s, g_w = self.abbildung.weight.chunk(3, dim=0)\n        v_a, v_s, v_w = self.abbildung.bias.chunk(3)\n"
            "        a = linear(abfrage, g_a, v_a)\n        s = linear(schluessel, g_s, v_s)\n        w = linear(wert, g_w, v_w)\n"
        ),
        "        a, s, w = self.abbildung(x).tensor_split(3, dim=-1)\n",
    ),
    call="m(x)[0]",
    masked="m(x, keep)[0]",
    inputs="x",
)
wrong("missing-scale", (", alpha=1 / math.sqrt(self.breite)", ""))
wrong("wrong-scale", ("1 / math.sqrt(self.breite)", "1 / self.breite"))
wrong("wrong-scale", ("alpha=1 / math.sqrt(self.breite)", "alpha=math.sqrt(self.breite)"), on="no-mask")
wrong(
    "scale-after-softmax",
    (", alpha=1 / math.sqrt(self.breite)", ""),
    ("softmax(punkte, dim=-1)", "softmax(punkte, dim=-1) / math.sqrt(self.breite)"),
)
wrong("softmax-axis", ("softmax(punkte, dim=-1)", "softmax(punkte, dim=-2)"))
wrong(
    "softmax-axis",
    ("softmax(punkte, dim=-1)", "softmax(punkte, dim=0)"),
    on="no-mask",
    alone=True,
    also=("batch-mixing", "batch-mixing+softmax-axis"),
)
wrong("missing-softmax", ("gewichte = softmax(punkte, dim=-1)", "gewichte = punkte"), on="no-mask")
wrong(
    "missing-softmax",
    ("gewichte = softmax(punkte, dim=-1)", "gewichte = punkte / punkte.sum(dim=-1, keepdim=True)"),
    on="no-mask",
    also=("wrong-value",),
)
wrong(
    "mask-missing",
    ("punkte = torch.where(maske > 0, punkte, -1e15)", "torch.where(maske > 0, punkte, -1e15)"),
)
wrong("mask-fill-value", ("-1e15", "0.0"))
wrong("mask-fill-value", ("-1e15", "1e-15"), on="output-alone")
wrong(
    "mask-after-softmax",
    (
        "        if maske is not None:\n            punkte = torch.where(maske > 0, punkte, -1e15)\n        gewichte = softmax(punkte, dim=-1)\n",
        "        gewichte = softmax(punkte, dim=-1)\n        if maske is not None:\n            gewichte = torch.where(maske > 0, gewichte, 0.0)\n",
    ),
    at="torch.where(",
)
wrong("shared-projection", ("linear(schluessel, g_s, v_s)", "linear(schluessel, g_a, v_a)"))
wrong(
    "shared-projection",
    ("linear(schluessel, g_s, v_s)", "linear(schluessel, g_a, v_a)"),
    ("linear(wert, g_w, v_w)", "linear(wert, g_a, v_a)"),
    on="output-map",
)
wrong(
    "shared-projection",
    (
        "a, s, w = self.abbildung(x).tensor_split(3, dim=-1)",
        "a, s, w = [self.abbildung(x)[..., :self.breite]] * 3",
    ),
    on="one-input",
)
wrong("missing-projection", ("w = linear(wert, g_w, v_w)", "w = wert"))
wrong("missing-projection", ("s = linear(schluessel, g_s, v_s)", "s = schluessel"), on="output-map")
wrong("weigh-wrong-tensor", ("gewichte.bmm(w)", "gewichte.bmm(s)"))
wrong(
    "weigh-wrong-tensor",
    ("gewichte.bmm(w)", "punkte.bmm(w)"),
    on="no-mask",
    also=("missing-softmax",),
    alone=True,
)
wrong("key-not-transposed", ("s.transpose(1, 2)", "s.reshape(s.size(0), s.size(2), s.size(1))"))
wrong("batch-mixing", ("gewichte.bmm(w)", "gewichte @ w.mean(dim=0)"), alone=True, also=("wrong-value",))
wrong("extra-residual", ("return ergebnis, gewichte", "return ergebnis + abfrage, gewichte"))
wrong(
    "extra-normalization",
    (
        "return self.ausgang(ergebnis), gewichte",
        "return nn.functional.layer_norm(self.ausgang(ergebnis), [self.breite]), gewichte",
    ),
    on="output-map",
)
wrong("detached-graph", ("gewichte.bmm(w)", "gewichte.bmm(w.detach())"))
wrong(
    "detached-graph",
    ("g_a, g_s, g_w = self.abbildung.weight.chunk", "g_a, g_s, g_w = self.abbildung.weight.data.chunk"),
    on="no-mask",
)
wrong(
    "unexpected-mask",
    (
        "        gewichte = softmax",
        "        punkte = punkte.masked_fill(torch.ones_like(punkte, dtype=torch.bool).triu(1), -torch.inf)\n        gewichte = softmax",
    ),
    at="triu",
    on="no-mask",
)
wrong("wrong-output-shape", ("return ergebnis, gewichte", "return ergebnis.sum(1), gewichte"))
wrong(
    "unregistered-parameters",
    ("self.abbildung = nn.Linear(breite, 3 * breite)", "self.abbildung = (nn.Linear(breite, 3 * breite),)"),
    ("self.abbildung(x)", "self.abbildung[0](x)"),
    on="one-input",
    at="self.abbildung = ",
)
wrong(
    "import-error",
    ("from torch.nn.functional import linear, softmax", "from torch.nn.functional import lineare, softmax"),
)
