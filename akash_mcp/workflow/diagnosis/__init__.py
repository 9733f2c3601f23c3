"""Why a deployment does not do what it should: gather `evidence`, read its `signs`, name the `ailments`."""
