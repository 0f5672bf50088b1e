"""A mock interview: what is asked (`plan`), the follow-ups on the code just written (`followups`), and how it goes."""
