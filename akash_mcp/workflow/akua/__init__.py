"""Workflows at Akua: what is there, and what is made, changed and deleted there."""
