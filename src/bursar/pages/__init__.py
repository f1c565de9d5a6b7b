"""What every page of Bursar stands on: who looks, the shell, components, charts, money and dates in their language."""
