"""Two versions of a policy compared by meaning: edits as data, their classes, what they reach, whom they concern."""
