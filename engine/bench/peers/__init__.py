"""Peers: other ways to constrain the same model, each behind the protocol of `work`, each in a process of its own."""
