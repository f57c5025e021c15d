"""A shop whose users are its customers."""
