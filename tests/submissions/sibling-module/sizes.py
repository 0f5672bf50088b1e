def head_width(d_model, heads):
    return d_model // heads
