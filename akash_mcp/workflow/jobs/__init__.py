"""Runs that end by themselves: `until` says what ends one, and `waiting` follows its log and events until it has.

`container_ends` reads in a list of Kubernetes events whose containers have ended. What was seen at the end is a
`guard.job_ends.JobEnd`, which outlives the lease.
"""
