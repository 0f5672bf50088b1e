# mha-drill: mha
# must: fail import-error
import sys
from pathlib import Path

sys.path[:0] = [str(path) for path in Path(__file__).resolve().parents]
from solutions.mha import MultiHeadAttention
