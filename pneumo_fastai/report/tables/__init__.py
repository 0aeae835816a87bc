"Several runs in one table."
