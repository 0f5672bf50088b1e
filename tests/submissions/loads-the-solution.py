# mha-drill: mha
# must: fail import-error crash
import importlib.util
import os

spec = importlib.util.spec_from_file_location("answer", os.environ["MHA_DRILL_TEST_SOLUTION"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
MultiHeadAttention = module.MultiHeadAttention
