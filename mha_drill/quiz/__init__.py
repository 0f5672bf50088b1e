"""Being asked and being marked: the session, what it asks, and how an answer is read."""
