"""The composition root: builds the parts from settings and a request, and runs the graph over them."""
