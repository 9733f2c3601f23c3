"""Permits: one approved plan each, and the only way to carry it out."""
