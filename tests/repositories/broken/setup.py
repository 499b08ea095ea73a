"""Cannot be run; what a careless reader would execute shows itself."""

raise SystemExit("setup.py was executed")
