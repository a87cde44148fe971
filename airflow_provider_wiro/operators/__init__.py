"""Running models: any model, and typed operators for the ones that are used most."""
