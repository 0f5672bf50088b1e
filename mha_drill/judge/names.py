"""What the names of parameters mean: data, and the two look-ups `meaning` and `role`.

Counted over public implementations: no single naming covers 15 % of them. A new name is added here.
"""

from __future__ import annotations

import re

# What a constructor parameter may mean, most telling pattern first. Names are matched in lower case without
# underscores, so that `numHeads`, `num_heads` and `NUM_HEADS` are one.
MEANINGS: tuple[tuple[str, str], ...] = (
    (
        "config",
        r"(configs?|configuration|cfg|conf|args|params|hparams|hyperparams|opts?|options|settings|hp|modelargs|modelconfig)",
    ),
    (
        "head_dim",
        r"(headdims?|dimheads?|dimperhead|perheaddim|dhead|headsize|headwidth|headembed(ding)?dim|headembdim|dimhead|hs|headfeatures|headchannels|channelsperhead|sizeperhead|attentionheadsize|hdim|perheadsize|singleheaddim|depthperhead)",
    ),
    (
        "kv_heads",
        r"(n|num|numof)?(kv|keyvalue)heads?(num|count)?|nkvheads?|numkeyvalueheads?|nkvh|kvhead|kvh|numgroups|numkvgroups|ngroups",
    ),
    (
        "heads",
        r"(n|num|no|number|count|total|numberof|numof|nof|nb|nr)?(attn|attention|sa|mha|self|encoder|decoder)?(attn|attention)?heads?(num|count|number|n|s)?|nhs?|h|nheads?|numh|headcount|headnumber|nattnheads?|nhead|nattentionheads",
    ),
    ("dropout", r".*drop.*|p|pdrop|keepprob"),
    (
        "context",
        r"(block|context|ctx|window|sequence|seq|max|maxseq|maxsequence|maxcontext|maxctx|maxposition|maxtoken|token|position|target|src|tgt|time)(size|len|length|s|window|tokens|embeddings|steps?)?|maxpositionembeddings|nctx|nctxs|ctxlength|maxlen|maxlength|npositions|maxt|t|l|seqlen|seqlength|contextlength|maxcontextlength|maxseqlength|maxseqlen|numtokens|numpatches|maxblocksize",
    ),
    (
        "bias",
        r"(qkv|use|add|with|has|attn|attention|proj|projection|out|linear|q|k|v|enable|in|kv|qk|include)*bias(es)?|outbias",
    ),
    (
        "causal",
        r"(is|use|apply|with)?(causal|masked|autoregressive|decoder|isdecoder|unidirectional)(mask|attention)?|mask|usemask|maskflag|causalflag|maskfuture|iscausal",
    ),
    ("batch_first", r"batchfirst"),
    ("device", r"device"),
    ("dtype", r"(d|param)?type|torchdtype"),
    ("temperature", r"temperature|temp|scalefactor|sqrtdk"),
    ("scale", r"(qk|softmax|attn|attention)?(scale|scaling)"),
    ("batch", r"(batch|batchsize|bsz|bs|b|n)"),
    ("layer", r"layer(idx|id|index|number|num|th)?|idx|index"),
    ("layers", r"(n|num)layers?|depthlayers|numhiddenlayers|numblocks|nblocks"),
    ("vocabulary", r"vocab(ulary)?(size)?|nvocab|numembeddings"),
    (
        "head_dim",
        r"(d|dim)(k|v|q|qk|kv|key|value|query|keys|values|queries)|(k|v|q|qk|key|value|query)(dim|size|channels|depth|features)|(attn|attention)dim|depth",
    ),
    (
        "width",
        r"(d|n|dim|size)?(model|embd?|embed|embeds|emb|embeddings?|hidden|hiddens?|hid|hids|state)(dims?|dimensions?|size|sizes|s|d|channels?|features?|width|units|length|states?)?|d|c|e|dm|dims?|dimensions?|dimin|dimout|din|dout|inputd|width|units|channels?|(n|num)(hiddens?|hids?|channels?|features?|units|embeds?|embd)|(in|out|input|output|inp|model|inner|all|total|embed|emb|feature|features|token|tokens|q|query|k|key|v|value|context|cross|attn|latent)(_)?(dims?|dimensions?|channels?|features?|size|sizes|width|units|embd|emb)|features?|featuredim|wordvecsize|wordvecdim|innerdim|hiddenunits|dmodels?|modelsize|dmod|ndim|nembd|dembed|dembd|demb|nembed|nstate|attentionsize|hiddenstatesize",
    ),
)
_COMPILED = tuple((meaning, re.compile(pattern)) for meaning, pattern in MEANINGS)

# What a forward parameter may mean.
ROLES: tuple[tuple[str, str], ...] = (
    (
        "weight",
        r"(w|weights?|mat|matrix|proj)(q|k|v|o|out|output|qkv|kv|qk|query|key|value)|(q|k|v|o|out|qkv|kv|query|key|value)(w|weights?|proj|projection|matrix)",
    ),
    (
        "bias",
        r"(b|bias)(q|k|v|o|out|output|qkv|kv|query|key|value)|(q|k|v|o|out|output|qkv|kv|query|key|value)(b|bias)",
    ),
    (
        "need",
        r"(need|return|output|get|with|average|avg|show|save|keep)(the)?(attn|attention|head|all)?(weights?|attn|attention|attentions|scores?|attnweights|attentionweights|map|maps|probs|mask)?|needheadweights|averageattnweights|verbose|debug",
    ),
    ("lengths", r"(valid|seq|sequence|key|src|source|input)?(lens?|lengths?)|validlen"),
    ("causal", r"(is|use|apply)?(causal|masked)(mask|attn|attention)?|autoregressive"),
    (
        "mask",
        r".*mask.*|.*msk.*|.*padding.*|attnbias|attentionbias|bias|allowed|permitted|(is)?visible|keep|(may|can)(look|see|attend)",
    ),
    ("dropout", r".*drop.*|p|training|train|istraining"),
    ("scale", r"scale|scaling|scalefactor|temperature"),
    (
        "cache",
        r".*(cache|past|incremental|layer|position|pos|freqs|rotary|rope).*|startpos|state|statickv|usecache",
    ),
    ("heads", r"(n|num|number)?(of)?heads?(num)?|nh|h|nheads?|numheads?"),
    ("head_dim", r"(d|dim)(k|v|q|head|model)?|headdim|headsize"),
    (
        "kv",
        r"kv|keyvalues?|keyvaluestates|kvinput|inputskv|inputkv|xkv|keysvalues|kvstates|kvin|xsource",
    ),
    (
        "context",
        r"(context|ctx|memory|mem|cross|cond|conditioning|source|src|enc|encoder|other|y|z|xcross|key_value)(states?|outputs?|out|hiddenstates?|input|inputs|embeddings?|embeds?|hidden|features?|x|tokens|sequence|seq)?|crossinput|x2|xb|xcontext|xenc|xencoder|xcross",
    ),
    (
        "q",
        r"(x|in|input|inputs|proj|the|idx|emb|embed|hidden|seq|tokens?|data|feats?|tensor)?(q|qs|que|query|queries|querys|quer|querystates|queryinput|queryin|qinput|qin|inputq|inputsq|xq|target|tgt)(s|x|in|input|inputs|states?|tensor|vec|vector|embeddings?|seq|sequence)?",
    ),
    (
        "k",
        r"(x|in|input|inputs|proj|the|idx|emb|embed|hidden|seq|tokens?|data|feats?|tensor)?(k|ks|key|keys|keystates|keyinput|keyin|kinput|kin|inputk|inputsk|xk)(s|x|in|input|inputs|states?|tensor|vec|vector|embeddings?|seq|sequence)?",
    ),
    (
        "v",
        r"(x|in|input|inputs|proj|the|idx|emb|embed|hidden|seq|tokens?|data|feats?|tensor)?(v|vs|val|vals|value|values|valuestates|valueinput|valuein|vinput|vin|inputv|inputsv|xv)(s|x|in|input|inputs|states?|tensor|vec|vector|embeddings?|seq|sequence)?",
    ),
    (
        "x",
        r"x|xs|x1|xa|h|e|z|inp|inputs?|data|tokens?|hidden|hiddenstates?|emb|embs|embeddings?|embed|embeds|seq|seqs|sequence|sequences|features?|tensor|feats?|inputtensor|inputembeddings?|inputsequence|xin|xinput|batch|src|state|states|inputx|inputdata|inputfeatures|tokenembeddings",
    ),
)
_ROLES = tuple((role, re.compile(pattern)) for role, pattern in ROLES)

CHINESE: dict[str, str] = {
    "上下文": "context", "头数": "heads", "多头数": "heads", "维度": "width", "模型维度": "width", "隐藏维度": "width",
    "随机失活": "dropout", "丢弃率": "dropout", "头": "heads", "宽度": "width",
}  # fmt: skip
_CHINESE_ROLES = CHINESE | {
    "查询": "q", "键": "k", "值": "v", "输入": "x", "掩码": "mask", "遮罩": "mask",
}  # fmt: skip


def plain(name: str) -> str:
    """Return a name in lower case without underscores and trailing digits' separators."""
    return name.replace("_", "").lower()


def parts_of(name: str) -> int:
    """Return how many maps a weight of this name holds side by side: 3 for `w_qkv`, 2 for `w_kv`, else 1."""
    bare = plain(name)
    return 3 if "qkv" in bare else 2 if "kv" in bare else 1


def meaning(name: str) -> str | None:
    """Return what a constructor parameter of this name means, or None."""
    if name in CHINESE:
        return CHINESE[name]
    if name in ("D", "C", "E", "H", "T", "L", "B", "N"):
        return {"D": "width", "C": "width", "E": "width", "H": "heads", "T": "context", "L": "context"}.get(
            name, "batch"
        )
    return listed(name) or _likely(plain(name))


def listed(name: str) -> str | None:
    """Return what a constructor parameter of this name means, where the name is a known one."""
    bare = plain(name)
    return next((found for found, pattern in _COMPILED if pattern.fullmatch(bare)), None)


def _likely(bare: str) -> str | None:
    """Return what an unlisted name most likely means by the words in it."""
    if "head" in bare:
        return "head_dim" if re.search(r"dim|size|width|dhead|headd", bare) else "heads"
    if re.search(r"drop|prob", bare):
        return "dropout"
    if re.search(r"(seq|ctx|context|block|max).*(len|size)|maxlen", bare):
        return "context"
    if re.search(r"model|emb|hid|dim|channel|width|feat", bare):
        return "width"
    return None


def role(name: str) -> str | None:
    """Return what a forward parameter of this name means, or None."""
    if name in _CHINESE_ROLES:
        return _CHINESE_ROLES[name]
    bare = plain(name)
    return next((found for found, pattern in _ROLES if pattern.fullmatch(bare)), None)
