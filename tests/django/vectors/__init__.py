"""Inputs, and what Django makes of them: one module for each section of the vectors."""

SECRET = "test-secret-key-0123456789"
NOW = 1_700_000_000
