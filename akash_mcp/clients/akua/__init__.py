"""Akua, another company's hosted Kubernetes (https://api.akua.dev/v1): unrelated to Akash in spite of its name."""
