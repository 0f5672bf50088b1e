# mha-drill: mha
import torch
from torch import nn, Tensor


class MultiHeadedAttention(nn.Module):
    """Base size: 512 channels, 8 heads of 64."""

    def __init__(self, d_model: int = 512, num_heads: int = 8) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.size_per_head = d_model // num_heads
        self.query_layer = nn.Linear(d_model, d_model)
        self.key_layer = nn.Linear(d_model, d_model)
        self.value_layer = nn.Linear(d_model, d_model)
        self.final_layer = nn.Linear(d_model, d_model)

    def _transform(self, x: Tensor) -> Tensor:
        x = x.view(x.size(0), -1, self.num_heads, self.size_per_head)
        return x.permute(0, 2, 1, 3)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        q = self._transform(self.query_layer(query))
        k = self._transform(self.key_layer(key))
        v = self._transform(self.value_layer(value))
        logits = torch.matmul(q, k.transpose(-1, -2)) / self.size_per_head**0.5
        heads = torch.matmul(torch.softmax(logits, dim=-1), v)
        heads = heads.permute(0, 2, 1, 3).contiguous()
        return self.final_layer(heads.view(*heads.shape[:2], -1))
