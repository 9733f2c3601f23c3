"""Why a deployment does not do what it should: gather `evidence`, match its events and logs, name the `causes`."""
