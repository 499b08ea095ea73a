"""Say what runs have shown, and how sure that is."""
