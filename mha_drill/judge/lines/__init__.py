"""The line of the learner's file that has to be edited, read off the source around the line where a mistake shows."""
