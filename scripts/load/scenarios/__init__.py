"""What a stress run plays: who asks for what, and the objects that they race for."""
