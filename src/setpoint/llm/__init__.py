"""The port to language models: a typed prompt goes in, an answer or a failure comes out, and both are on record."""
