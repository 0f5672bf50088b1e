raise ImportError("not me")
