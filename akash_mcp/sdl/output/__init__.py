"""What Console makes of an SDL: the orders, their group specs, and the manifest with its hash."""
