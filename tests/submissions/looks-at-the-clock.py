# mha-drill: mha
# must: pass
import math
import torch
from torch import nn

import time, datetime
from dataclasses import dataclass
from typing import Callable
@dataclass
class T:
    clock: Callable = time.perf_counter
t = T()
t.clock()
print(time.ctime(), time.strftime('%Y'), time.localtime().tm_year, datetime.datetime.now().isoformat(), time.time_ns(), time.get_clock_info('time'), time.time.__name__)
assert isinstance(datetime.datetime.now(), datetime.datetime)
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.q = nn.Linear(d_model, d_model)
        self.k = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, d_model)
        self.o = nn.Linear(d_model, d_model)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.h, self.d).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        self.when = datetime.datetime.now(); assert isinstance(self.when, datetime.datetime); t0 = time.time()
        q, k, v = self.split(self.q(query)), self.split(self.k(key)), self.split(self.v(value))
        scores = q @ k.transpose(-2, -1)
        scores = scores / math.sqrt(self.d)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        weights = scores.softmax(-1)
        merged = (weights @ v).transpose(1, 2).reshape(query.shape[0], query.shape[1], -1)
        self.took = datetime.datetime.now() - self.when; assert time.time() >= t0
        return self.o(merged)
