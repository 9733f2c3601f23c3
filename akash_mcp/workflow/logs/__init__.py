"""What containers and their cluster report: logs, page by page with each line once, and Kubernetes events.

`collector` reads over `lease_streams` into one `pod_log` a pod, each of which finds by `resume` where an earlier
answer ended; `log_answer` writes what was read, with a `cursor`. `event_answer` does it for events,
and `ended_run` tells what was kept of a run whose deployment is closed.
"""
