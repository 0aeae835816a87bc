"How it is told: pages, figures, tables, words."
