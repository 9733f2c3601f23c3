"""The embedded providers: gateways as akash-network/provider runs them, over real sockets and real TLS."""
