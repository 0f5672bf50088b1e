# mha-drill: mha
# expect: cross-length at 17, 19, 20
import math
import torch
import torch.nn as nn
import torch.nn.functional as F


class MultiheadAttn(nn.Module):
    def __init__(self, d_model, n_heads, p=0.0):
        super().__init__()
        self.h, self.dk = n_heads, d_model // n_heads
        self.lq, self.lk, self.lv, self.lo = (nn.Linear(d_model, d_model) for _ in range(4))
        self.drop = nn.Dropout(p)

    def forward(self, q, k, v, mask=None):
        b, t, _ = q.shape
        q = self.lq(q).reshape(b, t, self.h, self.dk).permute(0, 2, 1, 3)
        k = self.lk(k).reshape(b, t, self.h, self.dk).permute(0, 2, 3, 1)
        v = self.lv(v).reshape(b, t, self.h, self.dk).permute(0, 2, 1, 3)
        s = torch.matmul(q, k) / math.sqrt(self.dk)
        if mask is not None:
            s = s.masked_fill(mask == 0, float("-inf"))
        a = self.drop(F.softmax(s, dim=-1))
        o = torch.matmul(a, v).permute(0, 2, 1, 3).reshape(b, t, -1)
        return self.lo(o)
