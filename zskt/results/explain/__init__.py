"""Mode ``explain``: what a teacher looks at, as an additive student of its answers tells."""
