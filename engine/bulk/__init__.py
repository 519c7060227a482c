"""Rosters of millions: files → columns typed by a policy's 字段 → compiled statement → results, with every row accounted for."""
