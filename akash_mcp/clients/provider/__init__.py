"""A provider's gateway: where it is and who it is, how we are let in, and what it is asked.

address → tls → tokens → access → client (status, logs, events)
"""
