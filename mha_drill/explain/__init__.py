"""The room that teaches: topics as data, pictures as records, one stride model under both. Torch-free."""
