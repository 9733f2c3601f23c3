"""The rules of each judge: schema and references (Console), chain, names (provider), Go command line, market."""
