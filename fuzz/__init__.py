"""Coverage-guided fuzzing: one file for each target, all run by ``make fuzz``. See README.md."""
