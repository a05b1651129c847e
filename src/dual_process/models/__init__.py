"""Networks in plain PyTorch, with a leading run axis on every parameter."""
