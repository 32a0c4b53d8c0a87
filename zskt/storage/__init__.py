"""Files and folders: written whole, read with care, fetched and verified; nothing here knows what a network is."""
