"""The formula language: text → syntax (`parse`) → typed tree (`check`); the tree's readers import `tree` only."""
