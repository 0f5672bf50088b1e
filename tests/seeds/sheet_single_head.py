import torch
import math
import torch.nn as nn
import torch.nn.functional as F

class Attention(nn.Module):
    def __init__(self, d_k):
        super().__init__()
        self.d_k = d_k
		
		# 线性层可不加
        self.q_linear = nn.Linear(d_k, d_k)
        self.k_linear = nn.Linear(d_k, d_k)
        self.v_linear = nn.Linear(d_k, d_k)
    
    def forward(self, q, k, v):
        q = self.q_linear(q)
        k = self.q_linear(k)
        v = self.q_linear(v)
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        attention_scores = F.softmax(scores, dim = -1)
        output = torch.matmul(attention_scores, v)
        return output

if __name__ == "__main__":
    d_model = 128
    model = Attention(d_model)
    batch_size = 2
    seq_len = 5
    q = torch.rand(batch_size, seq_len, d_model)
    k = torch.rand(batch_size, seq_len, d_model)
    v = torch.rand(batch_size, seq_len, d_model)
    output = model(q, k ,v)
    print("Output shape:", output.shape)
    loss = output.mean()
    loss.backward()
    print("Backward pass completed.")
