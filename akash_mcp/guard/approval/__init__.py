"""How a person says yes to one exact plan, and that a yes is good for one operation."""
