"""Sets Alcove up in a checkout: environment, system libraries, dependencies, engine. Standard library only."""
