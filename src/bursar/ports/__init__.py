"""What we need from outside, in our words: at most five bulk methods each. Only `assignments.flows` calls them."""
