"""The use-cases, one module per verb: what the command line and embedding programs call."""
