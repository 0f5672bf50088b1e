# mha-drill: mha
# expect: shared-projection at 23
import math
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_Q = nn.Linear(embed_dim, embed_dim, bias=False)
        self.W_K = nn.Linear(embed_dim, embed_dim, bias=False)
        self.W_V = nn.Linear(embed_dim, embed_dim, bias=False)
        self.W_O = nn.Linear(embed_dim, embed_dim, bias=False)

    def into_heads(self, x):
        N, T, E = x.shape
        return x.view(N, T, self.num_heads, E // self.num_heads).transpose(1, 2)

    def forward(self, Q, K, V):
        Q = self.into_heads(self.W_Q(Q))
        K = self.into_heads(self.W_K(K))
        V = self.into_heads(self.W_K(V))
        energy = Q @ K.transpose(2, 3) / math.sqrt(Q.size(-1))
        out = energy.softmax(dim=-1) @ V
        out = out.transpose(1, 2).flatten(2)
        return self.W_O(out)
