"""What happens between an SDL and a closed deployment, step by step. Tools call it; only `guard` lets it spend."""
