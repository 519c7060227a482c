"""Rosters: files of records, typed by the policy's 字段; readers, the typed model and the export of its JSON Schema."""
