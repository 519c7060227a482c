"""Nodes of a policy file → the declarations of `engine.policy`, one module per part of the file."""
