"""A provider's gateway: where it is and who it is, how we are let in, and what it is asked.

    allowed_hosts → identity (certificate_errors) → tokens, client_certificate → access → client (lease_status, logs,
    events: log_frames), shell (command, shell_frames)

`http_probe` asks a workload's own web address, as any visitor does.
"""
