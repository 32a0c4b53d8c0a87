"""Mode ``compare``, the half that runs: who takes part, how long each may take, every run as a process of its own."""
