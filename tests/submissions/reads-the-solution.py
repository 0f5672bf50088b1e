# mha-drill: mha
# must: fail crash
# Even knowing where it lies.
import os

exec(open(os.environ["MHA_DRILL_TEST_SOLUTION"]).read())
