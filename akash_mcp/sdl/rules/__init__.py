"""What each judge refuses: form and references (Console), chain and provider, Go command line, market."""
