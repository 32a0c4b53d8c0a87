"""One run on several processes: who they are, how they join, what they sum up, and how a dead one is noticed."""
