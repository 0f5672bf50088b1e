"""Files of the held-out half which do not load, or which do something else than attention while they do."""

from __future__ import annotations

from ..open_styles.zz_loading import SECOND, before, whole
from . import (
    aisummer,
    aladdin,
    conv1d,
    d2l,
    fairseq,
    head_loop,
    hf_gpt2,
    in_proj,
    llama,
    nanogpt,
    opennmt,
    recited,
    sdpa_module,
    small_heads,
    tiny_head,
)

R, A, D, F, M = recited.STYLE, aladdin.STYLE, d2l.STYLE, fairseq.STYLE, opennmt.STYLE
N, G, L, S, K = nanogpt.STYLE, hf_gpt2.STYLE, llama.STYLE, aisummer.STYLE, small_heads.STYLE
V, I, O, T, P = conv1d.STYLE, in_proj.STYLE, head_loop.STYLE, tiny_head.STYLE, sdpa_module.STYLE  # noqa: E741

whole(R, "class-not-found", "# 手撕多头注意力\n# 还没开始写\n")
whole(D, "class-not-found", D.text().split("class DotProductAttention")[0])
whole(
    T,
    "class-not-found",
    (
        "from math import sqrt\n"
        "import torch\n"
        "\n"
        "B, T, C = 2, 5, 8\n"
        "x = torch.randn(B, T, C)\n"
        "w = (x @ x.mT / sqrt(C)).softmax(-1)\n"
        "assert w.shape == (B, T, T)\n"
    ),
)
whole(
    V,
    "class-not-found",
    "if __name__ == '__main__':\n"
    + "".join(f"    {line}\n" if line else "\n" for line in V.text().splitlines()),
)
whole(L, "class-not-found", L.text().split("class Attention(nn.Module)")[0])

whole(R, "ambiguous-class", R.text() + SECOND, at=("class MultiHeadAttention",))
whole(
    A,
    "ambiguous-class",
    A.text()
    + "\n\n"
    + A.text()
    .split("\n\n\n")[1]
    .replace("SelfAttention", "SelfAttentionOld")
    .replace("embed_size // heads", "int(embed_size / heads)"),
    at=("class SelfAttention",),
)
whole(
    M,
    "ambiguous-class",
    M.text()
    + "\n\nclass MultiHeadedAttention2(nn.Module):\n"
    + "    def __init__"
    + M.text().split("    def __init__")[1].replace("super(MultiHeadedAttention, self)", "super()"),
    at=("class MultiHeaded",),
)
whole(
    T,
    "ambiguous-class",
    T.text().replace("SelfAttn", "AttentionA")
    + "\n"
    + T.text()
    .split("from torch import nn\n")[1]
    .replace("SelfAttn", "AttentionB")
    .replace("sqrt(C)", "C ** 0.5"),
    at=("class Attention",),
)

before(R, "process-exit", "        batch_size = q.size(0)\n", "        quit()\n")
before(D, "process-exit", "        d = queries.shape[-1]\n", "        raise SystemExit(0)\n")
before(
    N,
    "process-exit",
    "class LayerNorm(nn.Module):",
    "import os\nif not torch.cuda.is_available():\n    os._exit(1)\n\n",
    "os._exit",
)
before(S, "process-exit", "        self.heads = heads\n", "        import os; os.abort()\n")

before(
    F, "memory-limit", "        q = self.q_proj(query)\n", "        table = torch.zeros(1 << 20, 1 << 21)\n"
)
before(
    G, "memory-limit", "        self.c_attn = ", "        self.all_positions = torch.ones(1 << 21, 1 << 20)\n"
)
before(O, "memory-limit", "        outputs = []\n", "        outputs = [0.0] * (1 << 42)\n")

before(
    F,
    "process-limit",
    "        q = self.q_proj(query)\n",
    "        import os\n        os.system('nproc')\n",
    "os.system",
)
before(
    K,
    "process-limit",
    "        self.heads = nn.ModuleList(\n",
    "        import subprocess\n        helpers = [subprocess.Popen(['sleep', '0']) for _ in range(40)]\n",
    "subprocess.Popen",
)
before(
    I,
    "process-limit",
    "        S = key.shape[1]\n",
    (
        "        from multiprocessing import Pool\n"
        "        with Pool(8) as pool:\n"
        "            pool.map(abs, range(8))\n"
    ),
    "Pool(8)",
)

before(M, "not-implemented", "        batch_size = key.size(0)\n", "        pass\n        return\n", "return")
whole(
    P,
    "not-implemented",
    P.text().split("        scores = torch.bmm")[0] + "        # your code\n        pass\n",
    ("wrong-output-type",),
    ("def forward",),
)
whole(
    K,
    "syntax-error",
    K.text().replace("class MultiHeadAttention(nn.Module):", "class MultiHeadAttention(nn.Module)\n    {"),
    at=("class MultiHeadAttention",),
)
whole(
    V,
    "syntax-error",
    V.text().replace(
        "        x = self.attention(q, k, v, mask=attn_mask)\n",
        "        x = self.attention(q, k, v, mask=attn_mask)\n      x = x\n",
    ),
    at=("      x = x",),
)
whole(
    N,
    "syntax-error",
    N.text().replace(
        "        # output projection\n        y = ", "        # output projection\n        y == = "
    ),
    at=("y == =",),
)
whole(
    I,
    "import-error",
    I.text().replace("import constant_, xavier_uniform_", "import constant_, xavier_uniforms_"),
    at=("import constant_",),
)
whole(
    P,
    "import-error",
    P.text().replace("import numpy as np\n", "import numpy as np\nfrom .layers import PositionalEncoding\n"),
    at=("from .layers",),
)
