"""The model server on this machine: the weights of the embedded models, fetching them, serving them."""
