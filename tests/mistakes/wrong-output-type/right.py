# mha-drill: mha
import math

import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, size, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.q_layer = nn.Linear(size, size)
        self.k_layer = nn.Linear(size, size)
        self.v_layer = nn.Linear(size, size)
        self.output_layer = nn.Linear(size, size)

    def forward(self, k, v, q):
        batch_size, head_size = k.size(0), k.size(2) // self.num_heads
        k = self.k_layer(k).view(batch_size, -1, self.num_heads, head_size).transpose(1, 2)
        v = self.v_layer(v).view(batch_size, -1, self.num_heads, head_size).transpose(1, 2)
        q = self.q_layer(q).view(batch_size, -1, self.num_heads, head_size).transpose(1, 2)
        q = q / math.sqrt(head_size)
        attention = torch.softmax(torch.matmul(q, k.transpose(2, 3)), dim=-1)
        context = torch.matmul(attention, v).transpose(1, 2).contiguous()
        output = self.output_layer(context.view(batch_size, -1, self.num_heads * head_size))
        return output
