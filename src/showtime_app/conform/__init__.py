"""A judge for anybody's EventSub receiver, in any language: what is sent, and what a good answer is."""
