"""Looks at the market before anything is paid: it reads, and spends nothing."""
