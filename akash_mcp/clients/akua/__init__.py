"""The client of Akua, another company's hosted Kubernetes platform: unrelated to Akash in spite of its name."""
