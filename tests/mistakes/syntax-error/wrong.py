# mha-drill: sdpa
# expect: syntax-error at 10
import numpy as np


class Attention:
    def __init__(self, d):
        self.d = d

    def forward(self, Q, K, V)
        S = Q @ K.transpose(0, 2, 1) / np.sqrt(self.d)
        S = S - S.max(-1, keepdims=True)
        P = np.exp(S) / np.exp(S).sum(-1, keepdims=True)
        return P @ V, P
