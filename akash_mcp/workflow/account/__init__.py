"""The account that pays: what it spent and spends, and how its deployments are funded."""
