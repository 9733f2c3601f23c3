"""The Console API in its three generations: what is read, what is written, and who may write."""
