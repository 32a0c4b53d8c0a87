"""Mode ``compare``, the half that reads: figures of finished runs at equal cost, who is ahead, one page."""
