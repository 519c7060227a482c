"""Data → text and JSON. With cli.py the only place that knows about terminals; prints nothing itself."""
