import torch
import torch.nn.functional as F
import math


class MultiHeadAttention(torch.nn.Module):
    def __init__(self, C, n_head):
        super().__init__()
        self.n_head = n_head
        # Linear projections
        self.q_proj = torch.nn.Linear(C, C)
        self.k_proj = torch.nn.Linear(C, C)
        self.v_proj = torch.nn.Linear(C, C)
        self.o_proj = torch.nn.Linear(C, C)

    def forward(self, x):
        B, T, C = x.shape
        n_head = self.n_head
        head_size = C // n_head
        # Compute Q, K, V
        q = self.q_proj(x)
        k = self.k_proj(x)
        v = self.v_proj(x)
        # Reshape for multi-head attention
        q = q.view(B, T, n_head, head_size).transpose(1, 2)# (B, n_head, T, head_size)
        k = k.view(B, T, n_head, head_size).transpose(1, 2)# (B, n_head, T, head_size)
        v = v.view(B, T, n_head, head_size).transpose(1, 2)# (B, n_head, T, head_size)
        # Attention
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(head_size))
        att = F.softmax(att, dim=-1)
        y = att @ v# (B, n_head, T, head_size)
        # Restore original shape
        y = y.transpose(1, 2).contiguous().view(B, T, C)# (B, T, C)
        y = self.o_proj(y)
        return y


if __name__ == "__main__":
    x = torch.randn(4, 512, 128)
    print(MultiHeadAttention(128, 8)(x).shape)
