"""A provider's gateway: where it is and who it is, how we are let in, and what it is asked.

    address → tls (flaws) → tokens, certificate → access → client (status, logs, events), shell

`ingress` looks at a workload's own web address, as any visitor does.
"""
