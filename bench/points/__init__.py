"""How fast messages are taken while their points are credited, and how fast the rest is afterwards."""
