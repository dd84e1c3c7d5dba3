"""Questions about a report in plain language: context packs, sessions, answers, booked conversations."""
