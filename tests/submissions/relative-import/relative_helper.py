import math


def scale_of(d):
    return math.sqrt(d)
