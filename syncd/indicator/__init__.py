"""The product: identifiers, tokens, statements, claims, verdicts."""
