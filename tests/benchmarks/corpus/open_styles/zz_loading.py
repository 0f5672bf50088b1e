"""Files of the open half which do not load, or which do something else than attention while they do."""

from __future__ import annotations

from ..base import Style
from . import (
    annotated,
    function,
    hf_bert,
    jadore,
    keyword_only,
    lucidrains,
    memorised_single,
    mingpt,
    numpy_sdpa,
    raschka,
    sdpa_function,
    sheet,
    tf_port,
    timm_vit,
)


def whole(style: Style, code: str, text: str, also: tuple[str, ...] = (), at: tuple[str, ...] = ()) -> None:
    """The file's text replaced altogether."""
    style.wrong(code, (style.text(), text), also=also, at=at, alone=True)


def before(style: Style, code: str, anchor: str, text: str, at: str = "", on: str = "base") -> None:
    """Some lines put before an anchor."""
    style.wrong(code, (anchor, text + anchor), at=at or text.strip().splitlines()[0], alone=True, on=on)


A, B, V, G, L = annotated.STYLE, hf_bert.STYLE, timm_vit.STYLE, mingpt.STYLE, lucidrains.STYLE
R, S, K, P, J = raschka.STYLE, sheet.STYLE, keyword_only.STYLE, tf_port.STYLE, jadore.STYLE

whole(V, "class-not-found", "# vit.py\n# TODO: attention\n")
whole(
    A,
    "class-not-found",
    "import torch.nn as nn\n"
    "\n"
    "\n"
    "class PositionwiseFeedForward(nn.Module):\n"
    "    def __init__(self, d_model, d_ff):\n"
    "        super().__init__()\n"
    "        self.w_1 = nn.Linear(d_model, d_ff)\n"
    "        self.w_2 = nn.Linear(d_ff, d_model)\n"
    "\n"
    "    def forward(self, x):\n        return self.w_2(self.w_1(x).relu())\n",
)
whole(
    S,
    "class-not-found",
    "import torch\n\nQ = torch.rand(2, 5, 64)\nK = torch.rand(2, 5, 64)\nV = torch.rand(2, 5, 64)\n"
    "scores = torch.matmul(Q, K.transpose(-2, -1)) / 8\n"
    "output = torch.softmax(scores, dim=-1) @ V\n"
    "print(output.shape)\n",
)
whole(G, "class-not-found", "'''\n" + G.text().replace('"""', "").replace("'", '"') + "'''\n")
whole(
    R,
    "class-not-found",
    "def main():\n"
    + "".join(f"    {line}\n" if line else "\n" for line in R.text().splitlines())
    + "\n\nmain()\n",
)
whole(
    L,
    "class-not-found",
    "heads = 8\ndim_head = 64\n\n\ndef default(val, d):\n    return val if val is not None else d\n",
)

SECOND = """

class MultiHeadAttentionV2(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h = num_heads
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.o = nn.Linear(d_model, d_model)

    def forward(self, q, k, v):
        b, n, c = q.shape
        q, k, v = (t.view(b, n, self.h, c // self.h).transpose(1, 2) for t in self.qkv(q).chunk(3, -1))
        w = (q @ k.transpose(-1, -2) / (c // self.h) ** 0.5).softmax(-1)
        return self.o((w @ v).transpose(1, 2).reshape(b, n, c))
"""
whole(P, "ambiguous-class", P.text() + SECOND, at=("class MultiHeadAttention",))
whole(
    V,
    "ambiguous-class",
    V.text()
    + "\n\n"
    + V.text()
    .split("\n\n\n")[1]
    .replace("class Attention", "class AttentionWithoutDropout")
    .replace("        attn = self.attn_drop(attn)\n", ""),
    at=("class Attention",),
)
whole(
    S,
    "ambiguous-class",
    S.text() + SECOND.replace("(nn.Module)", "(torch.nn.Module)").replace("nn.Linear", "torch.nn.Linear"),
    at=("class MultiHeadAttention",),
)
whole(
    G,
    "ambiguous-class",
    G.text() + "\n\n" + G.text().split("\n\n\n")[1].replace("CausalSelfAttention", "CausalAttentionTry2"),
    at=("class Causal",),
)
whole(J, "ambiguous-class", J.text() + SECOND.replace("V2", "2"), at=("class MultiHeadAttention",))

before(S, "process-exit", "class MultiHeadAttention:", "import sys\nsys.exit(0)\n\n\n", "sys.exit")
before(
    A,
    "process-exit",
    "        nbatches = query.size(0)\n",
    "        import os\n        os._exit(0)\n",
    "os._exit",
)
before(
    V,
    "process-exit",
    "        B, N, C = x.shape\n",
    "        if x.shape[1] > 3:\n            exit()\n",
    "exit()",
)
before(G, "process-exit", "        self.n_head = config.n_head\n", "        raise SystemExit('done')\n")
before(
    R,
    "process-exit",
    "        keys = self.W_key(x)",
    "        import signal, os\n        os.kill(os.getpid(), signal.SIGKILL)\n",
    "os.kill",
)
before(
    K,
    "process-exit",
    "        q = self._split(self.q_proj(query))",
    "        import ctypes\n        ctypes.string_at(0)\n",
    "string_at",
)

before(S, "memory-limit", "class MultiHeadAttention:", "cache = bytearray(1 << 42)\n\n\n")
before(
    B, "memory-limit", "        query_layer = ", "        big = hidden_states.new_ones(1 << 21, 1 << 21)\n"
)
before(
    V, "memory-limit", "        attn = attn.softmax", "        attn = attn.repeat(1 << 16, 1 << 16, 1, 1)\n"
)
before(
    G,
    "memory-limit",
    "        # output projection\n        self.proj",
    "        self.register_buffer('table', torch.zeros(1 << 40))\n",
)
before(
    L,
    "memory-limit",
    "        q = q * self.scale",
    "        keep_everything = [torch.ones(1 << 34) for _ in range(1 << 12)]\n",
)

before(
    A,
    "process-limit",
    "        nbatches = query.size(0)\n",
    "        import multiprocessing\n"
    "        workers = [multiprocessing.Process(target=print) for _ in range(64)]\n"
    "        [worker.start() for worker in workers]\n",
    "worker.start()",
)
before(
    S,
    "process-limit",
    "class MultiHeadAttention:",
    "import subprocess\nsubprocess.run(['true'], check=True)\n\n\n",
    "subprocess.run",
)
before(
    V,
    "process-limit",
    "        B, N, C = x.shape\n",
    (
        "        import os\n"
        "        for _ in range(32):\n"
        "            if os.fork() == 0:\n"
        "                os._exit(0)\n"
    ),
    "os.fork",
)
before(
    G,
    "process-limit",
    "        self.n_head = config.n_head\n",
    "        from concurrent.futures import ProcessPoolExecutor\n"
    "        with ProcessPoolExecutor(16) as pool:\n"
    "            list(pool.map(abs, range(64)))\n",
    "ProcessPoolExecutor(16)",
)

before(
    J,
    "not-implemented",
    "        d_k, d_v, n_head = self.d_k",
    "        raise NotImplementedError('forward')\n",
)
before(
    R,
    "not-implemented",
    "        b, num_tokens, d_in = x.shape\n",
    "        # TODO\n        return NotImplemented\n",
    "return NotImplemented",
)
before(
    R,
    "import-error",
    "import torch\nimport torch.nn as nn\n",
    "from importlib.metadata import version\nimport tiktoken\n",
    "tiktoken",
)
whole(
    function.STYLE,
    "not-implemented",
    "def multi_head_attention(q, k, v, w_q, w_k, w_v, w_o, num_heads, mask=None):\n    pass\n",
    ("wrong-output-type",),
    ("pass",),
)
whole(
    sdpa_function.STYLE,
    "not-implemented",
    (
        "def scaled_dot_product_attention(query, key, value, mask=None):\n"
        "    # TODO 1: scores\n"
        "    # TODO 2: softmax\n"
        "    # TODO 3: output\n"
        "    return None\n"
    ),
    ("wrong-output-type",),
    ("return None",),
)
whole(
    memorised_single.STYLE,
    "syntax-error",
    memorised_single.STYLE.text().replace(
        "def forward(self, q, k, v):", "def forward(self, q\uff0c k\uff0c v)\uff1a"
    ),
    at=("def forward",),
)
whole(
    numpy_sdpa.STYLE,
    "syntax-error",
    numpy_sdpa.STYLE.text().replace("np.sqrt(d_k)", "np.sqrt\uff08d_k\uff09"),
    at=("np.sqrt",),
)
whole(
    B,
    "syntax-error",
    B.text().replace(
        "attention_probs = self.dropout(attention_probs)", "attention_probs = self.dropout(attention_probs"
    ),
    at=("self.dropout(attention_probs",),
)
