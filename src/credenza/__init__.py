"""credenza: tastes data for poison before a model eats it."""
