"""How transformers come to use in-context and in-weights strategies, and how forgetting controls which."""
