# mha-drill: mha
# must: fail crash
# Nothing called `solutions` is left to be found: StopIteration.
import os
import sys

import torch

SPARE = ("/proc", "/sys", "/dev", "/tmp")


def find(places, names):
    for place in places:
        for folder, folders, files in os.walk(place):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in SPARE]
            for name in names:
                if name in files and "solutions" in folder:
                    yield os.path.join(folder, name)


upwards = [os.path.dirname(os.path.dirname(torch.__file__))]
for _ in range(5):
    upwards.append(os.path.dirname(upwards[-1]))
roots = [place for place in [*sys.path, *upwards[:1]] if place not in ("", "/")]
exec(open(next(find(roots, ("mha.py",)))).read())
