"""The embedded network: Console, chain and providers on loopback, to try and test everything with nothing."""
