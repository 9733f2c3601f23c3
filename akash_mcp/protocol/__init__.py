"""What of the protocol the SDK leaves to its servers: tasks, subscriptions, completion, log messages, trace context."""
