# mha-drill: single-head
# expect: process-exit at 27
import sys

import torch
import torch.nn as nn


class OneHead(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.maps = nn.Linear(width, 3 * width)

    def forward(self, x):
        q, k, v = self.maps(x).chunk(3, dim=-1)
        weights = nn.functional.softmax(torch.baddbmm(torch.zeros(1), q, k.mT, beta=0, alpha=self.width**-0.5), dim=-1)
        return weights @ v


def main():
    x = torch.randn(2, 5, 24)
    print(OneHead(24)(x).shape)
    return 0


sys.exit(main())
